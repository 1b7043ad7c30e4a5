"""What a features run found: every scenario, each of its attempts and steps, and what was kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from slipway.scripts.humanize import count_text

ScenarioStatus = Literal[
    "failed", "error", "undefined", "flaky", "quarantined", "passed", "skipped"
]
Verdict = Literal["passed", "flaky", "failed", "nothing"]

#: Every status of a scenario, the one to look at first in front.
STATUSES: tuple[ScenarioStatus, ...] = get_args(ScenarioStatus)
#: What fails a run.
BAD: frozenset[str] = frozenset({"failed", "error", "undefined"})
_WORDS = {"error": ("error", "errors")}


@dataclass(frozen=True)
class StepResult:
    """One step of one attempt."""

    keyword: str
    """Such as "Given", as the feature's language says it."""
    name: str
    status: str
    """behave's own word: passed, failed, error, skipped, undefined, untested, ..."""
    seconds: float = 0.0
    message: str = ""
    """Why it failed; several lines when there is a traceback."""
    location: str = ""
    """The step's own code or its line in the feature, such as "features/steps/shop.py:12"."""


@dataclass(frozen=True)
class EvidenceFile:
    """A file kept of an attempt."""

    name: str
    media_type: str
    path: Path
    """Where it is while the report is written."""


@dataclass(frozen=True)
class Attempt:
    """One go at a scenario."""

    number: int
    """From 1 on."""
    status: str
    """The scenario's status in this attempt."""
    message: str = ""
    """Why it failed or was skipped, where no step says it."""
    seconds: float = 0.0
    steps: tuple[StepResult, ...] = ()
    evidence: tuple[EvidenceFile, ...] = ()
    """In the order in which it was taken."""


@dataclass(frozen=True)
class ScenarioResult:
    """One scenario, or one row of an outline's examples.

    Raises:
        ValueError: The status is none of `STATUSES`.
    """

    feature: str
    """The feature's title."""
    feature_file: str
    """Its file, from the project's folder on, with slashes."""
    name: str
    line: int
    status: ScenarioStatus
    seconds: float = 0.0
    """All attempts together."""
    attempts: tuple[Attempt, ...] = ()
    tags: tuple[str, ...] = ()
    """Without the @."""
    process: int = 0
    """Which of the processes ran it, from 1 on; 0 where there is only one."""

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            msg = (
                f"{self.place}: the scenario's status is {self.status!r}; "
                f"use one of {', '.join(STATUSES)}"
            )
            raise ValueError(msg)

    @property
    def place(self) -> str:
        """File and line, as behave's command line takes it."""
        return f"{self.feature_file}:{self.line}"

    @property
    def anchor(self) -> str:
        """What a link to it in the report ends with; the same in every run."""
        return re.sub(r"\W+", "-", self.place.lower()).strip("-")

    @property
    def message(self) -> str:
        """Why the last attempt that did not pass failed, or why it was skipped; else empty."""
        for attempt in reversed(self.attempts):
            if attempt.status == "passed":
                continue
            said = [step.message for step in attempt.steps if step.message.strip()]
            if attempt.message.strip() or said:
                return (said[0] if said else attempt.message).strip()
        return ""


@dataclass(frozen=True)
class FeaturesRun:
    """A whole run.

    Raises:
        ValueError: `started_at` has no time zone.
    """

    title: str
    started_at: datetime
    seconds: float
    """From start to end, on the clock."""
    base_url: str = ""
    revision: str = ""
    """The commit that was tested."""
    version: str = ""
    command: str = ""
    """What a person types to run the same again."""
    jobs: int = 1
    """Processes side by side."""
    scenarios: tuple[ScenarioResult, ...] = ()
    notices: tuple[str, ...] = ()
    """Sentences that the reader should see first."""
    application_log_tail: str = ""

    def __post_init__(self) -> None:
        if self.started_at.tzinfo is None:
            msg = (
                f"the start of the run, {self.started_at.isoformat()}, has no time zone; "
                "give it one, such as UTC"
            )
            raise ValueError(msg)


def counts(run: FeaturesRun) -> dict[str, int]:
    """Return how many scenarios have each status; every status is a key, in `STATUSES`' order."""
    found = dict.fromkeys(map(str, STATUSES), 0)
    for one in run.scenarios:
        found[one.status] += 1
    return found


def verdict(run: FeaturesRun) -> Verdict:
    """Return what a run comes to; one in which nothing ran is "nothing", and that is no success."""
    found = counts(run)
    if any(found[status] for status in BAD):
        return "failed"
    if len(run.scenarios) == found["skipped"]:
        return "nothing"
    return "flaky" if found["flaky"] else "passed"


def counts_text(run: FeaturesRun) -> str:
    """Return the counts as a sentence: "12 scenarios: 10 passed, 1 failed, 1 flaky"."""
    found = counts(run)
    order = ["passed", *(status for status in STATUSES if status != "passed")]
    told = ", ".join(
        count_text(found[status], *_WORDS.get(status, (status, status)))
        for status in order
        if found[status]
    )
    all_of_them = count_text(len(run.scenarios), "scenario")
    return f"{all_of_them}: {told}" if told else all_of_them


def slowest(run: FeaturesRun, most: int = 10) -> list[ScenarioResult]:
    """Return the scenarios that took longest, the longest first."""
    ran = [one for one in run.scenarios if one.seconds > 0]
    return sorted(ran, key=lambda one: (-one.seconds, one.place))[:most]
