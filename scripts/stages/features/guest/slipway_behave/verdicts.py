"""Judge scenarios: a result for each attempt, and the verdict on all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from .errors import at, details, one_line, parts, place, relative
from .events import cut

__all__ = [
    "STATUSES",
    "Attempt",
    "HookError",
    "Verdict",
    "attempt_of",
    "combine",
    "decorator",
    "has_failed",
    "snippet",
    "step_message",
    "verdict_of",
    "where",
]

STATUSES = ("passed", "failed", "error", "flaky", "quarantined", "skipped", "untested")
_SAME = {"passed", "failed", "skipped", "untested"}
_FAILED = {"failed", "error"}


@dataclass
class HookError:
    """An error raised by a hook or a cleanup."""

    hook: str
    text: str
    file: str = ""
    line: int = 0
    details: str = ""

    @property
    def sentence(self) -> str:
        """The error with its place, as a sentence."""
        return f"{self.hook} failed: {self.text}{at(self.file, self.line)}"


@dataclass
class Attempt:
    """One attempt at a scenario."""

    attempt: int
    status: str
    seconds: float = 0.0
    message: str = ""
    details: str = ""
    step: str = ""
    output: str = ""
    evidence: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Verdict:
    """The verdict on one scenario."""

    feature: str
    file: str
    line: int
    name: str
    tags: list[str]
    status: str = "untested"
    seconds: float = 0.0
    message: str = ""
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """True: it fails the run."""
        return self.status in _FAILED

    def last(self) -> Attempt | None:
        """Return the last attempt with a message, or else the last one."""
        explained = [one for one in self.attempts if one.message] or self.attempts
        return explained[-1] if explained else None

    def event(self) -> dict[str, Any]:
        """Return the content of its event."""
        last = self.last()
        last_attempt = asdict(last) if last else {}
        return {
            **{name: value for name, value in asdict(self).items() if name != "attempts"},
            "seconds": round(self.seconds, 4),
            "attempt": len(self.attempts),
            "attempts": [asdict(one) for one in self.attempts] if len(self.attempts) > 1 else [],
            "details": last_attempt.get("details", ""),
            "step": last_attempt.get("step", ""),
            "output": last_attempt.get("output", ""),
            "evidence": [kept for one in self.attempts for kept in one.evidence],
        }


def verdict_of(scenario: Any) -> Verdict:
    """Return the initial verdict on a scenario that has not run."""
    return Verdict(
        feature=str(getattr(scenario.feature, "name", "")),
        file=relative(str(scenario.filename)),
        line=int(scenario.line or 0),
        name=str(scenario.name).strip(),
        tags=sorted(str(one) for one in scenario.effective_tags),
    )


def combine(verdict: Verdict, *, quarantined: bool) -> Verdict:
    """Combine all attempts into the verdict, which is changed in place and returned."""
    final = verdict.attempts[-1]
    verdict.status, verdict.message = final.status, final.message
    verdict.seconds = sum(one.seconds for one in verdict.attempts)
    if final.status == "passed" and len(verdict.attempts) > 1:
        verdict.status = "flaky"
        first = verdict.attempts[0].message
        verdict.message = f"passed in attempt {final.attempt} only; before: {first}"
    elif quarantined and final.status in _FAILED:
        verdict.status = "quarantined"
    return verdict


def attempt_of(scenario: Any, number: int, hooks: list[HookError]) -> Attempt:
    """Return the result of an attempt from behave's model, after it ran.

    Args:
        scenario: behave's scenario.
        number: The attempt's number, from 1.
        hooks: Errors of hooks during the attempt.
    """
    name = str(getattr(scenario.status, "name", scenario.status))
    status = name if name in _SAME else "passed" if name == "pending_warn" else "error"
    attempt = Attempt(number, status)
    if status == "passed" and not list(scenario.all_steps):
        # Passed for behave, too; the plan warns of it.
        attempt.message = "the scenario has no steps"
    elif status == "skipped":
        attempt.message = str(scenario.skip_reason or "")
    elif status in _FAILED:
        _blame(scenario, attempt, hooks)
    return attempt


def _blame(scenario: Any, attempt: Attempt, hooks: list[HookError]) -> None:
    failing = next((one for one in scenario.all_steps if has_failed(one)), None)
    reasons = [one.sentence for one in hooks]
    traces = [one.details for one in hooks]
    if failing is not None:
        attempt.step = f"{failing.keyword} {failing.name}"
        if _state(failing) != "hook_error":
            reasons.insert(0, step_message(failing))
            error = getattr(failing, "exception", None)
            traces.insert(0, details(error) if error else "")
    if not reasons:
        reasons = [" ".join(str(scenario.error_message or "behave says it failed").split())]
    attempt.message = parts(reasons)
    attempt.details = cut("\n".join(one for one in traces if one))
    captured = getattr(scenario, "captured", None)
    attempt.output = cut(getattr(captured, "output", "") or "")


def has_failed(step: Any) -> bool:
    """Return True if a step failed in any way."""
    return _state(step) in {"failed", "error", "hook_error", "undefined", "pending"}


def step_message(step: Any) -> str:
    """Return the reason of a step's failure as one sentence."""
    error = getattr(step, "exception", None)
    if _state(step) == "undefined":
        return f"{where(step)}: no step is defined for it; begin one with {decorator(step)}"
    if _state(step) == "pending":
        return f"{where(step)}: the step is not implemented yet"
    if error is None:
        reason = " ".join(str(step.error_message or "failed").split())
        return f"{where(step)}: {reason}"
    return f"{where(step)}: {one_line(error)}{at(*place(error.__traceback__))}"


def where(step: Any) -> str:
    """Format a step with its place: file, line, keyword and name."""
    return f"{relative(str(step.filename))}:{step.line}: {step.keyword} {step.name}"


def decorator(step: Any) -> str:
    """Return the decorator that defines a step."""
    return f"@{step.step_type}({str(step.name)!r})"


def snippet(step: Any) -> str:
    """Return code that defines a step."""
    return f"{decorator(step)}\ndef step_impl(context):\n    raise NotImplementedError\n"


def _state(step: Any) -> str:
    return str(getattr(step.status, "name", step.status))
