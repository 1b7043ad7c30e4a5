"""One call of an endpoint: the person, the request, and access to the data for its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Session

from slipway.master.access.audited_authorization import note_control, recorded_options
from slipway.master.ledger_service import LedgerService, find_ledger
from slipway.master.scheduling.scheduler import PipelineScheduler, find_pipeline
from slipway.model.access import Person, may, refusal
from slipway.www.api.graph_columns import Outline, Outlines
from slipway.www.api.http_errors import Refused, not_found

__all__ = ["Call", "demand"]

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Call:
    """The argument of a handler."""

    master: Any
    person: Person
    outlines: Outlines
    config: dict[str, Any]
    """The plugin's part of the site's configuration."""
    request: Any
    path: dict[str, str]
    query: Any = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ledger(self) -> LedgerService:
        """The ledger and the store.

        Raises:
            Refused: The master is still starting.
        """
        try:
            return find_ledger(self.master)
        except KeyError:
            raise Refused(503, "the master is starting; try again in a few seconds") from None

    async def read(
        self,
        work: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a read-only function on the ledger, concurrently with writers."""
        return await self.ledger.read(work, *args, **kwargs)

    async def change(
        self,
        work: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a function that changes the ledger; the audit trail records the person."""
        return await self.ledger.change(self.person.name, work, *args, **kwargs)

    async def record(self, action: str, path: str, summary: str, project: str = "") -> None:
        """Record an action on Buildbot in the audit trail, before it is done.

        Args:
            action: The name of Buildbot's control action.
            path: The object of the action, such as "workers/local".
            summary: A sentence about it for people.
            project: The project, if the action concerns only one.
        """
        reason = getattr(self.body, "reason", "")
        facts = {"allowed": True, **recorded_options({"reason": reason} if reason else {})}
        await self.change(note_control, action, path, project, summary, facts)

    @property
    def site(self) -> dict[str, Outline]:
        """The outlines of all projects."""
        return {name: self.outlines.of(name, one) for name, one in self.ledger.projects.items()}

    def outline(self, name: str | None = None) -> Outline:
        """Return the outline of the given project, or of the one that the path names.

        Raises:
            Refused: There is no such project.
        """
        wanted = self.path["project"] if name is None else name
        project = self.ledger.projects.get(wanted)
        if project is None:
            known = ", ".join(self.ledger.projects)
            raise not_found(f'there is no project "{wanted}"; there are {known}')
        return self.outlines.of(wanted, project)

    def scheduler(self, name: str) -> PipelineScheduler:
        """Return a project's scheduler.

        Raises:
            Refused: There is no such project.
            MissingTool: The master is still starting.
        """
        self.outline(name)
        return find_pipeline(self.master, name)


def demand(person: Person, action: str) -> None:
    """Raise if a person may not do an action.

    Raises:
        Refused: 401 without sign-in, else 403.
    """
    if not may(person, action):
        raise Refused(401 if person.anonymous else 403, refusal(person, action))
