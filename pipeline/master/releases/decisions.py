"""Block, unblock and promote releases, and bring their site up to date."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy.orm import Session
from twisted.internet import defer, threads

from slipway.ledger.releases import blocks, channels
from slipway.ledger.tables.runs import Release
from slipway.master.releases.site import Decided, Written, decided, signs_with, write_site
from slipway.model.access import Person
from slipway.model.errors import MissingTool, SlipwayError, WrongInput
from slipway.model.site import Project, SiteSettings
from slipway.state_folder import Home

__all__ = ["DecidingLedger", "ReleaseDecisions"]

P = ParamSpec("P")
T = TypeVar("T")
#: One site is written at a time, by project.
_TURNS: dict[str, defer.DeferredLock] = {}


class DecidingLedger(Protocol):
    """What decisions need of the ledger service."""

    settings: SiteSettings
    projects: dict[str, Project]
    state_folder: str
    folder: str

    async def read(
        self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Read from the ledger."""

    async def change(
        self,
        actor: str,
        work: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Change the ledger, with a person as the actor in the audit trail."""


class ReleaseDecisions:
    """What people decide on releases. Each decision is in the ledger before any page shows it."""

    def __init__(self, ledger: DecidingLedger) -> None:
        self._ledger = ledger

    async def block(self, release_id: int, person: Person, reason: str) -> None:
        """Block a release: nothing deploys, promotes or offers it.

        Raises:
            Forbidden: The person lacks the permission.
            WrongInput: There is no such release, it is blocked already, or no reason is given.
        """

        def work(session: Session) -> str:
            release = _find(session, release_id)
            blocks.block(session, release, person, reason, time.time())
            return release.run.project

        await self.refresh(await self._ledger.change(person.name, work))

    async def unblock(self, release_id: int, person: Person) -> None:
        """End the block of a release.

        Raises:
            Forbidden: The person lacks the permission.
            WrongInput: There is no such release, or it is not blocked.
        """

        def work(session: Session) -> str:
            release = _find(session, release_id)
            blocks.unblock(session, release, person)
            return release.run.project

        await self.refresh(await self._ledger.change(person.name, work))

    async def promote(self, release_id: int, person: Person, channel: str, reason: str) -> bool:
        """Move a channel to a release, without a gate.

        Returns:
            False if the channel points at it already.

        Raises:
            Forbidden: The person lacks the permission.
            WrongInput: There is no such release or channel, it is blocked, or has not been in the
                channel before.
        """

        def work(session: Session) -> tuple[str, bool]:
            release = _find(session, release_id)
            channels.permit(person)
            name = release.run.project
            project = self._ledger.projects.get(name)
            order = project.channels if project is not None else ()
            now = time.time()
            return name, channels.promote(
                session, release, channel, order, now, person.name, reason
            )

        name, moved = await self._ledger.change(person.name, work)
        await self.refresh(name)
        return moved

    async def refresh(self, name: str) -> dict[str, Written]:
        """Bring the site of a project's releases up to date; idempotent.

        Returns:
            What was written, by the stages' `folder`.

        Raises:
            MissingTool: A file cannot be written or signed; what was decided stays decided.
        """
        turn = _TURNS.setdefault(name, defer.DeferredLock())
        await turn.acquire()
        try:
            return await self._refresh(name)
        except (OSError, SlipwayError) as error:
            msg = (
                f"what was decided is recorded, but the pages of {name} are the old ones: {error}; "
                "mend that, and publish, block or promote something"
            )
            raise MissingTool(msg) from None
        finally:
            turn.release()

    async def _refresh(self, name: str) -> dict[str, Written]:
        project = self._ledger.projects.get(name)
        if project is None:
            return {}
        # Read in its turn: what was decided last is written last.
        facts = await self._ledger.read(decided, name, project)
        found = {}
        for folder in project.release_folders:
            place = Path(self._ledger.state_folder, folder, name)
            written = await threads.deferToThread(self._write, place, facts)
            if written is not None:
                found[folder] = written
        return found

    def _write(self, place: Path, facts: Decided) -> Written | None:
        """Write a project's pages, feeds and pointers, and sign what points at a release."""
        home, folder = Home(Path(self._ledger.state_folder)), Path(self._ledger.folder)
        sign = signs_with(self._ledger.settings, home, folder, datetime.now(UTC))
        return write_site(place, facts, sign)


def _find(session: Session, release_id: int) -> Release:
    release = session.get(Release, release_id)
    if release is None:
        msg = f"there is no release {release_id}"
        raise WrongInput(msg)
    return release
