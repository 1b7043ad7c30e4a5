"""Colours and marks of states in a terminal."""

from __future__ import annotations

from slipway.model.states import RunState, ShownState

__all__ = ["PENDING", "mark", "word"]

#: Labels of stages that were not tried but still may be; a waiting run waits for people.
PENDING = "pending"
#: Keyed by text: a run's state and a stage's state of the same name look the same.
_MARKS: dict[str, tuple[str, str]] = {
    ShownState.PASSED: ("✓", "green"),
    ShownState.FAILED: ("✗", "red"),
    ShownState.CANCELLED: ("■", "yellow"),
    ShownState.RUNNING: ("●", "cyan"),
    ShownState.QUEUED: ("○", "cyan"),
    ShownState.GATE: ("◆", "magenta"),
    RunState.WAITING: ("◆", "magenta"),
}
_WORDS: dict[str, str] = {
    ShownState.GATE: "waits for you",
    ShownState.UNCHANGED: "nothing to release",
    PENDING: "waits",
    ShownState.NOT_RUN: "not run",
}


def mark(state: str) -> str:
    """Return a state's mark with its colour, and a space."""
    sign, colour = _MARKS.get(state, ("·", "dim"))
    return f"[{colour}]{sign}[/] "


def word(state: str) -> str:
    """Return a state's label in its colour."""
    _, colour = _MARKS.get(state, ("·", "dim"))
    return f"[{colour}]{_WORDS.get(state, state)}[/]"
