"""Hash chain of the audit trail: each row holds the hash of the previous one.

A row's hash is the SHA-256 of its content and the previous hash, as JSON with sorted keys, without
blanks, ASCII only. One transaction at a time appends: on SQLite because of its write lock, on
PostgreSQL because of an advisory lock; a unique constraint on the previous hash is the last guard.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, String, func, insert, select
from sqlalchemy.orm import Session

from slipway.ledger.audit.recording import AuditRow, actor_of

__all__ = ["GENESIS", "append", "head", "lock", "lock_for_write", "note", "row_hash"]

#: The previous hash of the first row.
GENESIS = "0" * 64
#: PostgreSQL's advisory locks are 64-bit numbers shared by the whole database.
_LOCK = int.from_bytes(b"slipaudt")
_CONTENT = tuple(one.name for one in AuditRow.__table__.columns if one.name != "hash")
_LENGTHS: dict[str, int] = {
    one.name: one.type.length
    for one in AuditRow.__table__.columns
    if isinstance(one.type, String) and one.type.length
}
_LONGEST_SUMMARY = 1000


def row_hash(row: Mapping[str, Any]) -> str:
    """Return the hash of a row's content, including the previous hash."""
    content = {name: row[name] for name in _CONTENT}
    return hashlib.sha256(_canonical(content).encode("ascii")).hexdigest()


def _canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)


def head(session: Session) -> str:
    """Return the hash of the newest row; 64 zeros if there is none."""
    return _head(session.connection())[1]


def _head(connection: Connection) -> tuple[int, str]:
    newest = select(AuditRow.id, AuditRow.hash).order_by(AuditRow.id.desc()).limit(1)
    found = connection.execute(newest).first()
    return (found.id, found.hash) if found else (0, GENESIS)


def lock_for_write(session: Session) -> None:
    """Block all other writers of the ledger until this transaction ends.

    A LedgerSession does this before its first flush. Code that locks rows before it flushes must
    call this first: two transactions that take the two locks in different order would deadlock.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        if not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        lock(connection)


def lock(connection: Connection) -> None:
    """Wait for PostgreSQL's advisory lock of the ledger and hold it until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def append(session: Session, entries: Iterable[Mapping[str, Any]]) -> None:
    """Append entries to the audit trail, in the session's own transaction.

    Args:
        session: The session; its `info["actor"]` is the actor.
        entries: Each with action, entity, entity_id, project, summary, old and new.
    """
    lock_for_write(session)
    connection = session.connection()
    number, last = _head(connection)
    actor, now = actor_of(session), time.time()
    rows = []
    for entry in entries:
        number += 1
        row = {"id": number, "at": now, "previous": last, **_storable(entry, actor)}
        last = row["hash"] = row_hash(row)
        rows.append(row)
    connection.execute(insert(AuditRow.__table__), rows)  # type: ignore[arg-type]


def _storable(entry: Mapping[str, Any], actor: str) -> dict[str, Any]:
    """Normalise an entry to the form in which both databases return it, so that hashes match."""
    texts = {name: value for name, value in entry.items() if name not in {"old", "new"}}
    row: dict[str, Any] = {
        name: _text(value, _LENGTHS.get(name, _LONGEST_SUMMARY))
        for name, value in {**texts, "actor": actor}.items()
    }
    for name in ("old", "new"):
        value = entry.get(name)
        row[name] = None if value is None else _json(value)
    return row


def _json(value: Mapping[str, Any]) -> Any:
    # JSON has no NaN and no infinity; they become text, as do all types that JSON lacks.
    def constant(name: str) -> str:
        return name

    return json.loads(json.dumps(value, default=str), parse_constant=constant)


def _text(value: Any, longest: int) -> str:
    """Return printable, limited text that terminals and both databases accept."""
    seen = str(value).encode("utf-8", "replace").decode("utf-8")
    plain = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in seen)
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def note(
    session: Session,
    action: str,
    entity: str,
    entity_id: object = "",
    *,
    project: str = "",
    summary: str = "",
    facts: Mapping[str, Any] | None = None,
    before: Mapping[str, Any] | None = None,
) -> None:
    """Record an event that changes no row: a refused action, a sign-in.

    Args:
        session: A LedgerSession; its `info["actor"]` is the actor.
        action: The action, one word: stop, sign-in.
        entity: The kind of the object.
        entity_id: The object's id.
        project: The object's project. Empty: the site.
        summary: The event, for people.
        facts: Further facts to record. No secrets: rows are never deleted.
        before: The facts before it, if the event is an edit.
    """
    session.flush()
    entry = {
        "action": action,
        "entity": entity,
        "entity_id": entity_id,
        "project": project,
        "summary": summary or f"{entity} {entity_id}".strip(),
        "old": before,
        "new": facts,
    }
    append(session, [entry])
