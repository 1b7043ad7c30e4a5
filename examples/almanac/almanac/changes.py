"""The change log: every change of a logged class, written in the transaction that makes it.

Mapper events note what a flush writes, with the values from before; `after_flush` then stores
the notes through the same connection, so work that is rolled back leaves no trace. Bulk
statements on logged tables never reach those events and are therefore refused. Raw `text()`
is not seen.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import JSON, CheckConstraint, Connection, MetaData, String, event, inspect
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Mapper,
    ORMExecuteState,
    Session,
    UOWTransaction,
    mapped_column,
    object_session,
)

from almanac.errors import BulkChangeError

NOTES = "almanac.notes"
AUTHOR = "almanac.author"

Details = dict[str, list[Any]]


class Base(DeclarativeBase):
    """The base of all tables; constraints have names so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Change(Base):
    """One row written, changed or removed: who, when, and each value before and after."""

    __tablename__ = "changes"
    __table_args__ = (
        CheckConstraint("action IN ('insert', 'update', 'delete')", name="action_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    author: Mapped[str | None] = mapped_column(String(80))
    table_name: Mapped[str] = mapped_column(String(40))
    row_id: Mapped[int]
    action: Mapped[str] = mapped_column(String(6))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)


class Logged:
    """A mixin: the changes of a class that has it are written to the change log."""

    tables: ClassVar[set[str]] = set()


def _plain(value: object) -> object:
    """Return `value` as JSON can hold it."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _written(mapper: Mapper[Any], target: object) -> Details:
    return {a.key: [None, _plain(getattr(target, a.key))] for a in mapper.column_attrs}


def _removed(mapper: Mapper[Any], target: object) -> Details:
    return {a.key: [_plain(getattr(target, a.key)), None] for a in mapper.column_attrs}


def _first(values: Sequence[object] | None) -> object:
    return _plain(values[0]) if values else None


def _changed(mapper: Mapper[Any], target: object) -> Details:
    details: Details = {}
    for attribute in mapper.column_attrs:
        history = inspect(target).attrs[attribute.key].history
        if history.has_changes():
            details[attribute.key] = [_first(history.deleted), _first(history.added)]
    return details


def _table_name(mapper: Mapper[Any]) -> str:
    return str(getattr(mapper.local_table, "name", mapper.class_.__name__))


def _listener(
    action: str, collect: Callable[[Mapper[Any], object], Details]
) -> Callable[[Mapper[Any], Connection, Any], None]:
    """Make the mapper event listener that notes one kind of change."""

    def note(mapper: Mapper[Any], connection: Connection, target: Any) -> None:  # noqa: ANN401
        session, details = object_session(target), collect(mapper, target)
        if session is None or not details:
            return
        note = {"action": action, "table_name": _table_name(mapper), "row_id": target.id}
        session.info.setdefault(NOTES, []).append({**note, "details": details})

    return note


event.listen(Logged, "after_insert", _listener("insert", _written), propagate=True)
event.listen(Logged, "after_update", _listener("update", _changed), propagate=True)
event.listen(Logged, "after_delete", _listener("delete", _removed), propagate=True)


@event.listens_for(Logged, "before_delete", propagate=True)
def _load_before_delete(mapper: Mapper[Any], connection: Connection, target: object) -> None:
    """Read expired values while the row is still there."""
    _removed(mapper, target)


@event.listens_for(Logged, "mapper_configured", propagate=True)
def _keep_old_values(mapper: Mapper[Any], class_: type[Any]) -> None:
    """Load the old value before a column of a logged class is set (active history)."""
    Logged.tables.add(_table_name(mapper))
    for attribute in mapper.column_attrs:
        event.listen(getattr(class_, attribute.key), "set", lambda *_: None, active_history=True)


@event.listens_for(Session, "after_flush")
def _write_notes(session: Session, context: UOWTransaction) -> None:
    """Store the notes of this flush in its own transaction."""
    notes = session.info.pop(NOTES, [])
    if notes:
        common = {"at": datetime.now(UTC).replace(tzinfo=None), "author": session.info.get(AUTHOR)}
        session.connection().execute(
            Change.__table__.insert(),  # type: ignore[attr-defined]
            [{**common, **note} for note in notes],
        )


@event.listens_for(Session, "after_soft_rollback")
def _forget_notes(session: Session, previous: object) -> None:
    """Drop the notes of a flush that failed half-way."""
    session.info.pop(NOTES, None)


@event.listens_for(Session, "do_orm_execute")
def _refuse_bulk_changes(state: ORMExecuteState) -> None:
    """Refuse INSERT, UPDATE and DELETE statements on logged tables."""
    if state.is_insert or state.is_update or state.is_delete:
        table = getattr(state.statement, "table", None)
        if getattr(table, "name", None) in Logged.tables:
            raise BulkChangeError(
                f"A bulk statement on {table.name} would not be logged: "  # type: ignore[union-attr]
                "change its objects one by one."
            )
