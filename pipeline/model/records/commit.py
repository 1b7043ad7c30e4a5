"""Records of commits."""

from __future__ import annotations

from slipway.model.records.base import Record

__all__ = ["CommitFacts", "CommitMark"]


class CommitMark(Record):
    """A commit in short form."""

    revision: str
    """The full commit hash."""
    subject: str
    """The first line of its message."""


class CommitFacts(CommitMark):
    """The facts of a commit, as git records them."""

    author: str
    committed_at: int
    """Seconds since 1970."""
