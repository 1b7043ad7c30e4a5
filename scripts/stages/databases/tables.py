"""Model the tables of an application, as its models or migrations create them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

__all__ = [
    "Column",
    "Table",
    "cannot_make",
    "did_you_mean",
    "loading_order",
    "quoted",
    "read_tables",
]

_LONGEST_STATEMENT = 300


@dataclass(frozen=True)
class Column:
    """A column, with the properties that determine how its values are written."""

    name: str
    kind: str
    nullable: bool = True
    primary_key: bool = False
    default: bool = False
    """True: the database has a default for it."""
    autoincrement: bool = False
    computed: bool = False
    decorated: bool = False
    """True: a TypeDecorator wraps it, and fixtures hold the stored form."""
    sequence: str | None = None
    bits: int = 64
    length: int | None = None
    scale: int | None = None
    timezone: bool = False
    values: tuple[str, ...] = ()
    native: bool = True
    """True: PostgreSQL uses its own type for it (enum, uuid)."""
    storage: str | None = None
    """SQLAlchemy's storage format in SQLite, if it differs from the default."""

    @property
    def required(self) -> bool:
        """True: a fixture must provide a value."""
        return not (self.nullable or self.default or self.autoincrement or self.computed)


@dataclass(frozen=True)
class Table:
    """A table, with the names of the tables it refers to."""

    name: str
    schema: str | None
    columns: tuple[Column, ...]
    references: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """The name, qualified with its schema if it has one."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def column(self, name: str) -> Column | None:
        """Return the column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)


def read_tables(described: Iterable[Mapping[str, Any]]) -> dict[str, Table]:
    """Build tables, by full name, from the guest's answer."""
    tables = [
        Table(
            name=table["name"],
            schema=table["schema"],
            columns=tuple(_read_column(column) for column in table["columns"]),
            references=tuple(table["references"]),
        )
        for table in described
    ]
    return {table.full_name: table for table in tables}


def _read_column(described: Mapping[str, Any]) -> Column:
    facts = {**described, "values": tuple(described.get("values", ()))}
    return Column(**facts)


def loading_order(tables: Mapping[str, Table]) -> list[str]:
    """Return the tables' names, referenced ones first; references that close a cycle are cut."""
    graph = {
        name: [other for other in table.references if other != name and other in tables]
        for name, table in sorted(tables.items())
    }
    while True:
        try:
            return list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            circle = error.args[1]
            graph[circle[1]].remove(circle[0])


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return a hint for an unknown word: the closest known one, or all."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"there {'is' if len(known) == 1 else 'are'} {', '.join(known) or 'none'}"


def quoted(*names: str | None) -> str:
    """Return a quoted SQL identifier."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names if name)


def cannot_make(database: str, reason: str, statement: str) -> str:
    """Return the sentence that a database refuses a statement of the models."""
    shown = " ".join(statement.split())
    if len(shown) > _LONGEST_STATEMENT:
        shown = f"{shown[:_LONGEST_STATEMENT]}..."
    return (
        f"the models cannot be made in {database}: {' '.join(reason.split())}, by: {shown}; if it "
        "cannot have that, take it out of the stage's targets"
    )
