"""What the processes of a features run tell, put together: results, counts, expected end."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any, get_args

from slipway.model.duration import format_duration
from slipway.model.event import Status, TestResult
from slipway.scripts.feature_results import (
    Attempt,
    EvidenceFile,
    ScenarioResult,
    StepResult,
)
from slipway.scripts.report import Report

SUITE = "behave"
_KNOWN: frozenset[str] = frozenset(get_args(Status))
#: Seconds between two sentences on how far it is.
_PAUSE = 0.5
_PICTURES = frozenset({"image/png", "image/jpeg"})


class Story:
    """Takes events and passes on what people want to know at once."""

    def __init__(self, report: Report) -> None:
        """Begin.

        Args:
            report: Gets each scenario's result, pictures and progress.
        """
        self.report = report
        self.results: dict[tuple[str, int, str], ScenarioResult] = {}
        self.errors: list[dict[str, Any]] = []
        self.notices: list[str] = []
        self.stopped = ""
        self.finished: set[int] = set()
        """The processes that came to their end."""
        self.chosen = 0
        self._began = time.monotonic()
        self._counted: Counter[str] = Counter()
        self._told_at = 0.0

    def take(self, event: dict[str, Any], process: int) -> None:
        """Take one event of a process."""
        handler = getattr(self, f"_{event['event']}", None)
        if handler is not None:
            handler(event, process)

    def _run_started(self, event: dict[str, Any], _process: int) -> None:
        # Every process reads all features and tells the same.
        self.chosen = int(event["mine"])

    def _scenario_finished(self, event: dict[str, Any], process: int) -> None:
        if event["status"] == "untested":
            return
        result = _result(event, process)
        self.results[(result.feature_file, result.line, result.name)] = result
        self._counted[result.status] += 1
        for one in event["evidence"]:
            if one["media_type"] in _PICTURES:
                title = f"{result.name} ({result.place})"
                self.report.picture(Path(one["path"]), title)
        self.report.test(as_test(result, event["message"]))
        self._progress()

    def _progress(self) -> None:
        done = self._counted.total()
        now = time.monotonic()
        if done < self.chosen and now - self._told_at < _PAUSE:
            return
        self._told_at = now
        bad = self._counted["failed"] + self._counted["error"]
        text = f"scenarios, {bad} failed"
        if self._counted["flaky"]:
            text += f", {self._counted['flaky']} flaky"
        left = (now - self._began) / done * (self.chosen - done)
        if left > 1:
            text += f", about {format_duration(left)} to go"
        self.report.progress(text, done, self.chosen)

    def _notice(self, event: dict[str, Any], _process: int) -> None:
        if event["text"] not in self.notices:
            self.notices.append(event["text"])
            self.report.notice(
                event["text"], level="info" if event["level"] == "info" else "warning"
            )

    def _error(self, event: dict[str, Any], _process: int) -> None:
        # What is wrong with the features is found by every process.
        if event["text"] not in {one["text"] for one in self.errors}:
            self.errors.append(event)

    def _run_finished(self, event: dict[str, Any], process: int) -> None:
        self.finished.add(process)
        self.stopped = self.stopped or str(event["stopped"])

    @property
    def missing(self) -> int:
        """How many chosen scenarios nobody has told anything of."""
        return max(0, self.chosen - len(self.results))

    def lose(self, feature: str, sentence: str, process: int) -> None:
        """Write down a feature whose process ended in the middle of it."""
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
    """Return a scenario in the form that all runners' results have."""
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
    )


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


def _attempt(told: dict[str, Any]) -> Attempt:
    message = "\n\n".join(part for part in (told["message"], told["details"]) if part)
    step = str(told["step"] or "")
    keyword, _, name = step.partition(" ")
    steps = (StepResult(keyword, name, told["status"], message=message),) if step else ()
    return Attempt(
        number=int(told["attempt"]),
        status=told["status"],
        message="" if steps else message,
        seconds=float(told["seconds"]),
        steps=steps,
        evidence=tuple(
            EvidenceFile(one["name"], one["media_type"], Path(one["path"]))
            for one in told["evidence"]
        ),
    )
