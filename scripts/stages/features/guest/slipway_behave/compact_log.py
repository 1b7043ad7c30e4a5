"""Format a scenario's part of the log, where several processes write one log.

behave's formatters print a step when it starts and the rest of a failed scenario when the next one
starts. In a log of several processes that tears scenarios apart, and those that passed hide those
that failed.
"""

from __future__ import annotations

import textwrap
from typing import Any

from .verdicts import Attempt, Verdict, has_failed

__all__ = ["describe"]

#: Statuses of scenarios that did not run.
_SILENT = {"skipped", "untested"}
_INDENT = "    "


def describe(scenario: Any, verdict: Verdict) -> str:
    """Return the lines about a scenario: one, and all that is known of each failed attempt.

    Args:
        scenario: behave's scenario.
        verdict: The final verdict on it.
    """
    if verdict.status in _SILENT:
        return ""
    place = f"{verdict.file}:{verdict.line}"
    lines = [f"{verdict.status:<11} {place}  {verdict.name} ({verdict.seconds:.2f} s)\n"]
    several = len(verdict.attempts) > 1
    for attempt in verdict.attempts:
        if attempt.message and attempt.status != "passed":
            title = f"attempt {attempt.attempt}:\n" if several else ""
            last = attempt is verdict.attempts[-1]
            # behave keeps the steps of the last attempt alone.
            text = _failure(scenario if last else None, attempt)
            lines.append(textwrap.indent(title + text, _INDENT))
    if not verdict.attempts and verdict.message:
        lines.append(f"{_INDENT}{verdict.message}\n")
    return "".join(lines)


def _failure(scenario: Any, attempt: Attempt) -> str:
    steps = list(scenario.all_steps) if scenario is not None else []
    failed = next((at for at, step in enumerate(steps) if has_failed(step)), -1)
    text = "".join(f"  {step.keyword} {step.name}\n" for step in steps[: failed + 1])
    parts = [attempt.message, attempt.details]
    if attempt.output.strip():
        parts.append(f"its output:\n{textwrap.indent(attempt.output.rstrip(), _INDENT)}")
    return text + "".join(f"{part.rstrip()}\n" for part in parts if part)
