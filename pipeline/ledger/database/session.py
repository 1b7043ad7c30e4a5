"""Session that records changes of ledger rows in the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from sqlalchemy import TextClause, event, inspect
from sqlalchemy.orm import ORMExecuteState, Session

from slipway.ledger.audit.chain import append, lock_for_write
from slipway.ledger.audit.recording import PENDING, Audited, AuditError, AuditRow

__all__ = ["LedgerSession"]


class LedgerSession(Session):
    """Session that records changes and their actor in the same transaction.

    `info["actor"]` is the actor. Statements that would bypass the audit trail are refused.
    """

    def __init__(self, bind: Any = None, *, actor: str = "", **options: Any) -> None:
        super().__init__(bind, **options)
        self.info[PENDING] = []
        if actor:
            self.info["actor"] = actor
        for name, listener in _LISTENERS.items():
            event.listen(self, name, listener)

    def bulk_save_objects(self, *_: Any, **__: Any) -> NoReturn:
        """Raise AuditError: the method bypasses mapper events."""
        raise AuditError(_refusal("bulk_save_objects"))

    def bulk_insert_mappings(self, *_: Any, **__: Any) -> NoReturn:
        """Raise AuditError: the method bypasses mapper events."""
        raise AuditError(_refusal("bulk_insert_mappings"))

    def bulk_update_mappings(self, *_: Any, **__: Any) -> NoReturn:
        """Raise AuditError: the method bypasses mapper events."""
        raise AuditError(_refusal("bulk_update_mappings"))


def _refusal(what: str, table: str = "") -> str:
    of = f" of {table}" if table else ""
    return f"{what}{of} is refused: it would pass the audit trail by; change the rows one by one"


def _before_flush(session: Session, _context: Any, _instances: Any) -> None:
    lock_for_write(session)


def _after_flush(session: Session, _context: Any) -> None:
    pending, session.info[PENDING] = session.info[PENDING], []
    if pending:
        append(session, pending)


def _forget(session: Session, *_: Any) -> None:
    session.info[PENDING] = []


def _refuse_bulk(state: ORMExecuteState) -> None:
    statement: Any = state.statement
    if isinstance(statement, TextClause):
        if not statement.text.lstrip().lower().startswith("select"):
            raise AuditError(_refusal("a statement in text"))
    elif state.is_insert or state.is_update or state.is_delete:
        table = statement.table.name
        if table in _audited_tables():
            kind = "insert" if state.is_insert else "update" if state.is_update else "delete"
            raise AuditError(_refusal(f"a bulk {kind}", table))


def _audited_tables() -> set[str]:
    found = {AuditRow.__tablename__}
    for cls in _subclasses(Audited):
        mapper = inspect(cls, raiseerr=False)
        if mapper is not None:
            found |= {str(table.name) for table in mapper.tables}
    return found


def _subclasses(cls: type[Any]) -> set[type[Any]]:
    return {one for sub in cls.__subclasses__() for one in ({sub} | _subclasses(sub))}


_LISTENERS: dict[str, Callable[..., None]] = {
    "before_flush": _before_flush,
    "after_flush": _after_flush,
    "after_soft_rollback": _forget,
    "do_orm_execute": _refuse_bulk,
}
