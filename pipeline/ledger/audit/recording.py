"""Audit trail: its table, and the mixin for classes whose changes are recorded.

A class is audited if it has this base and one attribute:

    class Gate(Audited, Base):
        __trail__ = Trail("gate", secret=("token",), project=lambda gate: gate.project)

Each insert, update and delete of its rows then adds a row to `slipway_audit`, in the same
transaction. All columns are recorded, unless the `Trail` excludes them. Rules for code that changes
rows:

- Rows are changed in a `slipway.ledger.database.session.LedgerSession`; any other session
  is refused.
- Bulk statements (`update(Gate)`, `session.bulk_save_objects`) are refused: they bypass mapper
  events.
- Assign values, not SQL expressions (`gate.count = Gate.count + 1` is refused).
- Delete rows with `session.delete` or an ORM cascade, not the database's own ON DELETE CASCADE.
- The actor is `session.info["actor"]`; the default is the machine: `slipway`.
- Record events that change no row (a refused action) with `slipway.ledger.audit.chain.note`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import JSON, ClauseElement, Double, Index, String, Text, event, inspect
from sqlalchemy.orm import Mapped, Mapper, Session, mapped_column, object_session

from slipway.ledger.tables.base import Base

__all__ = ["HIDDEN", "MACHINE", "PENDING", "AuditError", "AuditRow", "Audited", "Trail", "actor_of"]

#: The actor of changes that no person made.
MACHINE = "slipway"
#: Key in a session's `info`: changes that the next flush records. Only a LedgerSession has it.
PENDING = "slipway_audit_pending"
#: Recorded instead of a secret value.
HIDDEN = "(not shown)"
_LIKE_A_SECRET = re.compile(r"password|passwd|secret|token|private_key")


class AuditError(RuntimeError):
    """Code tried to change an audited row past the audit trail; a defect, not wrong input."""


class AuditRow(Base):
    """One event. Rows are only inserted; database triggers refuse everything else."""

    __tablename__ = "slipway_audit"
    __table_args__ = (
        Index("ix_slipway_audit_at", "at"),
        Index("ix_slipway_audit_project", "project"),
        Index("ix_slipway_audit_entity", "entity", "entity_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """1, 2, 3, without gaps."""
    at: Mapped[float] = mapped_column(Double)
    """Seconds since 1970."""
    actor: Mapped[str] = mapped_column(String(255))
    action: Mapped[str] = mapped_column(String(40))
    """insert, update, delete; for other events what was requested: force, stop, sign-in."""
    entity: Mapped[str] = mapped_column(String(40))
    """The kind of the object."""
    entity_id: Mapped[str] = mapped_column(String(255))
    project: Mapped[str] = mapped_column(String(40))
    """Empty: the event concerns the site."""
    summary: Mapped[str] = mapped_column(Text)
    """The object, or the event, for people."""
    old: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    new: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    previous: Mapped[str] = mapped_column(String(64), unique=True)
    """The hash of the previous row; 64 zeros in the first."""
    hash: Mapped[str] = mapped_column(String(64), unique=True)


def _unnamed(_row: Any) -> str:
    return ""


def _always(_row: Any, _actor: str) -> bool:
    return True


@dataclass(frozen=True)
class Trail:
    """Audit options of a class. Columns that are not listed are recorded."""

    entity: str
    """The name of the class for people: run, release."""
    project: Callable[[Any], str] = _unnamed
    """Returns a row's project."""
    summary: Callable[[Any], str] = _unnamed
    """Returns a row's title; empty: the entity and its key."""
    secret: tuple[str, ...] = ()
    """Columns whose changes are recorded without their values."""
    silent: tuple[str, ...] = ()
    """Columns that are not recorded."""
    by_people: tuple[str, ...] = ()
    """Columns whose changes are recorded only when a person made them."""
    counts: Callable[[Any, str], bool] = _always
    """Returns whether a change of a row by an actor is recorded at all."""


