"""Scenarios as HTML: what failed at length, what passed in a line."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby

from slipway.html.markup import e
from slipway.model.duration import format_duration
from slipway.scripts.humanize import count_text
from slipway.scripts.stages.features.report.evidence import EvidenceShelf, lines
from slipway.scripts.stages.features.results import Attempt, ScenarioResult, StepResult

_LONGEST_MESSAGE = 8_000
_LONGEST_HINT = 160
#: In characters. Steps of passed scenarios are a pleasure to read; a huge run does without.
_MOST_PASSED_STEPS = 1_000_000
#: In characters. A report in which everything fails says the same thing again and again.
_MOST_DETAILS = 500_000
_MARKS = {"passed": "✓", "flaky": "!", "skipped": "·", "untested": "·", "quarantined": "◌"}
_SECOND = 0.9995
_IDLE = {"skipped", "untested"}
_KINDS = {"passed", "failed", "error", "undefined", "skipped", "untested", "flaky", "quarantined"}


def took(seconds: float) -> str:
    """Return seconds as "12ms", "3.1s", "2m05s"; "?" for what is no length of time."""
    if not math.isfinite(seconds) or seconds < 0:
        return "?"
    return f"{seconds * 1000:.0f}ms" if seconds < _SECOND else format_duration(seconds)


class CaseWriter:
    """Writes scenarios, with as much evidence as the shelf holds."""

    def __init__(self, shelf: EvidenceShelf) -> None:
        """Start.

        Args:
            shelf: Gives evidence as HTML until the report has enough of it.
        """
        self._shelf = shelf
        self._steps_left = _MOST_PASSED_STEPS
        self._details_left = _MOST_DETAILS

    def cases(self, scenarios: list[ScenarioResult], *, opened: int) -> str:
        """Return scenarios with all there is to know of them.

        Args:
            scenarios: The scenarios.
            opened: How many are unfolded from the start.
        """
        return "".join(
            self._case(one, is_open=number < opened) for number, one in enumerate(scenarios)
        )

    def features(self, scenarios: list[ScenarioResult]) -> str:
        """Return passed scenarios, folded feature by feature."""
        parts = []
        ordered = sorted(scenarios, key=lambda one: (one.feature_file, one.line))
        for (file, title), group in groupby(ordered, lambda one: (one.feature_file, one.feature)):
            inside = list(group)
            seconds = took(sum(one.seconds for one in inside))
            rows = "".join(map(self._passed, inside))
            parts.append(
                f'<details class="feature"><summary><b>{e(title)}</b> <small>{e(file)}</small>'
                f'<span class="aside">{count_text(len(inside), "scenario")}, {seconds}</span>'
                f"</summary>\n{rows}</details>\n"
            )
        return "".join(parts)

    def skipped(self, scenarios: list[ScenarioResult]) -> str:
        """Return skipped scenarios, folded by their reason."""
        parts = []
        ordered = sorted(scenarios, key=lambda one: (one.message, one.feature_file, one.line))
        for reason, group in groupby(ordered, lambda one: one.message):
            inside = list(group)
            rows = "".join(
                f'<div class="case" data-s="skipped" id="{e(one.anchor)}">'
                f"{e(one.name)} <small>{e(one.place)} {_tags(one)}</small></div>\n"
                for one in inside
            )
            parts.append(
                f'<details class="feature"><summary>{e(reason or "No reason is given")}'
                f'<span class="aside">{count_text(len(inside), "scenario")}</span></summary>\n'
                f"{rows}</details>\n"
            )
        return "".join(parts)

    def _passed(self, one: ScenarioResult) -> str:
        attributes = f'class="case" data-s="passed" id="{e(one.anchor)}"'
        head = (
            f"{e(one.name)} <small>:{one.line} {_tags(one)}</small>"
            f'<span class="aside">{took(one.seconds)}</span>'
        )
        steps = one.attempts[-1].steps if one.attempts else ()
        rows = "".join(f"<li><b>{e(step.keyword)}</b> {e(step.name)}\n" for step in steps)
        self._steps_left -= len(rows)
        if not rows or self._steps_left < 0:
            return f"<div {attributes}>{head}</div>\n"
        return f"<details {attributes}><summary>{head}</summary><ol>{rows}</ol></details>\n"

    def _case(self, one: ScenarioResult, *, is_open: bool) -> str:
        hint = one.message.partition("\n")[0][:_LONGEST_HINT]
        again = shlex.join(["slipway", "features", one.place])
        process = f" · process {one.process}" if one.process else ""
        attempts = self._attempts(one)
        return (
            f'<details class="case full {one.status}" data-s="{one.status}" '
            f'id="{e(one.anchor)}"{" open" if is_open else ""}>'
            f'<summary><span class="mark" aria-hidden="true">{_MARKS.get(one.status, "✗")}</span>'
            f'<span class="what"><span class="name">{e(one.name)}</span>'
            f'<span class="hint">{e(hint)}</span></span>'
            f'<span class="aside">{one.status} · {took(one.seconds)}</span></summary>\n'
            f'<p class="meta">{e(one.feature)} · <code>{e(one.place)}</code>{process} '
            f"{_tags(one)}</p>\n{attempts}"
            f'<p class="meta again">Run it again: <code>{e(again)}</code></p></details>\n'
        )

    def _attempts(self, one: ScenarioResult) -> str:
        if not one.attempts:
            return '<p class="told">Nothing is known of its steps.</p>\n'
        if len(one.attempts) == 1:
            return f'<div class="single">{self._attempt(one.attempts[0], one, "")}</div>\n'
        columns = "".join(
            f'<article><h3>Attempt {attempt.number} <span class="chip {_kind(attempt.status)}">'
            f"{e(attempt.status)}</span> <small>{took(attempt.seconds)}</small></h3>\n"
            f"{self._attempt(attempt, one, f', attempt {attempt.number}')}</article>\n"
            for attempt in one.attempts
        )
        return f'<div class="attempts">\n{columns}</div>\n'

    def _attempt(self, attempt: Attempt, one: ScenarioResult, which: str) -> str:
        pictures = self._shelf.pictures(attempt.evidence, f"{one.name}{which}")
        film = f'<div class="film">\n{pictures}</div>\n' if pictures else ""
        papers = self._shelf.texts(attempt.evidence)
        folded = f'<div class="papers">{papers}</div>\n' if papers else ""
        return f"{film}<div>{self._told(attempt)}</div>\n{folded}"

    def _told(self, attempt: Attempt) -> str:
        """Return why an attempt failed and its steps; in short once there are very many."""
        steps, message, remark = attempt.steps, attempt.message.strip(), ""
        if self._details_left < 0:
            bad = [one for one in steps if one.status not in {"passed", *_IDLE}]
            steps = tuple(replace(one, message=one.message.strip()[:_LONGEST_HINT]) for one in bad)
            message = message[:_LONGEST_HINT]
            remark = '<p class="told">Shortened: too many scenarios failed.</p>\n'
        is_told = any(message in step.message for step in steps)
        why = _why(message) if message and not is_told else ""
        rows = "".join(map(_step, steps))
        self._details_left -= len(why) + len(rows)
        return why + (f'<ol class="steps">\n{rows}</ol>\n' if rows else "") + remark


def _step(step: StepResult) -> str:
    kind = _kind(step.status)
    mark = _MARKS.get(step.status, "✗" if kind != "other" else "?")
    # What did not run has neither a time nor a place worth reading.
    length = f'<span class="aside">{took(step.seconds)}</span>' if step.seconds else ""
    word = "" if kind == "passed" else f' <span class="word">{e(step.status)}</span>'
    place = f"<small>{e(step.location)}</small>" if kind not in {"passed", *_IDLE} else ""
    why = _why(step.message) if step.message.strip() else ""
    return (
        f'<li class="{kind}"><span class="mark" aria-hidden="true">{mark}</span>'
        f"<span><b>{e(step.keyword)}</b> {e(step.name)}{word}</span>{length}{place}{why}</li>\n"
    )


def _kind(status: str) -> str:
    return status if status in _KINDS else "other"


def _why(message: str) -> str:
    text = message.strip()
    # Its first line is the sentence, its last ones say where.
    first = f"{e(text[:_LONGEST_HINT])}\n" if len(text) > _LONGEST_MESSAGE else ""
    return f'<pre class="why">{first}{lines(text, _LONGEST_MESSAGE)}</pre>'


def _tags(one: ScenarioResult) -> str:
    return " ".join(f'<span class="tag">@{e(tag)}</span>' for tag in _plain(one.tags))


def _plain(tags: Iterable[str]) -> list[str]:
    return [tag.removeprefix("@") for tag in tags]
