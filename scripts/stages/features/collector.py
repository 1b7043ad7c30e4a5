"""Collect the events of a features run's processes: results, counts, estimated time left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from slipway.model.duration import format_duration
from slipway.model.protocol.event import MOST_SHOWN, Status, TestResult
from slipway.scripts.atomic_files import write_text
from slipway.scripts.report import Report
from slipway.scripts.stages.features.results import (
    Attempt,
    EvidenceFile,
    ScenarioResult,
    StepResult,
)

__all__ = ["SUITE", "Collector", "as_test"]

SUITE = "behave"
_KNOWN: frozenset[str] = frozenset(get_args(Status))
#: Seconds between two progress reports.
_PAUSE = 0.5
_LONGEST = 300
_PICTURES = frozenset({"image/png", "image/jpeg"})
#: Statuses whose evidence is shown.
_SHOWN = frozenset({"failed", "error", "flaky", "quarantined"})
#: Largest number of pictures and documents sent per scenario; a recording may have many.
_MOST_SENT = 60


class Collector:
    """A collector of events that reports results immediately."""

    def __init__(
        self, report: Report, folder: Path | None = None, log_of: Callable[[int], str] | None = None
    ) -> None:
        """Prepare the collector.

        Args:
            report: Receives each scenario's result, evidence and progress.
            folder: Folder for the end of the application's log of each failed scenario.
            log_of: Returns the end of the application's log, by the process's index.
        """
        self.report = report
        self._folder = folder
        self._log_of = log_of
        self._shown = 0
        self.results: dict[tuple[str, int, str], ScenarioResult] = {}
        self.errors: list[dict[str, Any]] = []
        self.notices: list[str] = []
        self.stopped = ""
        self.finished: set[int] = set()
        """The indexes of processes that finished."""
        self._running: dict[int, str] = {}
        """The place and name of the scenario that a process runs, by the process's index."""
        self.chosen = 0
        self.others = 0
        """Number of scenarios that other shards of the stage run."""
        self._began = time.monotonic()
        self._counted: Counter[str] = Counter()
        self._reported_at = 0.0

    def take(self, event: dict[str, Any], process: int) -> None:
        """Handle one event of a process; unknown events are ignored."""
        handler = getattr(self, f"_{event['event']}", None)
        if handler is not None:
            handler(event, process)

    def _run_started(self, event: dict[str, Any], _process: int) -> None:
        # Every process reads all features and reports the same numbers.
        self.chosen = int(event["mine"])
        self.others = int(event["scenarios"]) - self.chosen

    def _scenario_started(self, event: dict[str, Any], process: int) -> None:
        self._running[process] = f"{event['file']}:{event['line']} {event['name']}"

    def _scenario_finished(self, event: dict[str, Any], process: int) -> None:
        self._running.pop(process, None)
        if event["status"] == "untested":
            return
        shown = event["status"] in _SHOWN
        if shown:
            self._keep_log(event, process)
        result = _result(event, process)
        self.results[(result.feature_file, result.line, result.name)] = result
        self._counted[result.status] += 1
        test = as_test(result, event["message"])
        if shown and self._shown < MOST_SHOWN:
            self._shown += 1
            self._show(result, test.place)
        self.report.test(test)
        self._progress()

    def _keep_log(self, event: dict[str, Any], process: int) -> None:
        """Add the end of the application's log to a scenario's evidence."""
        text = self._log_of(process) if self._log_of else ""
        if self._folder is None or not text.strip():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"application-{process + 1}-{len(self.results) + 1}.txt"
        write_text(file, f"{text.rstrip()}\n")
        attachment = {"name": "application.log", "media_type": "text/plain", "path": str(file)}
        event["evidence"].append(attachment)
        if event["attempts"]:
            event["attempts"][-1]["evidence"].append(attachment)

    def _show(self, result: ScenarioResult, test: str) -> None:
        """Send a scenario's evidence; its test's result must follow."""
        several = len(result.attempts) > 1
        kept = [
            (f"attempt {one.number}: {file.name}" if several else file.name, file)
            for one in result.attempts
            for file in one.evidence
        ]
        for title, file in kept[-_MOST_SENT:]:
            if file.media_type in _PICTURES:
                self.report.picture(file.path, title, test)
            else:
                self.report.document(file.path, title, test, file.media_type)

    def _progress(self) -> None:
        done = self._counted.total()
        now = time.monotonic()
        if done < self.chosen and now - self._reported_at < _PAUSE:
            return
        self._reported_at = now
        bad = self._counted["failed"] + self._counted["error"]
        text = f"scenarios, {bad} failed"
        if self._counted["flaky"]:
            text += f", {self._counted['flaky']} flaky"
        remaining = (now - self._began) / done * (self.chosen - done)
        if remaining > 1:
            text += f", about {format_duration(remaining)} to go"
        self.report.progress(text, done, self.chosen)

    def _notice(self, event: dict[str, Any], _process: int) -> None:
        if event["text"] not in self.notices:
            self.notices.append(event["text"])
            self.report.notice(
                event["text"], level="info" if event["level"] == "info" else "warning"
            )

    def _error(self, event: dict[str, Any], _process: int) -> None:
        # Errors in the features are found by every process; keep one.
        if event["text"] not in {one["text"] for one in self.errors}:
            self.errors.append(event)

    def _run_finished(self, event: dict[str, Any], process: int) -> None:
        self.finished.add(process)
        self.stopped = self.stopped or str(event["stopped"])

    @property
    def missing(self) -> int:
        """Number of selected scenarios without a result."""
        return max(0, self.chosen - len(self.results))

    def lose(self, feature: str, sentence: str, process: int) -> None:
        """Record a feature whose process ended while running it."""
        if process in self._running:
            sentence = f"in {self._running[process]}: {sentence}"
        result = ScenarioResult(
            feature=feature,
            feature_file=feature,
            name="(the process that ran it ended)",
            line=0,
            status="error",
            attempts=(Attempt(1, "error", sentence),),
            process=process + 1,
        )
        self.results[(feature, 0, result.name)] = result
        self.report.test(
            TestResult(suite=SUITE, name=feature, status="error", file=feature, message=sentence)
        )


