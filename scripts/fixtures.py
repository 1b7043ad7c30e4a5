"""Fixture files: which there are, and their rows, chunk by chunk, so that memory stays flat."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.model.errors import WrongInput
from slipway.scripts import fixtures_csv, fixtures_json, fixtures_yaml
from slipway.scripts.fixtures_csv import Batch
from slipway.scripts.seed_tables import Table, did_you_mean

__all__ = [
    "KINDS",
    "Batch",
    "Fixture",
    "Script",
    "find",
    "line_of",
    "match",
    "read",
    "read_script",
    "where",
]

KINDS = (".csv", ".jsonl", ".sql", ".yaml", ".yml")
_PREFIX = re.compile(r"\d+[_-]+")
_READERS = {
    ".csv": fixtures_csv,
    ".jsonl": fixtures_json,
    ".yaml": fixtures_yaml,
    ".yml": fixtures_yaml,
}


@dataclass(frozen=True)
class Fixture:
    """A file with rows for one table."""

    path: Path
    shown: str
    """The file as the settings name it: what error sentences begin with."""
    table: Table


@dataclass(frozen=True)
class Script:
    """A file with SQL."""

    path: Path
    shown: str
    dialect: str | None
    """The only database it is for: "x.sqlite.sql", "x.postgresql.sql". None: every one."""


def find(source: Path, patterns: Sequence[str]) -> list[Path]:
    """Return the files that the patterns name, each once, sorted within a pattern.

    Raises:
        WrongInput: A pattern names nothing, leaves the project, or names what is no fixture.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            msg = f'fixtures: "{pattern}" leaves the project; name files relative to it'
            raise WrongInput(msg)
        files = sorted(path for path in source.glob(pattern) if path.is_file())
        if not files:
            msg = (
                f'fixtures: no file matches "{pattern}" in {source}; '
                'add one or correct the pattern, such as "seed/*.csv"'
            )
            raise WrongInput(msg)
        found |= dict.fromkeys(files)
    for path in found:
        _check_file(path, _shown(path, source))
    return list(found)


def _shown(path: Path, source: Path) -> str:
    return path.relative_to(source).as_posix()


def _check_file(path: Path, shown: str) -> None:
    if path.suffix not in KINDS:
        msg = f'{shown}: "{path.suffix}" is no kind of fixture; there are {", ".join(KINDS)}'
        raise WrongInput(msg)
    if path.stat().st_size == 0:
        msg = f"{shown}: the file is empty; fill it or take it out of the fixtures"
        raise WrongInput(msg)


def match(
    paths: Iterable[Path], source: Path, tables: Mapping[str, Table]
) -> tuple[list[Fixture], list[Script]]:
    """Find each file's table.

    Raises:
        WrongInput: A file is named like no table.
    """
    fixtures: list[Fixture] = []
    scripts: list[Script] = []
    for path in paths:
        shown = _shown(path, source)
        if path.suffix == ".sql":
            last = path.stem.rpartition(".")[2]
            dialect = last if last in {"sqlite", "postgresql"} else None
            scripts.append(Script(path, shown, dialect))
        else:
            fixtures.append(Fixture(path, shown, _table_of(path.stem, shown, tables)))
    return fixtures, scripts


def _table_of(stem: str, shown: str, tables: Mapping[str, Table]) -> Table:
    for name in (stem, _PREFIX.sub("", stem, count=1)):
        if name in tables:
            return tables[name]
        named = [table for table in tables.values() if table.name == name]
        if len(named) == 1:
            return named[0]
    name = _PREFIX.sub("", stem, count=1)
    msg = f'{shown}: there is no table "{name}"; {did_you_mean(name, sorted(tables))}'
    raise WrongInput(msg)


def read(fixture: Fixture, *, parse: bool = True) -> Iterator[Batch]:
    """Read a file's rows.

    Args:
        fixture: The file.
        parse: False: the bytes of CSV will do where PostgreSQL can judge them alone.

    Raises:
        WrongInput: The file cannot be read as what its name says.
    """
    if fixture.path.suffix == ".csv":
        return fixtures_csv.read(fixture.path, fixture.shown, parse=parse)
    batches: Iterator[Batch] = _READERS[fixture.path.suffix].read(fixture.path, fixture.shown)
    return batches


def read_script(script: Script) -> str:
    """Return a file's SQL.

    Raises:
        WrongInput: It is not UTF-8.
    """
    content = script.path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        msg = f"{script.shown}:{at}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"
        raise WrongInput(msg) from None


def line_of(fixture: Fixture, record: int) -> int:
    """Return the line a record begins on; records are counted from 0."""
    line: int = _READERS[fixture.path.suffix].line_of(fixture.path, record)
    return line


def where(fixture: Fixture, wanted: Mapping[str, Any]) -> int | None:
    """Return the first line whose record holds these texts."""
    names, texts = list(wanted), [str(value) for value in wanted.values()]
    for batch in read(fixture):
        if not set(names) <= set(batch.names):
            continue
        columns = [batch.columns[batch.names.index(name)] for name in names]
        for offset, values in enumerate(zip(*columns, strict=True)):
            if [str(value) for value in values] == texts:
                return line_of(fixture, batch.first + offset)
    return None
