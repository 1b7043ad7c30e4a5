"""Load each fixture once, into all databases."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping, Sequence

from slipway.model.errors import StageFailed
from slipway.scripts.report import Report
from slipway.scripts.stages.databases.fixtures.reader import Batch, Fixture, Script, read
from slipway.scripts.stages.databases.postgresql import PostgresqlSeed
from slipway.scripts.stages.databases.rows import Rows, check_columns, convert
from slipway.scripts.stages.databases.sqlite import SqliteSeed
from slipway.scripts.stages.databases.tables import Column, Table, loading_order
from slipway.scripts.stages.databases.text_values import judged, passes

__all__ = ["Loader", "check_counts"]

_PAUSE = 1.0


class Loader:
    """The loader of fixtures into the databases."""

    def __init__(
        self, sqlite: SqliteSeed | None, postgresql: PostgresqlSeed | None, report: Report
    ) -> None:
        self._sqlite = sqlite
        self._postgresql = postgresql
        self._report = report
        self._warned: set[str] = set()
        self._reported_at = time.monotonic()

    def load(
        self, fixtures: Sequence[Fixture], scripts: Sequence[Script], tables: Mapping[str, Table]
    ) -> None:
        """Load all files: tables in the order of their foreign keys, then the SQL.

        Raises:
            WrongInput: A fixture is invalid.
        """
        order = {name: number for number, name in enumerate(loading_order(tables))}
        ordered = sorted(fixtures, key=lambda fixture: order[fixture.table.full_name])
        # Rows have no reference cycles; the garbage collector would cost 10 % of the loading time.
        gc.disable()
        try:
            for fixture in ordered:
                self._load_file(fixture)
        finally:
            gc.enable()
        self._attach(ordered)
        for script in scripts:
            self._run(script)
        if self._sqlite is not None:
            self._sqlite.check_foreign_keys(ordered)

    def _load_file(self, fixture: Fixture) -> None:
        parse = self._sqlite is not None or any(map(judged, fixture.table.columns))
        names: tuple[str, ...] | None = None
        columns: tuple[Column, ...] = ()
        rows = 0
        for batch in read(fixture, parse=parse):
            if batch.names != names:
                names, columns = batch.names, check_columns(fixture, batch)
                self._warn(fixture, columns)
            self._write(fixture, batch, columns)
            rows += batch.size
            if time.monotonic() - self._reported_at > _PAUSE:
                self._report_progress(fixture, rows)
        if self._postgresql is not None:
            self._postgresql.end_file()
        if not rows:
            self._report.notice(f"{fixture.shown}: names columns but has no rows", "warning")
        self._report_progress(fixture, rows)

    def _warn(self, fixture: Fixture, columns: Sequence[Column]) -> None:
        """Warn once about each column whose TypeDecorator is not applied to fixtures."""
        for column in columns:
            place = f"{fixture.table.full_name}.{column.name}"
            if column.decorated and place not in self._warned:
                self._warned.add(place)
                self._report.notice(
                    f"{fixture.shown}: {place} has a TypeDecorator, which is not run for fixtures: "
                    "they must hold what the database is to hold",
                    "warning",
                )

    def _write(self, fixture: Fixture, batch: Batch, columns: Sequence[Column]) -> None:
        if not batch.columns:
            rows = Rows(batch.names, (), (), batch)
        else:
            direct = batch.raw is not None and all(map(passes, columns))
            need_texts = self._postgresql is not None and not direct
            rows = convert(fixture, batch, columns, need_texts=need_texts)
        # PostgreSQL first: its server parses in parallel while SQLite works here.
        if self._postgresql is not None:
            self._postgresql.write(fixture, rows)
        if self._sqlite is not None:
            self._sqlite.write(fixture, rows)

    def _report_progress(self, fixture: Fixture, rows: int) -> None:
        """Report the number of rows loaded from a file."""
        self._reported_at = time.monotonic()
        self._report.progress(f"{fixture.shown}: {rows:,} rows", done=rows)

    def _attach(self, fixtures: Sequence[Fixture]) -> None:
        if self._sqlite is not None:
            self._sqlite.attach()
            self._sqlite.check_foreign_keys(fixtures)
        if self._postgresql is not None:
            self._postgresql.attach(fixtures)

    def _run(self, script: Script) -> None:
        self._report.progress(f"running {script.shown}")
        if self._sqlite is not None and script.dialect != "postgresql":
            self._sqlite.run_script(script)
        if self._postgresql is not None and script.dialect != "sqlite":
            self._postgresql.run_script(script)


def check_counts(sqlite: Mapping[str, int], postgresql: Mapping[str, int]) -> None:
    """Compare the row counts of both databases.

    Raises:
        StageFailed: A table's counts differ.
    """
    for table in sorted(set(sqlite) & set(postgresql)):
        if sqlite[table] != postgresql[table]:
            msg = (
                f'table "{table}" has {sqlite[table]} rows in SQLite but {postgresql[table]} in '
                "PostgreSQL; look at the migrations and SQL fixtures that treat them differently"
            )
            raise StageFailed(msg)
