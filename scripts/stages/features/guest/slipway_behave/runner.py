"""Run one process's part: claim features one by one and report their results."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

from . import junit
from . import verdicts as feature_verdicts
from .events import Events
from .plan import Plan, Planned
from .scenarios import Scenarios
from .settings import Settings
from .verdicts import HookError

__all__ = ["Run"]


class Run(Scenarios):
    """The state of one process's run."""

    plan: Plan

    def __init__(self, settings: Settings, events: Events) -> None:
        """Prepare the run; nothing is read or run yet."""
        super().__init__(settings, events)
        self.began = time.monotonic()

    def begin(self, plan: Plan, version: str) -> None:
        """Report the plan."""
        self.plan = plan
        self.events.emit(
            "run_started",
            behave=version,
            python=sys.version.split()[0],
            jobs=self.settings.jobs,
            shard=self.settings.shard,
            features=plan.features,
            scenarios=plan.scenarios,
            mine=sum(len(one.chosen) for one in plan.mine),
        )
        if self.settings.index == 0:
            for text in plan.notices:
                self.events.notice(text, "warning")

    def features(self, runner: Any) -> Iterator[Any]:
        """Claim features and yield them, for behave to run."""
        if any(one.hook == "before_all" for one in self.hooks):
            self._nothing_can_run()
            return
        for planned in self.plan.mine:
            if runner.aborted or self.enough(runner):
                return
            if not self.queue.claim(planned.file):
                continue
            began, known = time.monotonic(), len(self.hooks)
            self.planned, self.verdicts = planned, {}
            self._write_feature("feature_started", planned, scenarios=len(planned.chosen))
            yield planned.feature
            self.enough(runner)
            self._end(planned, time.monotonic() - began, self.hooks[known:], aborted=runner.aborted)
            self.planned = None

    def _end(
        self, planned: Planned, seconds: float, hooks: list[HookError], *, aborted: bool
    ) -> None:
        """Give verdicts on scenarios that did not run, and report the feature's end."""
        own = [one for one in hooks if "feature" in one.hook or "rule" in one.hook]
        own += [one for one in hooks if "tag" in one.hook and planned.feature.hook_failed]
        why = "; ".join(one.sentence for one in own)
        if not why and (aborted or self.stopped):
            why = self.stopped or "the run was interrupted"
        for scenario in planned.chosen:
            if id(scenario) in self.verdicts:
                continue
            verdict = feature_verdicts.verdict_of(scenario)
            status = "error" if own else "untested" if aborted or self.stopped else "skipped"
            reason = str(getattr(scenario, "skip_reason", "") or "a hook skipped it")
            self.give(scenario, verdict, status, f"not run: {why or reason}")
        for one in own:
            self.hook_error(one)
        self.close(planned, seconds, own)

    def close(self, planned: Planned, seconds: float, own: list[HookError]) -> None:
        """Write a feature's results and mark it as finished."""
        self._write_junit(planned, own)
        counts: dict[str, int] = {}
        for one in self.verdicts.values():
            counts[one.status] = counts.get(one.status, 0) + 1
        self.queue.done(planned.file, seconds, counts)
        self._write_feature("feature_finished", planned, seconds=round(seconds, 4), counts=counts)

    def _write_junit(self, planned: Planned, own: list[HookError]) -> None:
        verdicts = sorted(self.verdicts.values(), key=lambda one: one.line)
        if self.settings.junit and (verdicts or own):
            name = str(planned.feature.name)
            junit.write(self.settings.junit, planned.file, name, verdicts, own)

    def _write_feature(self, event: str, planned: Planned, **values: Any) -> None:
        name = str(planned.feature.name)
        self.events.emit(event, feature=name, file=planned.file, **values)

    def _nothing_can_run(self) -> None:
        """Report all scenarios as errors if before_all failed in every process."""
        why = next(one.sentence for one in self.hooks if one.hook == "before_all")
        if self.queue.stop() < self.settings.jobs:
            return
        for planned in self.plan.mine:
            if self.queue.claim(planned.file):
                self.verdicts = {}
                for scenario in planned.chosen:
                    verdict = feature_verdicts.verdict_of(scenario)
                    self.give(scenario, verdict, "error", f"not run: {why}")
                self.close(planned, 0.0, [])

    def hook_error(self, error: HookError) -> None:
        """Report that a hook outside scenarios, or a cleanup, failed."""
        place = {"file": error.file, "line": error.line}
        self.events.error(error.sentence, kind="hook", code=1, **place)  # type: ignore[arg-type]

    def hung(self, what: str, limit: float) -> str:
        """Give verdicts when something hangs; the process ends right after.

        The feature is not marked as finished, so its claim shows that it was lost.
        """
        message = f"{what} hangs: it did not end within {limit:g} s"
        if self.planned is None:
            return message
        if self.scenario is not None and self.verdict is not None:
            number = len(self.verdict.attempts) + 1
            last = feature_verdicts.Attempt(number, "error", limit, message, step=what)
            last.evidence = self.evidence.kept
            self.verdict.attempts.append(last)
            self.give(self.scenario, feature_verdicts.combine(self.verdict, quarantined=False))
        for scenario in self.planned.chosen:
            if id(scenario) not in self.verdicts:
                why = f"not run: the process was ended because {message}"
                self.give(scenario, feature_verdicts.verdict_of(scenario), "untested", why)
        self._write_junit(self.planned, [])
        return message

    def finish(self, code: int) -> None:
        """Report the end of this process's part."""
        self.events.emit(
            "run_finished",
            code=code,
            seconds=round(time.monotonic() - self.began, 4),
            counts=self.counts,
            stopped=self.stopped,
        )