class Audited:
    """Mixin: every change of a row adds a row to the audit trail. See the module."""

    __trail__: ClassVar[Trail]
    __kept__: ClassVar[tuple[str, ...]]
    """The recorded attributes."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _watch(cls)


def _watch(cls: type[Any]) -> None:
    trail: Trail | None = getattr(cls, "__trail__", None)
    mapper: Mapper[Any] | None = inspect(cls, raiseerr=False)
    if trail is None or mapper is None:
        name = cls.__name__
        msg = f"{name} lacks a table or a __trail__: write class {name}(Audited, Base)"
        raise TypeError(msg)
    # Not column_attrs: it would configure all mappers while classes are still being defined.
    columns = mapper.columns.keys()
    unknown = {*trail.secret, *trail.silent, *trail.by_people} - set(columns)
    if unknown:
        raise TypeError(f"{cls.__name__}.__trail__ names {', '.join(sorted(unknown))}: no column")
    bare = {name for name in columns if _LIKE_A_SECRET.search(name)}
    bare -= {*trail.secret, *trail.silent}
    if bare:
        names = ", ".join(sorted(bare))
        msg = (
            f"{cls.__name__}.__trail__ must name {names} as secret or silent: it reads as a secret"
        )
        raise TypeError(msg)
    cls.__kept__ = tuple(name for name in columns if name not in trail.silent)
    for name in cls.__kept__:
        # active_history loads the old value of an expired row before the new one is set.
        event.listen(getattr(cls, name), "set", _keep_old, active_history=True)
    event.listen(cls, "before_insert", _check_values)
    event.listen(cls, "before_update", _check_values)
    event.listen(cls, "before_delete", _load_all)
    event.listen(cls, "after_insert", _inserted)
    event.listen(cls, "after_update", _updated)
    event.listen(cls, "after_delete", _deleted)


def _keep_old(row: Any, value: Any, old: Any, initiator: Any) -> None:
    """No-op; registering it with `active_history=True` makes SQLAlchemy load the old value."""


def _check_values(_mapper: Any, _connection: Any, row: Any) -> None:
    for name in row.__kept__:
        if isinstance(inspect(row).dict.get(name), ClauseElement):
            msg = f"{type(row).__name__}.{name} is audited: give it a value, not an SQL expression"
            raise AuditError(msg)


def _load_all(_mapper: Any, _connection: Any, row: Any) -> None:
    for name in row.__kept__:
        getattr(row, name)


def _inserted(_mapper: Any, _connection: Any, row: Any) -> None:
    _pend(row, "insert", None, {name: getattr(row, name) for name in row.__kept__})


def _deleted(_mapper: Any, _connection: Any, row: Any) -> None:
    committed = inspect(row).committed_state
    old = {name: committed.get(name, getattr(row, name)) for name in row.__kept__}
    _pend(row, "delete", old, None)


def _updated(_mapper: Any, _connection: Any, row: Any) -> None:
    old, new = {}, {}
    for name in row.__kept__:
        history = inspect(row).attrs[name].history
        if history.has_changes():
            old[name] = history.deleted[0] if history.deleted else None
            new[name] = history.added[0] if history.added else None
    _pend(row, "update", old, new)


def _pend(row: Any, action: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
    """Queue a change for the end of the flush."""
    session = object_session(row)
    trail: Trail = type(row).__trail__
    if session is None or PENDING not in session.info:
        msg = (
            f"{type(row).__name__} is audited: change it in a "
            "slipway.ledger.database.session.LedgerSession"
        )
        raise AuditError(msg)
    actor = actor_of(session)
    if action == "update" and actor == MACHINE:
        old, new = _without(trail.by_people, old), _without(trail.by_people, new)
    if (action == "update" and not new) or not trail.counts(row, actor):
        return
    key = ",".join(str(one) for one in inspect(row).mapper.primary_key_from_instance(row))
    session.info[PENDING].append(
        {
            "action": action,
            "entity": trail.entity,
            "entity_id": key,
            "project": trail.project(row),
            "summary": trail.summary(row) or f"{trail.entity} {key}",
            "old": _hide(trail.secret, old),
            "new": _hide(trail.secret, new),
        }
    )


def actor_of(session: Session) -> str:
    """Return the actor of a session's transaction."""
    return str(session.info.get("actor") or MACHINE)


def _without(names: tuple[str, ...], values: dict[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (values or {}).items() if name not in names}


def _hide(names: tuple[str, ...], values: dict[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {name: HIDDEN if name in names else value for name, value in values.items()}
