"""Fill the PostgreSQL seed by COPY, with the raw bytes of CSV where the types allow it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import psycopg
from psycopg import sql

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.stages.databases.fixtures.reader import Fixture, Script, line_of, read_script
from slipway.scripts.stages.databases.postgresql_catalogue import (
    attach,
    count_rows,
    detach,
    set_sequences,
)
from slipway.scripts.stages.databases.rows import Rows
from slipway.scripts.stages.databases.sqlite import broken_key
from slipway.scripts.stages.databases.tables import Table, cannot_make
from slipway.scripts.stages.databases.text_values import allowed, shown

__all__ = ["Connection", "PostgresqlSeed"]

Connection = psycopg.Connection[tuple[Any, ...]]
_AT = re.compile(r'COPY .*?, line (\d+)(?:, column (.+?)(?:: "(.*)"|: null input)?)?$', re.DOTALL)
_KEY = re.compile(r"Key \((.*)\)=\((.*)\)")


@dataclass(frozen=True)
class _Segment:
    """One COPY, with the place in the file where it began."""

    names: tuple[str, ...]
    raw: bool
    first: int
    line: int


class PostgresqlSeed:
    """A PostgreSQL database that is being filled, in one transaction until `attach`."""

    def __init__(
        self, parameters: dict[str, Any], ddl: Sequence[str], tables: Sequence[Table]
    ) -> None:
        self._db: Connection = psycopg.connect(**parameters)
        self._db.execute("SET datestyle = 'ISO, YMD'")
        self._db.execute("SET timezone = 'UTC'")
        schemas = sorted({table.schema for table in tables if table.schema})
        for schema in schemas if ddl else ():
            self._db.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        statement = ""
        try:
            for current in ddl:
                statement = current
                self._db.execute(current.encode())
        except psycopg.Error as error:
            reason = error.diag.message_primary or str(error)
            raise StageFailed(cannot_make("PostgreSQL", reason, statement)) from None
        self._detached = detach(self._db)
        self._tables = tables
        self._copying = _Copying(self._db)

    def write(self, fixture: Fixture, rows: Rows) -> None:
        """Send a batch.

        Raises:
            WrongInput: A row that was sent before is invalid.
        """
        raw = rows.batch.raw if not rows.texts else None
        self._copying.open(fixture, rows, raw=raw is not None)
        with self._copying.explained_errors():
            if raw is not None:
                self._copying.copy.write(raw)
            else:
                for row in zip(*rows.texts, strict=True):
                    self._copying.copy.write_row(row)

    def end_file(self) -> None:
        """Finish a file's COPY, so that the server reports errors in its last rows.

        Raises:
            WrongInput: A row is invalid.
        """
        self._copying.close()

    def attach(self, fixtures: Sequence[Fixture]) -> None:
        """Recreate indexes and foreign keys, and commit.

        Raises:
            StageFailed: PostgreSQL refuses another constraint.
            WrongInput: A row breaks a foreign key.
        """
        try:
            attach(self._db, self._detached)
        except psycopg.errors.ForeignKeyViolation as error:
            raise WrongInput(_broken_key_sentence(error, fixtures)) from None
        except psycopg.Error as error:
            msg = f"PostgreSQL refuses a constraint: {error.diag.message_primary or error}"
            raise StageFailed(msg) from None
        self._db.commit()

    def run_script(self, script: Script) -> None:
        """Execute a file with SQL, as one transaction.

        Raises:
            WrongInput: A statement fails.
        """
        text = read_script(script)
        try:
            self._db.execute(text.encode())
            self._db.commit()
        except psycopg.Error as error:
            position = int(error.diag.statement_position or 1)
            line = text.count("\n", 0, position - 1) + 1
            message = error.diag.message_primary or str(error)
            msg = f"{script.shown}:{line}: PostgreSQL says: {message}"
            raise WrongInput(msg) from None

    def finish(self) -> dict[str, int]:
        """Advance the sequences beyond the given ids, and return the row count of each table."""
        set_sequences(self._db, self._tables)
        self._db.commit()
        return count_rows(self._db)

    def close(self) -> None:
        """Close the connection; an open COPY is rolled back."""
        self._copying.abandon()
        self._db.close()


class _Copying:
    """The COPY that is currently open."""

    copy: psycopg.Copy

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._stack: contextlib.ExitStack | None = None
        self._segment: _Segment | None = None
        self._fixture: Fixture | None = None

    def open(self, fixture: Fixture, rows: Rows, *, raw: bool) -> None:
        """Begin a COPY, unless the open one takes these rows too."""
        segment = self._segment
        if (
            segment
            and self._fixture is fixture
            and (segment.names, segment.raw) == (rows.names, raw)
        ):
            return
        self.close()
        self._segment = _Segment(rows.names, raw, rows.batch.first, rows.batch.line)
        self._fixture = fixture
        table = fixture.table
        target = sql.Identifier(*([table.schema] if table.schema else []), table.name)
        columns = sql.SQL(", ").join(map(sql.Identifier, rows.names))
        form = "(FORMAT csv, NULL '', FORCE_NULL ({columns}))" if raw else "(FORMAT text)"
        statement = "COPY {target} ({columns}) FROM STDIN " + form
        self._stack = contextlib.ExitStack()
        query = sql.SQL(statement).format(target=target, columns=columns)
        cursor = self._stack.enter_context(self._db.cursor())
        with self.explained_errors():
            self.copy = self._stack.enter_context(cursor.copy(query))

    def close(self) -> None:
        """End the COPY.

        Raises:
            WrongInput: A row is invalid.
        """
        stack, self._stack = self._stack, None
        if stack is not None:
            with self.explained_errors():
                stack.close()
        self._segment = None

    def abandon(self) -> None:
        """Abort the open COPY, if any."""
        stack, self._stack = self._stack, None
        if stack is not None:
            reason = StageFailed("the stage ends")
            with contextlib.suppress(psycopg.Error, StageFailed):
                stack.__exit__(StageFailed, reason, None)

    @contextlib.contextmanager
    def explained_errors(self) -> Iterator[None]:
        """Convert errors of the server into a sentence with file and line.

        Raises:
            WrongInput: The server refused a row.
        """
        try:
            yield
        except psycopg.Error as error:
            self._refuse(error)

    def _refuse(self, error: psycopg.Error) -> NoReturn:
        fixture, segment = self._fixture, self._segment
        assert fixture is not None and segment is not None  # noqa: PT018, S101  a COPY was open
        place, column_name, value = _locate(error, fixture, segment)
        column = fixture.table.column(column_name) if column_name else None
        reason = error.diag.message_primary or str(error)
        if isinstance(error, psycopg.errors.UniqueViolation) and (
            key := _KEY.match(error.diag.message_detail or "")
        ):
            msg = f'{place}: {key[1]} "{key[2]}" is there already; it must be unique'
        elif isinstance(error, psycopg.errors.CheckViolation):
            msg = f'{place}: the row breaks the models\' check "{error.diag.constraint_name}"'
        elif isinstance(error, psycopg.errors.NotNullViolation):
            msg = f'{place}: column "{error.diag.column_name}" is empty, but must not be NULL'
        elif column is not None and value is not None:
            problem = f"{shown(value)} is not {allowed(column)}; {reason}"
            msg = f'{place}: column "{column.name}": {problem}'
        else:
            detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
            msg = f"{place}: PostgreSQL says: {reason}{detail}"
        raise WrongInput(msg) from None


def _locate(
    error: psycopg.Error, fixture: Fixture, segment: _Segment
) -> tuple[str, str | None, str | None]:
    """Return the place in the file, the column and the value that an error of the server names."""
    found = _AT.search((error.diag.context or "").split("\n")[0])
    if not found:
        return fixture.shown, None, None
    row = int(found[1]) - 1
    line = segment.line + row if segment.raw else line_of(fixture, segment.first + row)
    return f"{fixture.shown}:{line}", found[2], found[3]


def _broken_key_sentence(error: psycopg.Error, fixtures: Sequence[Fixture]) -> str:
    found = _KEY.match(error.diag.message_detail or "")
    parent = re.search(r'in table "(.*)"', error.diag.message_detail or "")
    if not found or not parent:
        return f"a foreign key is broken: {error.diag.message_detail or error}"
    wanted = dict(zip(found[1].split(", "), found[2].split(", "), strict=False))
    return broken_key(fixtures, error.diag.table_name or "", wanted, parent[1])
