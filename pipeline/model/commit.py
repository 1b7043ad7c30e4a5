"""The commit that a run builds, and the run's cause."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Cause", "Change", "Commit"]


@dataclass(frozen=True)
class Commit:
    """The commit that a run builds."""

    branch: str
    revision: str
    base_version: str
    """The project's own version, without the run's number."""
    committed_at: int
    """Seconds since 1970."""
    subject: str = ""
    author: str = ""


@dataclass(frozen=True)
class Cause:
    """The trigger of a run, with the person and the reason."""

    trigger: str
    owner: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Change:
    """A commit as release notes tell of it."""

    revision: str
    subject: str
    author: str
    """The name, without an address."""
    breaking: bool = False
    """True: its message says BREAKING CHANGE."""