def as_test(one: ScenarioResult, message: str) -> TestResult:
    """Convert a scenario to the common form of all runners' results."""
    status: Any = one.status if one.status in _KNOWN else "failed"
    return TestResult(
        suite=SUITE,
        name=f"{one.feature}: {one.name}",
        status=status,
        seconds=round(one.seconds, 4),
        file=one.feature_file,
        line=one.line,
        attempt=max(1, len(one.attempts)),
        message=message,
        step=next((step for attempt in reversed(one.attempts) for step in _failed(attempt)), ""),
    )


def _failed(attempt: Attempt) -> list[str]:
    return [f"{one.keyword} {one.name}"[:_LONGEST] for one in attempt.steps if one.message]


def _result(event: dict[str, Any], process: int) -> ScenarioResult:
    whole = {key: event[key] for key in ("status", "message", "details", "step", "seconds")}
    attempts = event["attempts"] or [{**whole, "attempt": 1, "evidence": event["evidence"]}]
    return ScenarioResult(
        feature=event["feature"],
        feature_file=event["file"],
        name=event["name"],
        line=int(event["line"]),
        status=event["status"],
        seconds=float(event["seconds"]),
        attempts=tuple(_attempt(one) for one in attempts),
        tags=tuple(event["tags"]),
        process=process + 1,
    )


def _attempt(data: dict[str, Any]) -> Attempt:
    message = "\n\n".join(part for part in (data["message"], data["details"]) if part)
    step = str(data["step"] or "")
    keyword, _, name = step.partition(" ")
    steps = (StepResult(keyword, name, data["status"], message=message),) if step else ()
    return Attempt(
        number=int(data["attempt"]),
        status=data["status"],
        message="" if steps else message,
        seconds=float(data["seconds"]),
        steps=steps,
        evidence=tuple(
            EvidenceFile(one["name"], one["media_type"], Path(one["path"]))
            for one in data["evidence"]
        ),
    )
