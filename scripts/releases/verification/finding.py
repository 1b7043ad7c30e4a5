"""The result of verifying one file of a release."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """The result of checking one file."""

    name: str
    problem: str = ""
    """Description of the problem. Empty: the file is as it was published."""
    size: int = 0
    note: str = ""
    """What else it says, where there is no problem."""
