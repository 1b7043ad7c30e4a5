"""How states look in a terminal."""

from __future__ import annotations

from slipway.model.states import RunState, ShownState

#: A stage that was never tried and still may be; a run that waits, waits for people.
PENDING = "pending"
#: By text: states of runs and of stages look alike where they are called alike.
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
    PENDING: "waits",
    ShownState.NOT_RUN: "not run",
}


def mark(state: str) -> str:
    """Return a state's mark with its colour, and a space."""
    sign, colour = _MARKS.get(state, ("·", "dim"))
    return f"[{colour}]{sign}[/] "


def word(state: str) -> str:
    """Return a state as people read it, in its colour."""
    _, colour = _MARKS.get(state, ("·", "dim"))
    return f"[{colour}]{_WORDS.get(state, state)}[/]"
