"""Access rules that write down what is asked of Buildbot: by whom, and whether it was allowed.

Buildbot itself forgets who stopped a build, and a rebuild keeps the owner of the first. Every
control action of its web UI and REST API passes here, and is in the audit trail before it happens:
what cannot be written down is not done. Reading is not recorded.
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
from slipway.master.ledger_service import find_desk

#: What asks for nothing to be done.
_READING = frozenset({"get", "head", "options"})
#: Values that are kept as they are; of all others, the name alone: they may be secrets.
_PLAIN = frozenset({"branch", "builderid", "number", "priority", "reason", "revision", "run"})
_LONGEST = 200
#: So many refusals of one person are written down in a minute; the rest is counted.
_REFUSALS = 20
_MINUTE = 60.0


class RecordedAuthz(util.Authz):
    """Buildbot's access rules, with a memory."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._refusals = Refusals()

    def assertUserAllowed(
        self, ep: Any, action: str, options: dict[str, Any], userDetails: dict[str, Any]
    ) -> Any:
        """Let pass or raise Forbidden, and write either down."""
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
        await self._record(actor, ep, action, {"allowed": True, **told(options)})

    async def _record(self, actor: str, ep: Any, action: str, facts: dict[str, Any]) -> None:
        path = tuple(str(one) for one in ep)
        thing, project = await self._thing(path)
        verb = action if facts["allowed"] else f"refused: {action}"
        desk = find_desk(self.master)
        await desk.change(
            actor, note_control, action, "/".join(path), project, f"{verb} {thing}", facts
        )

    async def _thing(self, path: tuple[str, ...]) -> tuple[str, str]:
        """Return what a path means to people, and its project; else the path itself."""
        projects = find_desk(self.master).projects
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
    """Counts what one person was refused, so that a flood does not fill the trail."""

    def __init__(self) -> None:
        self._seen: dict[str, list[float]] = {}
        self._left_out: dict[str, int] = {}

    def count(self, actor: str, now: float) -> int | None:
        """Count one refusal.

        Returns:
            How many were left out since the last that was written; None: leave this one out.
        """
        recent = [one for one in self._seen.get(actor, []) if now - one < _MINUTE]
        self._seen[actor] = recent
        if len(recent) >= _REFUSALS:
            self._left_out[actor] = self._left_out.get(actor, 0) + 1
            return None
        recent.append(now)
        return self._left_out.pop(actor, 0)


def name_of(user: Mapping[str, Any]) -> str:
    """Return what the trail calls a signed-in person."""
    for key in ("username", "email", "full_name"):
        if user.get(key):
            return str(user[key])
    return "anonymous"


def _more(left_out: int) -> dict[str, int]:
    return {"refused since, not shown": left_out} if left_out else {}


def told(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that may be kept, and the names of the others."""
    plain = {name: str(value)[:_LONGEST] for name, value in options.items() if name in _PLAIN}
    others = sorted(str(name)[:_LONGEST] for name in options if name not in _PLAIN | {"owner"})
    return plain | ({"others": others[:_REFUSALS]} if others else {})


def note_control(
    session: Session, action: str, path: str, project: str, summary: str, facts: dict[str, Any]
) -> None:
    """Write down in the trail what was asked of Buildbot, and whether it was allowed."""
    note(session, action, "control", path, project=project, summary=summary, facts=facts)
