"""Read-only queries of the audit trail: list rows, verify the chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, inspect, select
from sqlalchemy.orm import Session

from slipway.ledger.audit.chain import GENESIS, row_hash
from slipway.ledger.audit.recording import AuditRow
from slipway.ledger.tables.runs import Release, Run
from slipway.model.records.audit import AuditEntry, Verdict

__all__ = ["has_trail", "list_audit", "newest", "verify"]

_BATCH = 1000


def list_audit(
    engine: Engine,
    *,
    project: str | None = None,
    actor: str | None = None,
    since: float | None = None,
    limit: int = 20,
) -> list[AuditEntry]:
    """Return the newest entries, newest first; none if the ledger has no trail."""
    if not has_trail(engine):
        return []
    with engine.connect() as connection:
        return newest(connection, limit, since=since, project=project, actor=actor)


def newest(
    connection: Connection | Session,
    limit: int,
    *,
    since: float | None = None,
    before: int | None = None,
    **equal: str | None,
) -> list[AuditEntry]:
    """Return the newest entries, newest first.

    Args:
        connection: A connection to the ledger, or a session on it.
        limit: Maximum number of entries.
        since: Only entries from this time on, in seconds since 1970.
        before: Only entries with a smaller id.
        equal: Only entries with these values of columns. None: any.
    """
    trail = AuditRow.__table__
    columns = trail.c
    query = select(trail).order_by(columns.id.desc()).limit(limit)
    for name, value in equal.items():
        if value is not None:
            query = query.where(columns[name] == value)
    if since is not None:
        query = query.where(columns.at >= since)
    if before is not None:
        query = query.where(columns.id < before)
    return [AuditEntry(**row) for row in connection.execute(query).mappings()]


def has_trail(engine: Engine) -> bool:
    """Return whether this ledger has an audit trail; ledgers of older versions have none."""
    return inspect(engine).has_table(AuditRow.__tablename__)


def verify(engine: Engine, anchors: Mapping[str, str] | None = None) -> Verdict:
    """Verify the whole chain, in batches of rows.

    Args:
        engine: The ledger.
        anchors: Hashes that must be in the chain, each with its source. The anchors of the ledger's
            own releases are always verified.
    """
    inside = inspect(engine)
    if not inside.has_table(AuditRow.__tablename__):
        # One migration created both the trail's table and this column.
        made = {one["name"] for one in inside.get_columns(Release.__tablename__)}
        if "audit_head" in made:
            missing = f"the table {AuditRow.__tablename__} is missing"
            return Verdict(rows=0, head=GENESIS, anchors=0, problem=missing)
        return _conclude(0, GENESIS, dict(anchors or {}), set())
    with engine.connect() as connection:
        wanted = {**_own_anchors(connection), **(anchors or {})}
        return _walk(connection, wanted)


def _own_anchors(connection: Connection) -> dict[str, str]:
    query = (
        select(Release.audit_head, Run.project, Release.version)
        .join(Run, Run.id == Release.run_id)
        .where(Release.audit_head.is_not(None))
        .order_by(Release.id)
    )
    return {str(row[0]): f"release {row[1]} {row[2]}" for row in connection.execute(query)}


def _walk(connection: Connection, wanted: dict[str, str]) -> Verdict:
    number, last, found = 0, GENESIS, wanted.keys() & {GENESIS}
    for row in _rows(connection):
        problem = _problem(row, number, last)
        if problem:
            return Verdict(rows=number, head=last, anchors=len(found), problem=problem)
        number, last = row["id"], row["hash"]
        if last in wanted:
            found.add(last)
    return _conclude(number, last, wanted, found)


def _rows(connection: Connection) -> Iterator[Mapping[str, Any]]:
    stream = connection.execution_options(yield_per=_BATCH)
    with stream.execute(select(AuditRow.__table__).order_by(AuditRow.id)) as found:
        yield from (row._asdict() for row in found)


def _problem(row: Mapping[str, Any], number: int, last: str) -> str:
    """Return the problem of a row in relation to the previous one; empty if there is none."""
    if row["id"] != number + 1:
        gone = (
            f"row {number + 1} is"
            if row["id"] == number + 2
            else (f"rows {number + 1} to {row['id'] - 1} are")
        )
        return f"{gone} missing from the audit trail"
    when = datetime.fromtimestamp(row["at"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    it = f"row {row['id']} of the audit trail ({when}, {row['actor']}: {row['summary']})"
    if row_hash(row) != row["hash"]:
        return f"{it} was altered: its content does not give its hash"
    if row["previous"] != last:
        before = f"row {number}" if number else "the beginning"
        return f"{it} does not follow {before}: rows were removed, inserted or changed places"
    return ""


def _conclude(number: int, last: str, wanted: dict[str, str], found: set[str]) -> Verdict:
    problem = ""
    for anchor, holder in wanted.items():
        if anchor not in found:
            missing = f"the audit trail's {number} rows do not hold {anchor}, which {holder} saw"
            problem = f"{missing}: its end was cut off, or it was written anew"
            break
    return Verdict(rows=number, head=last, anchors=len(found), problem=problem)
