"""Write notices in the transaction in which what they tell of happens.

`collect` watches a session: at each flush it remembers the rows whose state changes, with the state
they had at first; right before the commit it compares and adds a row to the outbox for each event
that somebody wants. What is rolled back leaves none, and a state that only passes by is none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Insert, event, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from slipway.ledger.outbox.derived import Found, of_block, of_deployment, of_gate, of_run, of_stage
from slipway.ledger.tables.gates import Deployment, Gate
from slipway.ledger.tables.outbox import OutboxNotice
from slipway.ledger.tables.releases import ReleaseBlock
from slipway.ledger.tables.runs import Run, StageResult
from slipway.model.notices.events import Event

__all__ = ["Collected", "add", "collect"]

_DERIVED: Mapping[type[Any], Any] = {
    Run: of_run,
    StageResult: of_stage,
    Gate: of_gate,
    Deployment: of_deployment,
    ReleaseBlock: of_block,
}


class Collected:
    """What a session has changed, and how many notices came of it."""

    def __init__(self, wanted: Collection[Event]) -> None:
        self._wanted = wanted
        self._before: dict[Any, Any] = {}
        self.count = 0

    def flushed(self, session: Session, _context: Any) -> None:
        """Remember the rows whose states this flush has changed."""
        for row in (*session.new, *session.dirty, *session.deleted):
            if type(row) in _DERIVED:
                self._before.setdefault(row, _state_before(row))

    def committing(self, session: Session) -> None:
        """Add the notices of all changed rows."""
        if session.new or session.dirty or session.deleted:
            session.flush()
        changed, self._before = self._before, {}
        rows = [
            one
            for row, before in changed.items()
            for one in _DERIVED[type(row)](session, row, before)
            if one.event in self._wanted
        ]
        self.count += add(session, rows)

    def forget(self, *_: Any) -> None:
        """Forget what was rolled back."""
        self._before = {}


def collect(session: Session, wanted: Collection[Event]) -> Collected:
    """Add the notices of what a session changes, when it is committed.

    Args:
        session: The session.
        wanted: The events that somebody is told of; others are not written.
    """
    collected = Collected(wanted)
    if wanted:
        event.listen(session, "after_flush", collected.flushed)
        event.listen(session, "before_commit", collected.committing)
        event.listen(session, "after_soft_rollback", collected.forget)
    return collected


def add(session: Session, found: Collection[Found]) -> int:
    """Add notices to the outbox; what is there already is left as it is.

    Returns:
        How many were given.
    """
    if found:
        session.execute(_insert(session), [_row(one) for one in found])
    return len(found)


def _insert(session: Session) -> Insert:
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    made: Insert = dialect.insert(OutboxNotice.__table__).on_conflict_do_nothing(
        index_elements=["key"]
    )
    return made


def _row(found: Found) -> dict[str, Any]:
    return {
        "key": found.key,
        "event": found.event.value,
        "project": found.project,
        "subject": found.subject,
        "at": found.at,
        "facts": _storable(found.facts),
    }


def _storable(value: Any) -> Any:
    """Return JSON without NUL characters and half characters, which PostgreSQL refuses."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_storable(key): _storable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(one) for one in value]
    return value


def _state_before(row: Any) -> Any:
    """Return the state that a row had before the flush; None if it is new."""
    found = inspect(row)
    if isinstance(row, ReleaseBlock):
        return found.persistent or None
    if found.pending or not found.key:
        return None
    history = found.attrs.state.history
    return history.deleted[0] if history.deleted else row.state
