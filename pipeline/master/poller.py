"""Looking at a project's repository now and then, and telling Buildbot what is new."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from buildbot.changes.base import ReconfigurablePollingChangeSource
from croniter import croniter
from twisted.internet import defer, threads
from twisted.python import log

from slipway.ledger import runs
from slipway.ledger.polls import keep_poll
from slipway.master.commits import POLLED, commit_of
from slipway.master.desk import find_desk
from slipway.master.starting import wait_for_start
from slipway.model.duration import parse_duration
from slipway.model.errors import SlipwayError
from slipway.repository import CommitFacts, Mirror

#: Seconds; Buildbot's own interval where a cron line says when: its poller must run to be asked.
_NEVER = 10 * 365 * 86_400


class RepositoryPoller(ReconfigurablePollingChangeSource):
    """Polls a repository by a duration or a cron line; the first poll ever finds its head.

    A new head becomes a Buildbot change for each new commit. Nothing new: nothing happens.
    """

    compare_attrs: ClassVar[tuple[str, ...]] = (
        "project",
        "mirror_folder",
        "repository",
        "branches",
        "schedule",
        "pollInterval",
    )

    def checkConfig(
        self,
        *,
        project: str,
        mirror_folder: str,
        repository: str,
        branches: tuple[str, ...],
        schedule: str,
    ) -> None:
        """Check the arguments; pipeline.toml's own check has been there before."""
        super().checkConfig(name=self.name, pollInterval=_interval(schedule))

    async def reconfigService(
        self,
        *,
        project: str,
        mirror_folder: str,
        repository: str,
        branches: tuple[str, ...],
        schedule: str,
    ) -> None:
        """Take up new arguments while the master runs."""
        changed = getattr(self, "schedule", schedule) != schedule
        self.project, self.branches, self.schedule = project, branches, schedule
        self.mirror = Mirror(Path(mirror_folder), repository, f"project.{project}.repository")
        await super().reconfigService(
            name=self.name, pollInterval=_interval(schedule), pollAtLaunch=True
        )
        if changed and self.active:
            self._arm()

    _next: Any = None

    def activate(self) -> Any:
        """Start polling: at once, then as the schedule says."""
        self._arm()
        return super().activate()

    def deactivate(self) -> Any:
        """Stop polling."""
        self._disarm()
        return super().deactivate()

    def _arm(self) -> None:
        """Wait for the next time of a cron line."""
        self._disarm()
        if _is_cron(self.schedule):
            now = self.master.reactor.seconds()
            due = croniter(self.schedule, now).get_next(float)
            self._next = self.master.reactor.callLater(max(1.0, due - now), self._due)

    def _disarm(self) -> None:
        waiting, self._next = self._next, None
        if waiting is not None and waiting.active():
            waiting.cancel()

    def _due(self) -> None:
        self._arm()
        self.doPoll()

    def poll(self) -> Any:
        """Look at the repository once."""
        return defer.ensureDeferred(self._poll())

    async def _poll(self) -> None:
        # At launch the other services may not be there yet: who starts the run is one of them.
        await wait_for_start(self.master)
        desk = find_desk(self.master)
        try:
            await threads.deferToThread(self.mirror.fetch)
            found = [line for branch in self.branches if (line := await self._look(branch))]
        except SlipwayError as error:
            log.msg(f"poll of {self.project}: {error}")
            await desk.call(keep_poll, self.project, str(error), failed=True)
            return
        except Exception as error:
            told = f"the poll broke off: {type(error).__name__}: {error}; see the master's log"
            await desk.call(keep_poll, self.project, told, failed=True)
            raise
        told = "; ".join(found) or f"nothing new on {', '.join(self.branches)}"
        await desk.call(keep_poll, self.project, told, failed=False)

    async def _look(self, branch: str) -> str:
        """Look at one branch; return what is new there as a sentence, or nothing."""
        desk = find_desk(self.master)
        head = await threads.deferToThread(self.mirror.resolve, branch)
        known = await desk.call(runs.polled_revision, self.project, branch)
        if known == head.revision:
            return ""
        commits = await threads.deferToThread(self.mirror.between, known, head.revision)
        for commit in commits:
            await self._add_change(branch, commit)
        about = await threads.deferToThread(commit_of, self.mirror, branch, head)
        pipeline = self.master.scheduler_manager.namedServices[self.project]
        await pipeline.begin_run(about, runs.Cause("poll", reason="new commits"))
        count = f"{len(commits)} new commit{'s' if len(commits) != 1 else ''}"
        return f"{count} on {branch}, up to {head.revision[:10]} ({head.subject})"

    async def _add_change(self, branch: str, commit: CommitFacts) -> None:
        files = await threads.deferToThread(self.mirror.files, commit.revision)
        await self.master.data.updates.addChange(
            author=commit.author,
            revision=commit.revision,
            files=files,
            comments=commit.subject,
            when_timestamp=commit.committed_at,
            branch=branch,
            project=self.project,
            repository=self.mirror.repository,
            src="git",
            properties={POLLED: True},
        )


def _is_cron(schedule: str) -> bool:
    return bool(croniter.is_valid(schedule))


def _interval(schedule: str) -> int:
    return _NEVER if _is_cron(schedule) else parse_duration(schedule)
