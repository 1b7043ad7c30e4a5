"""Record every control action of Buildbot's web UI and REST API in the audit trail.

Buildbot itself does not store who stopped a build, and a rebuild keeps the owner of the first build
(https://github.com/buildbot/buildbot/issues/6804). Each action is recorded with its person and the
decision before it is executed: an action that cannot be recorded is refused. Reading is not
recorded.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from buildbot.plugins import util
from buildbot.www.authz.authz import Forbidden
from sqlalchemy.orm import Session
from twisted.internet import defer
from twisted.python import log

from slipway.ledger.audit.chain import note
from slipway.master.ledger_service import find_ledger

__all__ = ["RecordedAuthz", "Refusals", "name_of", "note_control", "recorded_options"]

#: HTTP methods that only read.
_READING = frozenset({"get", "head", "options"})
#: Options recorded with their values; of others the name only, as they may hold secrets.
_PLAIN = frozenset({"branch", "builderid", "number", "priority", "reason", "revision", "run"})
_LONGEST = 200
#: Maximum number of recorded refusals per person and minute; the rest is counted.
_REFUSALS = 20
_MINUTE = 60.0


class RecordedAuthz(util.Authz):
    """Buildbot's authorization rules, with an audit trail."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._refusals = Refusals()

    def assertUserAllowed(
        self, ep: Any, action: str, options: dict[str, Any], userDetails: dict[str, Any]
    ) -> Any:
        """Allow or raise Forbidden, and record either."""
        answer = super().assertUserAllowed(ep, action, options, userDetails)
        if str(action).lower() in _READING:
            return answer
        return defer.ensureDeferred(
            self._recorded(answer, name_of(userDetails), ep, action, options)
        )

    async def _recorded(
        self, answer: Any, actor: str, ep: Any, action: str, options: dict[str, Any]
    ) -> None:
        try:
            await answer
        except Forbidden:
            more = self._refusals.count(actor, time.monotonic())
            if more is not None:
                await self._record(actor, ep, action, {"allowed": False, **_more(more)})
            raise
        await self._record(actor, ep, action, {"allowed": True, **recorded_options(options)})

    async def _record(self, actor: str, ep: Any, action: str, facts: dict[str, Any]) -> None:
        path = tuple(str(one) for one in ep)
        thing, project = await self._thing(path)
        verb = action if facts["allowed"] else f"refused: {action}"
        ledger = find_ledger(self.master)
        await ledger.change(
            actor, note_control, action, "/".join(path), project, f"{verb} {thing}", facts
        )

    async def _thing(self, path: tuple[str, ...]) -> tuple[str, str]:
        """Return the title and project of the object of a path; the path itself if unknown."""
        projects = find_ledger(self.master).projects
        kind, key = ("", *path)[-2:]
        if kind == "forceschedulers":
            return key, next(
                (name for name in projects if key in {f"{name}-run", f"{name}-stage"}), ""
            )
        try:
            found = await self.master.data.get(path)
            builder = found
            if kind in {"builds", "buildrequests"}:
                builder = await self.master.data.get(("builders", str(found["builderid"])))
            name = str(builder["name"])
        except Exception as error:  # noqa: BLE001  whatever the path, the action is recorded
            log.msg(f"the audit trail names {'/'.join(path)} by its path: {error!r}")
            return "/".join(path), ""
        project = name.partition(".")[0] if kind != "workers" else ""
        kind = {"builds": "build", "buildrequests": "request"}.get(kind, "")
        thing = f"{kind} {found.get('number', key)} of {name}" if kind else name
        return thing, project if project in projects else ""


class Refusals:
    """Limits the recorded refusals of a person, so that a flood does not fill the audit trail."""

    def __init__(self) -> None:
        self._seen: dict[str, list[float]] = {}
        self._left_out: dict[str, int] = {}

    def count(self, actor: str, now: float) -> int | None:
        """Count one refusal.

        Returns:
            The number left out since the last recorded one; None: do not record this one.
        """
        recent = [one for one in self._seen.get(actor, []) if now - one < _MINUTE]
        self._seen[actor] = recent
        if len(recent) >= _REFUSALS:
            self._left_out[actor] = self._left_out.get(actor, 0) + 1
            return None
        recent.append(now)
        return self._left_out.pop(actor, 0)


def name_of(user: Mapping[str, Any]) -> str:
    """Return the name of a signed-in person for the audit trail."""
    for key in ("username", "email", "full_name"):
        if user.get(key):
            return str(user[key])
    return "anonymous"


def _more(left_out: int) -> dict[str, int]:
    return {"refused since, not shown": left_out} if left_out else {}


def recorded_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that may be recorded, and the names of the others."""
    plain = {name: str(value)[:_LONGEST] for name, value in options.items() if name in _PLAIN}
    others = sorted(str(name)[:_LONGEST] for name in options if name not in _PLAIN | {"owner"})
    return plain | ({"others": others[:_REFUSALS]} if others else {})


def note_control(
    session: Session, action: str, path: str, project: str, summary: str, facts: dict[str, Any]
) -> None:
    """Record a control action and its decision in the audit trail."""
    note(session, action, "control", path, project=project, summary=summary, facts=facts)
