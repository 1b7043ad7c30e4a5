"""Convert a fixture's batches for each database, and explain invalid values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from slipway.model.errors import WrongInput
from slipway.scripts.stages.databases.fixtures.reader import Batch, Fixture, line_of
from slipway.scripts.stages.databases.tables import Column, did_you_mean
from slipway.scripts.stages.databases.text_values import (
    allowed,
    as_text,
    check,
    for_postgresql,
    shown,
)
from slipway.scripts.stages.databases.values import converter

__all__ = ["BAD", "Rows", "check_columns", "convert", "explain", "refuse"]

BAD = (ValueError, KeyError, OverflowError)


@dataclass(frozen=True)
class Rows:
    """A validated and converted batch."""

    names: tuple[str, ...]
    values: Sequence[Sequence[Any]]
    """The values by column, as SQLite stores them."""
    texts: Sequence[Sequence[str | None]]
    """The values by column, as texts for PostgreSQL; empty if the raw bytes suffice."""
    batch: Batch


def check_columns(fixture: Fixture, batch: Batch) -> tuple[Column, ...]:
    """Return the columns of a batch.

    Raises:
        WrongInput: It names an unknown or computed column, or omits a required one.
    """
    table = fixture.table
    place = f"{fixture.shown}:{1 if not batch.typed else batch.line}"
    known = [column.name for column in table.columns]
    for name in batch.names:
        column = table.column(name)
        if column is None:
            hint = did_you_mean(name, known)
            msg = f'{place}: table "{table.full_name}" has no column "{name}"; {hint}'
            raise WrongInput(msg)
        if column.computed:
            msg = f'{place}: the database computes column "{name}" itself; take it out'
            raise WrongInput(msg)
    missing = [c.name for c in table.columns if c.required and c.name not in batch.names]
    if missing:
        msg = (
            f'{place}: column "{missing[0]}" of table "{table.full_name}" is missing; it must not '
            "be NULL and the database has no default for it (defaults in Python are not run)"
        )
        raise WrongInput(msg)
    return tuple(column for name in batch.names if (column := table.column(name)))


def convert(fixture: Fixture, batch: Batch, columns: Sequence[Column], *, need_texts: bool) -> Rows:
    """Validate and convert a batch.

    Args:
        fixture: The file, for error sentences.
        batch: Its rows.
        columns: The batch's columns.
        need_texts: True: PostgreSQL cannot use the raw bytes.

    Raises:
        WrongInput: A value is invalid for its column.
    """
    values: list[Sequence[Any]] = []
    texts: list[Sequence[str | None]] = []
    try:
        for column, given in zip(columns, batch.columns, strict=True):
            text, value = _convert_column(column, given, typed=batch.typed)
            values.append(value)
            if need_texts:
                texts.append(for_postgresql(column, text, value))
    except BAD:
        explain(fixture, batch, columns)
    return Rows(batch.names, values, texts, batch)


def _convert_column(
    column: Column, given: Sequence[Any], *, typed: bool
) -> tuple[Sequence[str | None], Sequence[Any]]:
    """Return a column's texts (NULL as None) and its values as SQLite stores them.

    Raises:
        ValueError: A value is invalid, or a required one is missing; also KeyError, OverflowError.
    """
    change = converter(column)
    if typed:
        texts: Sequence[str | None] = [as_text(column, value) for value in given]
        whole = None not in texts
    else:
        whole = "" not in given
        texts = given if whole else [text or None for text in given]
    if whole:
        return texts, change(texts)  # type: ignore[arg-type]  # no None is in it
    if column.required or column.primary_key:
        raise ValueError
    there = iter(change([text for text in texts if text is not None]))
    return texts, [None if text is None else next(there) for text in texts]


def explain(fixture: Fixture, batch: Batch, columns: Sequence[Column]) -> NoReturn:
    """Find the first invalid value of a batch and raise its error sentence.

    Raises:
        WrongInput: Always.
    """
    for offset, row in enumerate(zip(*batch.columns, strict=True)):
        for column, given in zip(columns, row, strict=True):
            if not _is_good(column, given, typed=batch.typed):
                refuse(fixture, batch.first + offset, column, given)
    msg = f"{fixture.shown}:{batch.line}: these rows cannot be converted for their columns"
    raise WrongInput(msg)


def _is_good(column: Column, given: object, *, typed: bool) -> bool:
    try:
        text = as_text(column, given) if typed else (str(given) or None)
        check(column, text)
    except BAD:
        return False
    return text is not None or not (column.required or column.primary_key)


def refuse(fixture: Fixture, record: int, column: Column, given: object) -> NoReturn:
    """Raise the error sentence for an invalid value.

    Raises:
        WrongInput: Always.
    """
    place = f'{fixture.shown}:{line_of(fixture, record)}: column "{column.name}"'
    if given in {None, ""} if isinstance(given, str | None) else False:
        msg = f"{place} is empty, but must not be NULL; write {allowed(column)}"
        raise WrongInput(msg)
    quotes = "; put a text in quotes" if _wants_quotes(column, given) else ""
    msg = f"{place}: {shown(given)} is not {allowed(column)}{quotes}"
    raise WrongInput(msg)


def _wants_quotes(column: Column, given: object) -> bool:
    return column.kind in {"string", "enum", "other"} and not isinstance(given, str)
