"""The lines of a check, and their form for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from slipway import __version__
from slipway.model.errors import PASSED, MissingTool, StageFailed

__all__ = [
    "MOST_LINES",
    "Line",
    "State",
    "exit_code",
    "good",
    "missing",
    "to_json",
    "warning",
    "wrong",
]

#: Lines of a check that a master takes from a worker.
MOST_LINES = 60


class State(StrEnum):
    """How a check has gone."""

    GOOD = "good"
    WARNING = "warning"
    """It may be so, and something else may suffer from it."""
    WRONG = "wrong"
    MISSING = "missing"
    """Something is not on the machine that can be installed."""


@dataclass(frozen=True)
class Line:
    """The outcome of one check."""

    check: str
    """Its name, one word or two."""
    state: State
    found: str
    """What was found."""
    advice: str = ""
    """What to do about it; empty if it is good."""


def good(check: str, found: str) -> Line:
    """Return a line for what is right."""
    return Line(check, State.GOOD, found)


def warning(check: str, found: str, advice: str) -> Line:
    """Return a line for what may be so."""
    return Line(check, State.WARNING, found, advice)


def wrong(check: str, found: str, advice: str) -> Line:
    """Return a line for what is wrong."""
    return Line(check, State.WRONG, found, advice)


def missing(check: str, found: str, advice: str) -> Line:
    """Return a line for what is to be installed."""
    return Line(check, State.MISSING, found, advice)


def exit_code(lines: Iterable[Line]) -> int:
    """Return the exit code: 0 all right, 1 something is wrong, 3 something is missing alone."""
    states = {line.state for line in lines}
    if State.WRONG in states:
        return StageFailed.exit_code
    return MissingTool.exit_code if State.MISSING in states else PASSED


def to_json(worker: str, lines: Iterable[Line]) -> str:
    """Return the outcome for programs: the worker's name, version and time, and the lines."""
    listed = list(lines)
    facts: dict[str, Any] = {
        "worker": worker,
        "version": __version__,
        "time": time.time(),
        "right": exit_code(listed) == PASSED,
        "lines": [asdict(line) for line in listed],
    }
    return json.dumps(facts, indent=2)
