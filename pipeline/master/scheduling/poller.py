"""Poll a project's repository and report new commits to Buildbot."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from buildbot.changes.base import ReconfigurablePollingChangeSource
from croniter import croniter
from twisted.internet import defer, threads
from twisted.python import log

from slipway.git_mirror import Mirror
from slipway.ledger.branches import take_note
from slipway.ledger.polls import keep_poll
from slipway.master.ledger_service import find_ledger
from slipway.master.scheduling.change_filter import POLLED
from slipway.master.scheduling.scheduler import find_pipeline
from slipway.master.scheduling.startup_barrier import wait_for_start
from slipway.model.commit import Cause
from slipway.model.duration import parse_duration
from slipway.model.errors import SlipwayError, WrongInput
from slipway.model.records.commit import CommitFacts

__all__ = ["MOST_BRANCHES", "MOST_RUNS", "RepositoryPoller"]

#: Poll interval in seconds for a cron line: Buildbot's poller needs one to be active at all.
_NEVER = 10 * 365 * 86_400
#: Maximum number of branches considered for patterns, newest commits first, and of runs started by
#: one poll for them: a push of a hundred branches must not start a hundred runs.
MOST_BRANCHES, MOST_RUNS = 2000, 20


class RepositoryPoller(ReconfigurablePollingChangeSource):
    """Polls a repository by an interval or a cron line; the first poll ever runs its head.

    It starts the runs itself. Each new commit also becomes a Buildbot change, for the lists of
    changes in Buildbot's own pages; no scheduler of ours subscribes to these. Branches that match a
    pattern and exist when it is first polled wait for a push.
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
        """Check the interval; pipeline.toml was validated before."""
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
        """Apply new arguments while the master runs."""
        changed = getattr(self, "schedule", schedule) != schedule
        if changed:
            # Buildbot waits for a running poll before it starts one with the new interval.
            self._waiting.cancel()
        self.project, self.branches, self.schedule = project, branches, schedule
        self.mirror = Mirror(Path(mirror_folder), repository, f"project.{project}.repository")
        await super().reconfigService(
            name=self.name, pollInterval=_interval(schedule), pollAtLaunch=True
        )
        if changed and self.active:
            self._arm()

    _next: Any = None
    _stopped = False
    _waiting: Any = defer.succeed(None)
    """A poll that waits for the end of the master's start."""

    def activate(self) -> Any:
        """Start polling: immediately, then by the schedule."""
        self._stopped = False
        self._arm()
        return super().activate()

    def deactivate(self) -> Any:
        """Stop polling; cancel a poll that still waits for the end of the master's start."""
        self._stopped = True
        self._disarm()
        self._waiting.cancel()
        return super().deactivate()

    def _arm(self) -> None:
        """Schedule the next poll of a cron line."""
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
        """Poll the repository once."""
        return defer.ensureDeferred(self._poll())

    async def _poll(self) -> None:
        # At launch the scheduler that starts the run may not be active yet.
        self._waiting = wait_for_start(self.master)
        if not await self._waiting:
            return
        ledger = find_ledger(self.master)
        began_at = time.time()
        self._started: list[int] = []
        found: list[str] = []
        wrong: list[str] = []
        try:
            await threads.deferToThread(self._fetch)
            heads = await threads.deferToThread(self.mirror.heads, MOST_BRANCHES)
            news = await ledger.call(take_note, self.project, self.branches, heads)
            chosen, later = self._chosen(news)
            for branch in chosen:
                try:
                    found += await self._look(branch, news[branch])
                except SlipwayError as error:
                    # An error of one branch does not stop the others.
                    wrong.append(str(error))
        except SlipwayError as error:
            # A poll interrupted by the master's stop is not recorded; the next master polls again.
            if not self._stopped:
                await self._keep(str(error), began_at, failed=True)
            return
        except Exception as error:
            outcome = f"the poll broke off: {type(error).__name__}: {error}; see the master's log"
            await self._keep(outcome, began_at, failed=True)
            raise
        if later:
            found.append(f"{later} more branches with news wait for the next poll")
        outcome = "; ".join([*found, *wrong]) or f"nothing new on {', '.join(self.branches)}"
        await self._keep(outcome, began_at, failed=bool(wrong))

    def _fetch(self) -> None:
        if self._stopped:
            msg = "the master is stopping"
            raise WrongInput(msg)
        self.mirror.fetch()

    async def _keep(self, outcome: str, began_at: float, *, failed: bool) -> None:
        if failed:
            log.msg(f"poll of {self.project}: {outcome}")
        ledger, runs = find_ledger(self.master), self._started
        await ledger.call(
            keep_poll, self.project, outcome, failed=failed, began_at=began_at, runs=runs
        )

    def _chosen(self, news: Iterable[str]) -> tuple[list[str], int]:
        """Return the branches to process now, named ones first, and how many are left for later."""
        others = [branch for branch in news if branch not in self.branches]
        named = [branch for branch in self.branches if branch in news]
        return [*named, *others[:MOST_RUNS]], max(0, len(others) - MOST_RUNS)

    async def _look(self, branch: str, known: str | None) -> list[str]:
        """Process one branch; return a sentence about its new commits, or nothing."""
        head = await threads.deferToThread(self.mirror.resolve, branch)
        if known == head.revision:
            return []
        commits = await threads.deferToThread(self.mirror.between, known, head.revision)
        for commit in commits:
            await self._add_change(branch, commit)
        about = await threads.deferToThread(self.mirror.commit, branch, head)
        pipeline = find_pipeline(self.master, self.project)
        started = await pipeline.begin_run(about, Cause("poll", reason="new commits"))
        if started is not None:
            self._started.append(started.number)
        count = f"{len(commits)} new commit{'s' if len(commits) != 1 else ''}"
        sentence = f"{count} on {branch}, up to {head.revision[:10]} ({head.subject})"
        trouble = (await threads.deferToThread(self.mirror.version, head.revision)).trouble
        return [f"{sentence}, as version {about.base_version}: {trouble}" if trouble else sentence]

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
            category=POLLED,
        )


def _is_cron(schedule: str) -> bool:
    return bool(croniter.is_valid(schedule))


def _interval(schedule: str) -> int:
    return _NEVER if _is_cron(schedule) else parse_duration(schedule)
