"""Render scenarios as HTML: failed ones in full, passed ones in a line each."""

from __future__ import annotations

import math
import shlex
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup

from slipway.html import templates
from slipway.html.terminal import lines
from slipway.model.duration import format_duration
from slipway.scripts.humanize import count_text
from slipway.scripts.stages.features.report.evidence import EvidenceShelf, end_of
from slipway.scripts.stages.features.results import Attempt, ScenarioResult, StepResult

__all__ = ["CaseWriter", "took"]

_ROOM = "slipway.scripts.stages.features.report"
_LONGEST_MESSAGE = 8_000
_LONGEST_HINT = 160
#: Characters of steps of passed scenarios; beyond that, a huge run omits them.
_MOST_PASSED_STEPS = 1_000_000
#: Characters of details; a report in which everything fails repeats itself.
_MOST_DETAILS = 500_000
_MARKS = {"passed": "✓", "flaky": "!", "skipped": "·", "untested": "·", "quarantined": "◌"}
_SECOND = 0.9995
_IDLE = {"skipped", "untested"}
_WELL = {"passed", *_IDLE}
#: Characters of markup around a step, approximately: in a list of passed ones, and elsewhere.
_ITEM = 17
_MARKUP = 150
_KINDS = {"passed", "failed", "error", "undefined", "skipped", "untested", "flaky", "quarantined"}


def took(seconds: float) -> str:
    """Format seconds as "12ms", "3.1s" or "2m05s"; "?" for an invalid duration."""
    if not math.isfinite(seconds) or seconds < 0:
        return "?"
    return f"{seconds * 1000:.0f}ms" if seconds < _SECOND else format_duration(seconds)


class _Step(NamedTuple):
    """A step, as the template unpacks it; empty fields are not shown."""

    kind: str
    mark: str
    keyword: str
    name: str
    word: str
    seconds: str
    place: str
    why: str


class _Attempt(NamedTuple):
    """An attempt, as the template unpacks it."""

    number: int
    status: str
    kind: str
    seconds: str
    pictures: Markup
    why: str
    steps: list[_Step]
    is_short: bool
    papers: Markup


class CaseWriter:
    """A writer of scenarios, with as much evidence as the shelf allows."""

    def __init__(self, shelf: EvidenceShelf) -> None:
        """Prepare the writer.

        Args:
            shelf: Renders evidence as HTML until the report has reached its limit.
        """
        self._shelf = shelf
        self._macros = templates.macros(f"{_ROOM}/cases.html.j2")
        self._remaining_steps = _MOST_PASSED_STEPS
        self._remaining_details = _MOST_DETAILS

    def cases(self, scenarios: list[ScenarioResult], *, opened: int) -> Markup:
        """Render scenarios in full.

        Args:
            scenarios: The scenarios.
            opened: Number of scenarios that are unfolded initially.
        """
        return Markup().join(
            self._case(one, is_open=number < opened) for number, one in enumerate(scenarios)
        )

    def features(self, scenarios: list[ScenarioResult]) -> Markup:
        """Render passed scenarios, folded by feature."""
        parts = []
        ordered = sorted(scenarios, key=lambda one: (one.feature_file, one.line))
        for (file, title), group in groupby(ordered, lambda one: (one.feature_file, one.feature)):
            inside = list(group)
            seconds = took(sum(one.seconds for one in inside))
            rows = Markup().join(map(self._passed, inside))
            number = count_text(len(inside), "scenario")
            parts.append(self._macros.feature(title, file, number, seconds, rows))
        return Markup().join(parts)

    def skipped(self, scenarios: list[ScenarioResult]) -> Markup:
        """Render skipped scenarios, folded by reason."""
        parts = []
        ordered = sorted(scenarios, key=lambda one: (one.message, one.feature_file, one.line))
        for reason, group in groupby(ordered, lambda one: one.message):
            inside = [(one, _tags(one)) for one in group]
            number = count_text(len(inside), "scenario")
            parts.append(self._macros.skipped(reason, number, inside))
        return Markup().join(parts)

    def _passed(self, one: ScenarioResult) -> Markup:
        steps = one.attempts[-1].steps if one.attempts else ()
        self._remaining_steps -= sum(_ITEM + len(step.keyword) + len(step.name) for step in steps)
        return self._macros.passed(
            one, _tags(one), took(one.seconds), steps if self._remaining_steps >= 0 else ()
        )

    def _case(self, one: ScenarioResult, *, is_open: bool) -> Markup:
        mark = _MARKS.get(one.status, "✗")
        hint = one.message.partition("\n")[0][:_LONGEST_HINT]
        again = shlex.join(["slipway", "features", one.place])
        attempts = [self._attempt(each, one) for each in one.attempts]
        seconds = took(one.seconds)
        return self._macros.case(one, _tags(one), seconds, mark, hint, again, attempts, is_open)

    def _attempt(self, attempt: Attempt, one: ScenarioResult) -> _Attempt:
        which = f", attempt {attempt.number}" if len(one.attempts) > 1 else ""
        pictures = self._shelf.pictures(attempt.evidence, f"{one.name}{which}")
        papers = self._shelf.texts(attempt.evidence)
        is_short = self._remaining_details < 0
        steps, message, longest = attempt.steps, attempt.message.strip(), None
        if is_short:
            steps = tuple(step for step in steps if step.status not in _WELL)
            message, longest = message[:_LONGEST_HINT], _LONGEST_HINT
        is_shown = any(message in step.message for step in steps)
        why = "" if is_shown else _why(message)
        rows = [_step(step, longest) for step in steps]
        self._remaining_details -= len(why) + sum(
            _MARKUP + len(row.name) + len(row.why) for row in rows
        )
        return _Attempt(
            attempt.number, attempt.status, _kind(attempt.status), took(attempt.seconds),
            pictures, why, rows, is_short, papers,
        )  # fmt: skip


def _step(step: StepResult, longest: int | None) -> _Step:
    """Convert a step for the template, with its message shortened to `longest` characters."""
    kind = _kind(step.status)
    # A step that did not run has neither a useful duration nor a useful place.
    return _Step(
        kind,
        _MARKS.get(step.status, "✗" if kind != "other" else "?"),
        step.keyword,
        step.name,
        "" if kind == "passed" else step.status,
        took(step.seconds) if step.seconds else "",
        "" if kind in _WELL else step.location,
        _why(step.message.strip()[:longest]),
    )


def _why(text: str) -> str:
    if len(text) <= _LONGEST_MESSAGE:
        return lines(text)
    # The first line is the summary, the last ones name the place.
    return lines(text[:_LONGEST_HINT]) + "\n" + end_of(text, _LONGEST_MESSAGE)


def _tags(one: ScenarioResult) -> list[str]:
    return [tag.removeprefix("@") for tag in one.tags]


def _kind(status: str) -> str:
    return status if status in _KINDS else "other"
