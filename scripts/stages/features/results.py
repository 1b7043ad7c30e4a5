"""Model the results of a features run: scenarios, attempts, steps and evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from slipway.scripts.humanize import count_text

__all__ = [
    "BAD",
    "STATUSES",
    "Attempt",
    "EvidenceFile",
    "FeaturesRun",
    "ScenarioResult",
    "ScenarioStatus",
    "StepResult",
    "Verdict",
    "counts",
    "counts_text",
    "slowest",
    "verdict",
]

ScenarioStatus = Literal[
    "failed", "error", "undefined", "flaky", "quarantined", "passed", "skipped"
]
Verdict = Literal["passed", "flaky", "failed", "nothing"]

#: All statuses of a scenario, the most urgent first.
STATUSES: tuple[ScenarioStatus, ...] = get_args(ScenarioStatus)
#: Statuses that fail a run.
BAD: frozenset[str] = frozenset({"failed", "error", "undefined"})
_WORDS = {"error": ("error", "errors")}


@dataclass(frozen=True)
class StepResult:
    """One step of one attempt."""

    keyword: str
    """The keyword in the feature's language, such as "Given"."""
    name: str
    status: str
    """behave's status: passed, failed, error, skipped, undefined, untested, ..."""
    seconds: float = 0.0
    message: str = ""
    """The reason of a failure; several lines if there is a traceback."""
    location: str = ""
    """Place of the step's code or its line in the feature, as in "features/steps/shop.py:12"."""


@dataclass(frozen=True)
class EvidenceFile:
    """A file saved during an attempt."""

    name: str
    media_type: str
    path: Path
    """Its path while the report is written."""


@dataclass(frozen=True)
class Attempt:
    """One attempt at a scenario."""

    number: int
    """The attempt's number, from 1."""
    status: str
    """The scenario's status in this attempt."""
    message: str = ""
    """The reason of a failure or skip, unless a step holds it."""
    seconds: float = 0.0
    steps: tuple[StepResult, ...] = ()
    evidence: tuple[EvidenceFile, ...] = ()
    """In the order of creation."""


@dataclass(frozen=True)
class ScenarioResult:
    """One scenario, or one row of an outline's examples.

    Raises:
        ValueError: The status is not one of `STATUSES`.
    """

    feature: str
    """The feature's title."""
    feature_file: str
    """Its path relative to the project, with slashes."""
    name: str
    line: int
    status: ScenarioStatus
    seconds: float = 0.0
    """The duration of all attempts together."""
    attempts: tuple[Attempt, ...] = ()
    tags: tuple[str, ...] = ()
    """The tags without "@"."""
    process: int = 0
    """Number of the process that ran it, from 1; 0 if there is only one."""

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            msg = (
                f"{self.place}: the scenario's status is {self.status!r}; "
                f"use one of {', '.join(STATUSES)}"
            )
            raise ValueError(msg)

    @property
    def place(self) -> str:
        """The file and line, in the form of behave's command line."""
        return f"{self.feature_file}:{self.line}"

    @property
    def anchor(self) -> str:
        """The fragment of its link in the report; the same in every run."""
        return re.sub(r"\W+", "-", self.place.lower()).strip("-")

    @property
    def message(self) -> str:
        """The reason why the last attempt that did not pass failed or was skipped; else empty."""
        for attempt in reversed(self.attempts):
            if attempt.status == "passed":
                continue
            messages = [step.message for step in attempt.steps if step.message.strip()]
            if attempt.message.strip() or messages:
                return (messages[0] if messages else attempt.message).strip()
        return ""


@dataclass(frozen=True)
class FeaturesRun:
    """The results of a run.

    Raises:
        ValueError: `started_at` has no time zone.
    """

    title: str
    started_at: datetime
    seconds: float
    """The wall-clock duration."""
    base_url: str = ""
    revision: str = ""
    """The tested commit."""
    version: str = ""
    command: str = ""
    """The command that repeats the run."""
    jobs: int = 1
    """Number of parallel processes."""
    scenarios: tuple[ScenarioResult, ...] = ()
    notices: tuple[str, ...] = ()
    """Sentences that are shown first."""
    application_log_tail: str = ""

    def __post_init__(self) -> None:
        if self.started_at.tzinfo is None:
            msg = (
                f"the start of the run, {self.started_at.isoformat()}, has no time zone; "
                "give it one, such as UTC"
            )
            raise ValueError(msg)


def counts(run: FeaturesRun) -> dict[str, int]:
    """Return the number of scenarios by status; all statuses are keys, in their order."""
    found = dict.fromkeys(map(str, STATUSES), 0)
    for one in run.scenarios:
        found[one.status] += 1
    return found


def verdict(run: FeaturesRun) -> Verdict:
    """Return the verdict on a run; "nothing" means that no scenario ran, which fails the stage."""
    found = counts(run)
    if any(found[status] for status in BAD):
        return "failed"
    if len(run.scenarios) == found["skipped"]:
        return "nothing"
    return "flaky" if found["flaky"] else "passed"


def counts_text(run: FeaturesRun) -> str:
    """Format the counts: "12 scenarios: 10 passed, 1 failed, 1 flaky"."""
    found = counts(run)
    order = ["passed", *(status for status in STATUSES if status != "passed")]
    parts = ", ".join(
        count_text(found[status], *_WORDS.get(status, (status, status)))
        for status in order
        if found[status]
    )
    all_of_them = count_text(len(run.scenarios), "scenario")
    return f"{all_of_them}: {parts}" if parts else all_of_them


def slowest(run: FeaturesRun, most: int = 10) -> list[ScenarioResult]:
    """Return the slowest scenarios, the slowest first."""
    ran = [one for one in run.scenarios if one.seconds > 0]
    return sorted(ran, key=lambda one: (-one.seconds, one.place))[:most]
