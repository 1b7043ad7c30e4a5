"""Records of attempts at stages."""

from __future__ import annotations

from typing import Any

from slipway.model.records.base import Record, Timed
from slipway.model.states import StageState

__all__ = ["AttemptRecord", "AttemptResult", "ListedStage", "StageCell"]


class AttemptResult(Timed):
    """The state and the result of an attempt at a cell of a stage."""

    attempt: int
    """Its number, from 1."""
    state: StageState
    summary: str
    exit_code: int | None
    worker: str
    queued_at: float
    """Time when it was queued, or became a gate; seconds since 1970."""


class AttemptRecord(AttemptResult):
    """An attempt at a cell of a stage."""

    id: int
    stale: bool
    """True: an earlier stage was run again "from here"; the attempt does not count any more."""
    rollback: bool
    """True: it brings this older release back; it does not count in the run."""
    tries: int
    """Number of automatic retries since a person or the run asked for it."""
    person: str
    """The person who asked for it; empty: the run itself."""
    facts: dict[str, Any]
    """Details that the stage's script has reported."""


class StageCell(Record):
    """A cell of a stage: what its attempts have in common."""

    name: str
    """The stage's name."""
    cell: str
    """The cell of a matrix or shard; empty for a stage with a single cell."""
    uses: str
    """The kind of the stage."""


class ListedStage(StageCell, AttemptResult):
    """The newest attempt at a cell of a stage, in a list of runs."""

    waits: str
    """The reason why it is queued; empty if it is about to begin."""
