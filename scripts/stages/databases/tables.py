"""The tables of an application, as its models or its migrations make them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any


@dataclass(frozen=True)
class Column:
    """A column, and what decides how its values are written."""

    name: str
    kind: str
    nullable: bool = True
    primary_key: bool = False
    default: bool = False
    """The database itself fills it in when it is left out."""
    autoincrement: bool = False
    computed: bool = False
    decorated: bool = False
    """A TypeDecorator wraps it: fixtures hold the stored form."""
    sequence: str | None = None
    bits: int = 64
    length: int | None = None
    scale: int | None = None
    timezone: bool = False
    values: tuple[str, ...] = ()
    native: bool = True
    """PostgreSQL has a type of its own for it (enum, uuid)."""
    storage: str | None = None
    """SQLAlchemy's storage format in SQLite, where it is not the usual one."""

    @property
    def required(self) -> bool:
        """Whether a fixture must give it."""
        return not (self.nullable or self.default or self.autoincrement or self.computed)


@dataclass(frozen=True)
class Table:
    """A table and the tables it refers to."""

    name: str
    schema: str | None
    columns: tuple[Column, ...]
    references: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """The name with its schema, if it has one of its own."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def column(self, name: str) -> Column | None:
        """Return the column of that name."""
        return next((column for column in self.columns if column.name == name), None)


def read_tables(described: Iterable[Mapping[str, Any]]) -> dict[str, Table]:
    """Return tables by full name from what the guest said."""
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
    """Return the tables' names, those referred to first; circles are cut where they close."""
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
    """Return a hint for a word nobody knows."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"there {'is' if len(known) == 1 else 'are'} {', '.join(known) or 'none'}"


def quoted(*names: str | None) -> str:
    """Return an SQL identifier, its parts quoted."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names if name)
