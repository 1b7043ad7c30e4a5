"""Record of a poll."""

from __future__ import annotations

from slipway.model.records.base import Record

__all__ = ["LastPoll"]


class LastPoll(Record):
    """The result of the last poll of a repository. Times are seconds since 1970."""

    began_at: float | None
    """None: recorded by an older version of Slipway."""
    at: float
    """When it ended."""
    outcome: str
    """The result, a sentence for people."""
    failed: bool
    runs: list[int]
    """The numbers of the runs it started."""
