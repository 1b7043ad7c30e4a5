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
from slipway.scripts.wording import count_text

SUITE = "behave"
_KNOWN: frozenset[str] = frozenset(get_args(Status))
#: Seconds between two sentences on how far it is.
_PAUSE = 0.5
_PICTURES = frozenset({"image/png", "image/jpeg"})


class Story:
    """Takes events and passes on what people want to know at once."""

    def __init__(self, report: Report, evidence: Path) -> None:
        """Begin.

        Args:
            report: Gets each scenario's result, pictures and progress.
            evidence: The folder that evidence lies in.
        """
        self.report = report
        self.results: dict[tuple[str, int, str], ScenarioResult] = {}
        self.errors: list[dict[str, Any]] = []
        self.notices: list[str] = []
        self.stopped = ""
        self.finished: set[int] = set()
        """The processes that came to their end."""
        self.chosen = 0
        self._evidence = evidence
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
        status: Any = result.status if result.status in _KNOWN else "failed"
        self.report.test(
            TestResult(
                suite=SUITE,
                name=f"{result.feature}: {result.name}",
                status=status,
                seconds=round(result.seconds, 4),
                file=result.feature_file,
                line=result.line,
                attempt=max(1, len(result.attempts)),
                message=event["message"],
            )
        )
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
        left = (time.monotonic() - self._began) / done * (self.chosen - done)
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

    def summary(self, seconds: float) -> str:
        """Return the run in one line."""
        counted = Counter(str(result.status) for result in self.results.values())
        words = ("passed", "flaky", "failed", "error", "quarantined", "skipped")
        told = ", ".join(f"{counted[word]} {word}" for word in words if counted[word])
        total = count_text(len(self.results), "scenario")
        return f"{total}: {told or 'nothing ran'} in {seconds:.1f}s"


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
