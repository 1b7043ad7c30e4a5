"""Run scenarios with retries and quarantine, and give a verdict on each."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from . import compact_log, verdicts
from .errors import relative
from .events import Events
from .evidence import Evidence
from .hang_watch import Watch
from .plan import Planned
from .quarantine import Quarantine
from .queue import Queue
from .settings import Settings
from .verdicts import Attempt, HookError, Verdict

__all__ = ["Scenarios"]


class Scenarios:
    """The scenarios and steps that behave runs."""

    watch: Watch

    def __init__(self, settings: Settings, events: Events) -> None:
        """Prepare; nothing is read or run yet."""
        self.settings = settings
        self.events = events
        self.queue = Queue(settings.queue, settings.index)
        self.evidence = Evidence(settings.evidence)
        self.quarantine = Quarantine(settings.quarantine)
        self.hooks: list[HookError] = []
        """All errors of hooks and cleanups."""
        self.counts: dict[str, int] = {}
        self.stopped = ""
        self.has_compact_log = False
        """True: behave's formatters print nothing, the log gets a line for each scenario."""
        self.steps: list[Any] = []
        """The current step, and inside it those of `context.execute_steps`."""
        self.planned: Planned | None = None
        self.scenario: Any = None
        self.verdict: Verdict | None = None
        """The verdict on the current scenario."""
        self.verdicts: dict[int, Verdict] = {}
        """The verdicts of the current feature, by its scenarios' ids."""
        self._reported_undefined: set[str] = set()

    def enough(self, runner: Any) -> bool:
        """Stop the run when enough scenarios have failed, in all processes together."""
        most = 1 if runner.config.stop else self.settings.max_failures
        if not most or self.stopped:
            return bool(self.stopped)
        failures = self.queue.failures()
        if failures >= most:
            self.stopped = f"stopped early: {failures} scenarios failed, and {most} are allowed"
            if runner.config.stop:
                self.stopped = "stopped early: a scenario failed, and --stop was given"
        return bool(self.stopped)

    def run_scenario(self, original: Callable[..., Any], scenario: Any, runner: Any) -> bool:
        """Run a scenario, retry it as often as the settings allow, and give the verdict.

        Args:
            original: behave's own method, which runs it once.
            scenario: behave's scenario.
            runner: behave's runner.

        Returns:
            True if it fails the run.
        """
        if self.enough(runner) and not runner.aborted:
            runner.abort(reason=self.stopped)
        if runner.aborted or not scenario.should_run(runner.config) or self.planned is None:
            return bool(original(scenario, runner))
        verdict = self.verdict = verdicts.verdict_of(scenario)
        quarantined, _ = self.quarantine.judge(verdict.tags, verdict.file, verdict.line)
        self.scenario = scenario
        before = _counters(runner)
        for number in range(1, self.settings.retries + 2):
            attempt = self._attempt(original, scenario, runner, verdict, number)
            again = attempt.status in {"failed", "error"} and not runner.aborted
            again = again and not _undefined(scenario)
            if not again or number > self.settings.retries:
                break
            self._write_scenario("attempt_finished", verdict, **vars(attempt))
            _forget(scenario, runner, before)
        self.scenario = self.verdict = None
        verdicts.combine(verdict, quarantined=quarantined)
        if not verdict.failed and not runner.aborted:
            _restore(runner, before)
        self.give(scenario, verdict)
        if verdict.failed:
            self.queue.fail()
            self._report_undefined(scenario)
        return verdict.failed

    def _attempt(
        self,
        original: Callable[..., Any],
        scenario: Any,
        runner: Any,
        verdict: Verdict,
        number: int,
    ) -> Attempt:
        runner.config.userdata["slipway.attempt"] = number
        self.evidence.begin(verdict.file, verdict.line, number)
        self._write_scenario("scenario_started", verdict, attempt=number)
        known, began = len(self.hooks), time.monotonic()
        with self.watch.over("scenario", f"the scenario {verdict.file}:{verdict.line}"):
            original(scenario, runner)
        attempt = verdicts.attempt_of(scenario, number, self.hooks[known:])
        attempt.seconds = round(time.monotonic() - began, 4)
        attempt.evidence = self.evidence.kept
        verdict.attempts.append(attempt)
        return attempt

    def give(self, scenario: Any, verdict: Verdict, status: str = "", message: str = "") -> None:
        """Record and report a verdict."""
        if status:
            verdict.status, verdict.message = status, message
        self.verdicts[id(scenario)] = verdict
        self.counts[verdict.status] = self.counts.get(verdict.status, 0) + 1
        self.events.emit("scenario_finished", **verdict.event())
        text = compact_log.describe(scenario, verdict) if self.has_compact_log else ""
        self._end_output(text)

    def _end_output(self, text: str) -> None:
        """Write the end of a scenario's output, and have the host know that it is complete."""
        mark = f"{self.settings.mark}\n" if self.settings.mark else ""
        if not text and not mark:
            return
        # What the project has put in its place may be closed, or be no file.
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        rest = f"{text}{mark}".encode(errors="backslashreplace")
        with contextlib.suppress(OSError):
            while rest:
                rest = rest[os.write(1, rest) :]

    def _write_scenario(self, event: str, verdict: Verdict, **values: Any) -> None:
        names = ("feature", "file", "line", "name", "tags")
        self.events.emit(event, **{name: getattr(verdict, name) for name in names}, **values)

    # ---- steps

    def run_step(self, original: Callable[..., Any], step: Any, *args: Any, **named: Any) -> Any:
        """Run a step, and report its failure."""
        self.steps.append(step)
        try:
            return original(step, *args, **named)
        finally:
            self.steps.pop()
            if not self.steps and verdicts.has_failed(step):
                self._step_failed(step)

    def _step_failed(self, step: Any) -> None:
        message = verdicts.step_message(step)
        if self.hooks and getattr(step, "hook_failed", False):
            message = f"{verdicts.where(step)}: {self.hooks[-1].sentence}"
        self.events.emit(
            "step_failed",
            file=relative(str(step.filename)),
            line=step.line,
            step=f"{step.keyword} {step.name}",
            scenario_line=getattr(self.scenario, "line", 0),
            attempt=len(self.verdict.attempts) + 1 if self.verdict else 1,
            message=message,
            snippet=verdicts.snippet(step) if _is_undefined(step) else "",
        )

    def _report_undefined(self, scenario: Any) -> None:
        """Report each step without a definition, once."""
        for step in scenario.all_steps:
            code = verdicts.snippet(step)
            if _is_undefined(step) and code not in self._reported_undefined:
                self._reported_undefined.add(code)
                place = {"file": relative(str(step.filename)), "line": int(step.line)}
                text = verdicts.step_message(step)
                self.events.error(text, kind="undefined", code=1, **place)  # type: ignore[arg-type]


def _undefined(scenario: Any) -> bool:
    """Return True if a step has no definition, which a retry cannot change."""
    return any(_is_undefined(one) for one in scenario.all_steps)


def _is_undefined(step: Any) -> bool:
    return "undefined" in str(step.status)


def _counters(runner: Any) -> Any:
    context = runner.context
    failed = bool(getattr(context, "failed", False))
    return getattr(runner, "hook_failures", 0), len(runner.undefined_steps), failed


def _restore(runner: Any, before: Any) -> None:
    """Undo the effects of a failed attempt that does not count, in behave's runner.

    behave's own retry leaves them: https://github.com/behave/behave/issues/1128
    """
    runner.hook_failures, undefined, failed = before
    del runner.undefined_steps[undefined:]
    mark = getattr(runner.context, "_set_root_attribute", None)
    if mark is not None:
        mark("failed", failed)


def _forget(scenario: Any, runner: Any, before: Any) -> None:
    """Reset a scenario for its next attempt, but keep the row of an outline."""
    _restore(runner, before)
    scenario.clear_status()
    scenario.hook_failed = scenario.should_skip = False
    scenario.error_message = scenario.exception = scenario.exc_traceback = None
    for step in scenario.all_steps:
        step.reset()
