"""The audit trail: what it adds to a transaction, and how fast the whole chain is checked.

The same transaction is done on a table without a trail and on one with it. Then many rows are
appended, and the whole chain is checked. SQLite in a file, with a write-ahead log as in the master.

Run it: make bench, or python bench/audit.py [ROUNDS] [ROWS].
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, Float, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from slipway.ledger.audit import chain
from slipway.ledger.audit.queries import verify
from slipway.ledger.audit.recording import Audited, Trail
from slipway.ledger.database.migrate import upgrade
from slipway.ledger.database.session import LedgerSession

_COLUMNS = ("branch", "revision", "version", "subject", "author", "owner", "reason")


class Base(DeclarativeBase):
    """Tables of this bench alone."""


class _Row:
    id: Mapped[int] = mapped_column(primary_key=True)
    branch: Mapped[str] = mapped_column(String(255))
    revision: Mapped[str] = mapped_column(String(255))
    version: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    author: Mapped[str] = mapped_column(String(255))
    owner: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(String(255))
    started_at: Mapped[float] = mapped_column(Float)


class Plain(_Row, Base):
    """A row that nobody watches."""

    __tablename__ = "bench_plain"


class Watched(_Row, Audited, Base):
    """The same, in the trail."""

    __tablename__ = "bench_watched"
    __trail__ = Trail("bench", project=lambda row: str(row.branch))


def insert_one(engine: Engine, kind: type[_Row], session: type[Session]) -> Callable[[], None]:
    """Return a transaction that inserts one row."""

    def work() -> None:
        with session(engine) as opened:
            row = kind()
            for name in _COLUMNS:
                setattr(row, name, "some text")
            row.started_at = time.time()
            opened.add(row)
            opened.commit()

    return work


def update_one(engine: Engine, kind: type[_Row], session: type[Session]) -> Callable[[], None]:
    """Return a transaction that reads a row and changes it."""

    def work() -> None:
        with session(engine) as opened:
            row = opened.get_one(kind, 1)
            row.reason = str(time.time())
            opened.commit()

    return work


def measure(work: Callable[[], None], rounds: int) -> float:
    """Return the median of the milliseconds a call takes."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times)


def fill(engine: Engine, rows: int, together: int = 1000) -> float:
    """Append rows to the trail, many in a transaction; return the seconds."""
    begin = time.perf_counter()
    with LedgerSession(engine) as session:
        for start in range(0, rows, together):
            entries = [
                {
                    "action": "update",
                    "entity": "stage",
                    "entity_id": number,
                    "project": "almanac",
                    "summary": f"tests of run {number}, attempt 1",
                    "old": {"state": "gate", "owner": ""},
                    "new": {"state": "queued", "owner": "ann"},
                }
                for number in range(start, start + together)
            ]
            chain.append(session, entries)
            session.commit()
    return time.perf_counter() - begin


def main() -> None:
    """Measure, and print the tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000  # noqa: PLR2004
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'state.sqlite'}")
        with engine.connect() as kept:
            kept.exec_driver_sql("pragma journal_mode = wal")
            kept.commit()
            upgrade(engine)
            Base.metadata.create_all(engine)
            table = Table("transaction", "plain, ms", "audited, ms", "more, ms")
            for name, make in (("insert a row", insert_one), ("change a row", update_one)):
                plain = measure(make(engine, Plain, Session), rounds)
                watched = measure(make(engine, Watched, LedgerSession), rounds)
                table.add_row(name, f"{plain:.2f}", f"{watched:.2f}", f"{watched - plain:.2f}")
            console.print(table)
            took = fill(engine, rows)
            begin = time.perf_counter()
            verdict = verify(engine)
            verified = time.perf_counter() - begin
            table = Table("trail", "rows a second")
            table.add_row("append, 1000 in a transaction", f"{rows / took:,.0f}")
            table.add_row(f"verify {verdict.rows:,} rows", f"{verdict.rows / verified:,.0f}")
            console.print(table)
        engine.dispose()
    sys.exit(1 if verdict.problem else 0)


if __name__ == "__main__":
    main()
