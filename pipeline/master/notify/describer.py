"""Describe notices on the master: what the ledger lacks, and who is told."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import ValidationError
from sqlalchemy.orm import Session
from twisted.internet import threads
from twisted.python import log

from slipway.ledger.outbox.describing import Described, describe, own_rules
from slipway.ledger.outbox.queue import Plan, Undescribed, store, undescribed
from slipway.master.notify.recipients import Audience, plans
from slipway.model.access import ADMIN_ROLE, held
from slipway.model.errors import SlipwayError, error_line
from slipway.model.kinds.notice import Notifier
from slipway.model.notices.details import Blamed
from slipway.model.notices.events import Event
from slipway.model.notices.notice import Notice
from slipway.model.notices.rules import OwnRules
from slipway.model.notices.titles import title_of
from slipway.model.people import PersonSettings

__all__ = ["Describer", "read_rules"]

#: Maximum number of notices described in one transaction.
_BATCH = 50
_LOG_LINES = 40
_CHANNELS = "oeh"
_EMAIL = re.compile(r"<([^<>]*)>\s*$")


class _Ledger(Protocol):
    projects: Mapping[str, Any]
    repositories: Mapping[str, str]

    async def read(self, work: Any, *args: Any) -> Any:
        """Read from the ledger."""

    async def call(self, work: Any, *args: Any) -> Any:
        """Change the ledger."""

    def mirror(self, project: str) -> Any:
        """Return the mirror of a project."""


class Describer:
    """Describes what the outbox has facts of alone, and plans its deliveries."""

    def __init__(
        self,
        ledger: _Ledger,
        database: Any,
        channels: Mapping[str, Notifier],
        people: Mapping[str, PersonSettings],
        url: str,
    ) -> None:
        """Initialize.

        Args:
            ledger: The ledger service.
            database: Buildbot's database, for logs.
            channels: The notifiers, by name.
            people: The people, by name.
            url: The site's URL, with a trailing slash.
        """
        self._ledger, self._database = ledger, database
        self._channels, self._people, self._url = channels, people, url
        self.rules: dict[str, OwnRules] | None = None
        """People's own rules, once they were read."""

    async def describe_some(self) -> int:
        """Describe the oldest notices.

        Returns:
            How many there were; less than a batch if none is left.
        """
        found, rules = await self._ledger.read(_look, self._url)
        if not found:
            return 0
        self.rules = read_rules(rules)
        audience = Audience(self._people, self.rules)
        done = []
        for one, described in found:
            notice, asker, approvers = await self._whole(one, described)
            concerned = audience.concerned(notice, asker, approvers)
            notice = notice.model_copy(update={"concerned": concerned[:200]})
            planned = plans(notice, self._channels, audience, time.time())
            done.append((one.id, notice.model_dump(mode="json", by_alias=True), planned))
        await self._ledger.call(_store_all, done, time.time())
        return len(found)

    async def _whole(
        self, one: Undescribed, described: Described | None
    ) -> tuple[Notice, str, tuple[str, ...]]:
        """Return a notice, who asked for it, and who may approve.

        What cannot be described goes out plain and says so.
        """
        if described is not None:
            try:
                return await self._described(described)
            except Exception as error:  # noqa: BLE001  a notice that is not sent is worse
                log.msg(f"notices: {one.key} goes out plain: {error_line(error)}")
        facts = {"project": one.project, "stage": str(one.facts.get("stage", ""))}
        return (
            Notice(
                id=one.key,
                event=Event(one.event),
                title=title_of(Event(one.event), facts),
                text="the rest could not be described; the master's log says why",
                at=one.at,
                url=self._url,
                project=one.project,
            ),
            str(one.facts.get("asker") or one.facts.get("person") or ""),
            (),
        )

    async def _described(self, described: Described) -> tuple[Notice, str, tuple[str, ...]]:
        fields = described.fields
        fields["repository"] = self._ledger.repositories.get(fields["project"], "")
        if described.blame is not None:
            fields["blamed"] = await self._blamed(fields, *described.blame)
        fields["logs"] = [
            {"stage": stage, "text": text}
            for stage, build in described.logs
            if (text := await self._log_end(build))
        ]
        approvers = self._approvers(described)
        facts = fields | {"state": fields.get("changed", {}).get("state", "")}
        notice = Notice.model_validate(fields | {"title": title_of(fields["event"], facts)})
        return notice, described.asker or notice.person, approvers

    async def _blamed(
        self, fields: Mapping[str, Any], good: str | None, revision: str
    ) -> list[Blamed]:
        authors = [fields["author"]]
        if fields["project"] in self._ledger.projects:
            mirror = self._ledger.mirror(fields["project"])
            try:
                commits = await threads.deferToThread(mirror.between, good, revision)
            except (SlipwayError, OSError):
                # The history was rewritten, or the mirror is not there: this commit is known.
                pass
            else:
                authors = [one.author for one in commits] or authors
        return self._as_blamed(authors)

    def _as_blamed(self, authors: list[str]) -> list[Blamed]:
        emails = {one.email.lower(): name for name, one in self._people.items() if one.email}
        counts: dict[tuple[str, str], int] = {}
        for author in authors:
            found = _EMAIL.search(author)
            email = found[1].strip() if found else ""
            name = _EMAIL.sub("", author).strip() or email
            counts[name, email] = counts.get((name, email), 0) + 1
        return [
            Blamed(name=name, email=email, person=emails.get(email.lower(), ""), commits=count)
            for (name, email), count in list(counts.items())[-20:]
        ]

    async def _log_end(self, build: int) -> str:
        for step in await self._database.steps.getSteps(build):
            found = await self._database.logs.getLogBySlug(step.id, "stdio")
            if found is None or not found.num_lines:
                continue
            last = found.num_lines - 1
            text = await self._database.logs.getLogLines(
                found.id, max(0, last - _LOG_LINES + 1), last
            )
            lines = text.split("\n")
            return "\n".join(one[1:] if one[:1] in _CHANNELS else one for one in lines)
        return ""

    def _approvers(self, described: Described) -> tuple[str, ...]:
        """Return who may open or approve the gate and has not; note what it still needs."""
        project = self._ledger.projects.get(described.fields["project"])
        stage = project.stages.get(described.gate_stage) if project is not None else None
        if stage is None:
            return ()
        approvals = dict(described.fields.get("approvals") or {})
        given = len(described.approved)
        approvals |= {"needed": stage.approvals, "missing": max(0, stage.approvals - given)}
        described.fields["approvals"] = approvals | {"roles": stage.allowed}
        allowed = {*stage.allowed, ADMIN_ROLE} if stage.allowed else {"developer"}
        return tuple(
            name
            for name, one in self._people.items()
            if held(one.roles) & allowed and name not in described.approved
        )


def read_rules(kept: Mapping[str, Mapping[str, Any]]) -> dict[str, OwnRules]:
    """Return people's own rules; those that this version does not understand count as none."""
    found = {}
    for person, rules in kept.items():
        try:
            found[person] = OwnRules.model_validate(rules)
        except ValidationError as error:
            log.msg(f"notices: the rules of {person} are not used: {error_line(error)}")
    return found


def _look(
    session: Session, url: str
) -> tuple[list[tuple[Undescribed, Described | None]], dict[str, dict[str, Any]]]:
    found: list[tuple[Undescribed, Described | None]] = []
    for one in undescribed(session, _BATCH):
        try:
            found.append((one, describe(session, one, url)))
        except Exception as error:  # noqa: BLE001  one that cannot be described holds no other
            log.msg(f"notices: {one.key} goes out plain: {error_line(error)}")
            session.rollback()
            found.append((one, None))
    return found, own_rules(session)


def _store_all(
    session: Session, done: list[tuple[int, Mapping[str, Any], list[Plan]]], now: float
) -> None:
    for notice, body, planned in done:
        store(session, notice, body, planned, now)
