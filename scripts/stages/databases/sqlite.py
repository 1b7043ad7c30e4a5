"""Fill the SQLite seed, fast and reproducibly."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NoReturn

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.stages.databases.fixtures.reader import (
    Fixture,
    Script,
    line_of,
    read_script,
    where,
)
from slipway.scripts.stages.databases.rows import Rows
from slipway.scripts.stages.databases.tables import cannot_make, quoted

__all__ = ["ROWS", "SqliteSeed", "broken_key"]

#: Rows per INSERT: fewer calls from Python into SQLite.
ROWS = 16
_MOST_VARIABLES = 999
#: Bytes of SQLite's file header that hold the version of the library that last wrote it.
_WRITER = slice(96, 100)


class SqliteSeed:
    """A SQLite database that is being filled."""

    def __init__(self, path: Path, ddl: Sequence[str] = ()) -> None:
        self._path = path
        self._db = sqlite3.connect(path, isolation_level=None)
        # A journal, in memory, allows a rollback to find a bad row; secure_delete overwrites stale
        # bytes.
        for pragma in (
            "journal_mode=MEMORY",
            "synchronous=OFF",
            "locking_mode=EXCLUSIVE",
            "secure_delete=ON",
            "foreign_keys=OFF",
        ):
            self._db.execute(f"PRAGMA {pragma}")
        for statement in ddl:
            try:
                self._db.execute(statement)
            except sqlite3.Error as error:
                raise StageFailed(cannot_make("SQLite", str(error), statement)) from None
        self._db.execute("BEGIN")
        self._indexes = self._detach_indexes()

    def _detach_indexes(self) -> list[str]:
        """Drop non-unique indexes, which are cheaper to create after loading; return their SQL.

        Unique indexes stay, because they must check each row.
        """
        found = self._db.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
            "AND sql NOT LIKE 'CREATE UNIQUE%' ORDER BY name"
        ).fetchall()
        for name, _ in found:
            self._db.execute(f"DROP INDEX {quoted(name)}")
        return [sql for _, sql in found]

    def write(self, fixture: Fixture, rows: Rows) -> None:
        """Insert a batch.

        Raises:
            WrongInput: A row breaks a constraint.
        """
        names = ", ".join(map(quoted, rows.names))
        into = f"INSERT INTO {quoted(fixture.table.name)} ({names}) VALUES "  # noqa: S608
        one = f"({', '.join('?' * len(rows.names))})"
        count = max(1, min(ROWS, _MOST_VARIABLES // len(rows.names)))
        whole = rows.batch.size // count * count
        self._db.execute("SAVEPOINT batch")
        try:
            flat = chain.from_iterable(islice(zip(*rows.values, strict=True), whole))
            chunks = zip(*[flat] * (count * len(rows.names)), strict=False)
            self._db.executemany(into + ", ".join([one] * count), chunks)
            rest = islice(zip(*rows.values, strict=True), whole, None)
            self._db.executemany(into + one, rest)
        except (sqlite3.Error, OverflowError):
            self._db.execute("ROLLBACK TO batch")
            self._find_bad(into + one, fixture, rows)
        self._db.execute("RELEASE batch")

    def _find_bad(self, insert: str, fixture: Fixture, rows: Rows) -> NoReturn:
        """Insert row by row to find the bad one.

        Raises:
            StageFailed: Each row alone is accepted.
            WrongInput: A row breaks a constraint.
        """
        for offset, row in enumerate(zip(*rows.values, strict=True)):
            try:
                self._db.execute(insert, row)
            except (sqlite3.Error, OverflowError) as error:
                line = line_of(fixture, rows.batch.first + offset)
                reason = _constraint_sentence(str(error), dict(zip(rows.names, row, strict=True)))
                msg = f"{fixture.shown}:{line}: {reason}"
                raise WrongInput(msg) from None
        msg = f"{fixture.shown}: SQLite refuses rows after line {rows.batch.line}, none alone"
        raise StageFailed(msg)

    def run_script(self, script: Script) -> None:
        """Execute a file with SQL.

        Raises:
            WrongInput: A statement fails.
        """
        statement, begun = "", 1
        for line, text in enumerate(read_script(script).splitlines(keepends=True), 1):
            if not statement.strip():
                statement, begun = "", line
            statement += text
            if not sqlite3.complete_statement(statement):
                continue
            self._execute(script, statement, begun)
            statement = ""
        if statement.strip():
            self._execute(script, statement, begun)

    def _execute(self, script: Script, statement: str, line: int) -> None:
        try:
            self._db.execute(statement)
        except (sqlite3.Error, sqlite3.Warning) as error:
            msg = f"{script.shown}:{line}: SQLite says: {error}"
            raise WrongInput(msg) from None

    def attach(self) -> None:
        """Recreate the indexes and commit."""
        for statement in self._indexes:
            self._db.execute(statement)
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def check_foreign_keys(self, fixtures: Sequence[Fixture]) -> None:
        """Check all foreign keys.

        Raises:
            StageFailed: SQLite cannot check them.
            WrongInput: A row refers to a missing one.
        """
        try:
            broken = self._db.execute("PRAGMA foreign_key_check").fetchone()
        except sqlite3.Error as error:
            msg = f"a foreign key of the models cannot be checked, SQLite says: {error}"
            raise StageFailed(msg) from None
        if broken is None:
            return
        table, row, parent, number = broken
        keys = [
            (key[3], key[4])
            for key in self._db.execute(f"PRAGMA foreign_key_list({quoted(table)})")
            if key[0] == number
        ]
        columns = ", ".join(quoted(name) for name, _ in keys)
        select = f"SELECT {columns} FROM {quoted(table)} WHERE rowid = ?"  # noqa: S608
        values = self._db.execute(select, (row,)).fetchone() if row is not None else ()
        wanted = dict(zip((name for name, _ in keys), values, strict=False))
        raise WrongInput(broken_key(fixtures, table, wanted, parent))

    def count(self) -> dict[str, int]:
        """Return the row count of each table."""
        names = self._db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
            "ESCAPE '\\' ORDER BY name"
        ).fetchall()
        count = "SELECT count(*) FROM "
        return {name: self._db.execute(count + quoted(name)).fetchone()[0] for (name,) in names}

    def finish(self, target: Path) -> None:
        """Write the seed: compact, verified and independent of this machine. Closes the database.

        Raises:
            StageFailed: SQLite's integrity check failed.
        """
        found = self._db.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            msg = f"SQLite's integrity_check of the seed says: {found}; look at its constraints"
            raise StageFailed(msg)
        self._db.execute("VACUUM INTO ?", (str(target),))
        with target.open("r+b") as stream:
            stream.seek(_WRITER.start)
            stream.write(bytes(_WRITER.stop - _WRITER.start))
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def broken_key(fixtures: Sequence[Fixture], table: str, wanted: dict[str, Any], parent: str) -> str:
    """Return the error sentence for a row that refers to a missing one."""
    texts = {name: "" if value is None else value for name, value in wanted.items()}
    row = ", ".join(f'{name} "{value}"' for name, value in texts.items()) or "a row"
    for fixture in fixtures:
        if table in {fixture.table.name, fixture.table.full_name} and texts:
            line = where(fixture, texts)
            if line is not None:
                place = f"{fixture.shown}:{line}"
                break
    else:
        place = f'table "{table}"'
    return f'{place}: {row} is not in table "{parent}"; add that row there or mend this one'


def _constraint_sentence(error: str, row: dict[str, Any]) -> str:
    """Convert SQLite's constraint error into a sentence with the value."""
    reason, _, what = error.partition(" constraint failed: ")
    names = [name.rpartition(".")[2] for name in what.split(", ")]
    values = ", ".join(f'{name} "{row[name]}"' for name in names if name in row)
    if reason == "UNIQUE":
        return f"{values or what} is there already; it must be unique"
    if reason == "CHECK":
        return f'the row breaks the models\' check "{what}"'
    if reason == "NOT NULL":
        return f'column "{names[0]}" must not be NULL'
    return f"SQLite says: {error}"
