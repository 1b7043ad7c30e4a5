"""The audit trail: its table, and the mixin of classes whose changes it keeps.

A class is audited by a base and one attribute:

    class Gate(Audited, Base):
        __trail__ = Trail("gate", secret=("token",), project=lambda gate: gate.project)

Each insert, update and delete of its rows then leaves a row in `slipway_audit`, in the same
transaction, whoever wrote the code that made the change. All columns are kept, but those that the
`Trail` names otherwise. What follows for code that changes rows:

- Rows are changed in a `slipway.ledger.database.session.LedgerSession`; any other session
  is refused.
- Bulk statements (`update(Gate)`, `session.bulk_save_objects`) are refused: they pass the rows by.
- A value is given, not an SQL expression (`gate.count = Gate.count + 1` is refused).
- Rows go by `session.delete` or an ORM cascade, not by the database's own ON DELETE CASCADE.
- Who acts is `session.info["actor"]`; without it, it was the machine: `slipway`.
- What changes no row (a refused action, a sign-in) is told with `slipway.ledger.audit.chain.note`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import JSON, ClauseElement, Double, Index, String, Text, event, inspect
from sqlalchemy.orm import Mapped, Mapper, Session, mapped_column, object_session

from slipway.ledger.tables.base import Base

#: Who acts where no person does.
MACHINE = "slipway"
#: In a session's `info`: changes that the next flush writes down. Only a LedgerSession has it.
PENDING = "slipway_audit_pending"
#: In place of a value that is never written.
HIDDEN = "(not shown)"
_LIKE_A_SECRET = re.compile(r"password|passwd|secret|token|private_key")


class AuditError(RuntimeError):
    """Code tried to change an audited row past the audit trail. A defect, no one's wrong input."""


class AuditRow(Base):
    """One thing that happened. Rows are only ever added; the database refuses anything else."""

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
    """insert, update, delete; else what was asked for: force, stop, sign-in."""
    entity: Mapped[str] = mapped_column(String(40))
    """What kind of thing it was done to."""
    entity_id: Mapped[str] = mapped_column(String(255))
    project: Mapped[str] = mapped_column(String(40))
    """Empty: it concerns the site."""
    summary: Mapped[str] = mapped_column(Text)
    """The thing, or what happened, for people."""
    old: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    new: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    previous: Mapped[str] = mapped_column(String(64), unique=True)
    """The hash of the row before; 64 zeros in the first."""
    hash: Mapped[str] = mapped_column(String(64), unique=True)


def _unnamed(_row: Any) -> str:
    return ""


def _always(_row: Any, _actor: str) -> bool:
    return True


@dataclass(frozen=True)
class Trail:
    """What the trail keeps of a class. A column that is named nowhere is kept."""

    entity: str
    """What people call a row: run, release."""
    project: Callable[[Any], str] = _unnamed
    """Returns a row's project."""
    summary: Callable[[Any], str] = _unnamed
    """Returns a row as people know it; empty: the entity and its key."""
    secret: tuple[str, ...] = ()
    """Columns whose values are never written; that they changed is."""
    silent: tuple[str, ...] = ()
    """Columns that the trail knows nothing of."""
    by_people: tuple[str, ...] = ()
    """Columns whose changes count only when a person made them."""
    counts: Callable[[Any, str], bool] = _always
    """Tells of a row and an actor whether the change belongs in the trail at all."""


class Audited:
    """Mixin: every change of a row leaves a row in the audit trail. See the module."""

    __trail__: ClassVar[Trail]
    __kept__: ClassVar[tuple[str, ...]]
    """The attributes that the trail knows of."""

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
    # Not column_attrs: that configures all mappers, while classes are still being made.
    columns = mapper.columns.keys()
    unknown = {*trail.secret, *trail.silent, *trail.by_people} - set(columns)
    if unknown:
        raise TypeError(f"{cls.__name__}.__trail__ names {', '.join(sorted(unknown))}: no column")
    bare = {name for name in columns if _LIKE_A_SECRET.search(name)}
    bare -= {*trail.secret, *trail.silent}
    if bare:
        told = ", ".join(sorted(bare))
        msg = f"{cls.__name__}.__trail__ must name {told} as secret or silent: it reads as a secret"
        raise TypeError(msg)
    cls.__kept__ = tuple(name for name in columns if name not in trail.silent)
    for name in cls.__kept__:
        # Also of a row that was expired: the old value is loaded before the new one is set.
        event.listen(getattr(cls, name), "set", _keep_old, active_history=True)
    event.listen(cls, "before_insert", _check_values)
    event.listen(cls, "before_update", _check_values)
    event.listen(cls, "before_delete", _load_all)
    event.listen(cls, "after_insert", _inserted)
    event.listen(cls, "after_update", _updated)
    event.listen(cls, "after_delete", _deleted)


def _keep_old(row: Any, value: Any, old: Any, initiator: Any) -> None:
    """Do nothing: that it listens with `active_history` is what it is for."""


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
    """Keep a change for the end of the flush."""
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
    """Return who acts in a session's transaction."""
    return str(session.info.get("actor") or MACHINE)


def _without(names: tuple[str, ...], values: dict[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (values or {}).items() if name not in names}


def _hide(names: tuple[str, ...], values: dict[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {name: HIDDEN if name in names else value for name, value in values.items()}
