"""How states look in a terminal."""

from __future__ import annotations

_MARKS = {
    "passed": ("✓", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("■", "yellow"),
    "running": ("●", "cyan"),
    "queued": ("○", "cyan"),
    "gate": ("◆", "magenta"),
    "waiting": ("◆", "magenta"),
}
_WORDS = {"gate": "waits for you", "pending": "waits", "not-run": "not run"}


def mark(state: str) -> str:
    """Return a state's mark with its colour, and a space."""
    sign, colour = _MARKS.get(state, ("·", "dim"))
    return f"[{colour}]{sign}[/] "


def word(state: str) -> str:
    """Return a state as people read it, in its colour."""
    _, colour = _MARKS.get(state, ("·", "dim"))
    return f"[{colour}]{_WORDS.get(state, state)}[/]"
