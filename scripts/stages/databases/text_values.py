"""Convert values of JSON and YAML to text, describe columns' values, and format for PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from typing import Any, NoReturn

from slipway.scripts.stages.databases.tables import Column
from slipway.scripts.stages.databases.values import DIGITS, converter

__all__ = ["Texts", "allowed", "as_text", "check", "for_postgresql", "judged", "passes", "shown"]

Texts = Sequence[str | None]
_ALLOWED = {
    "integer": "a whole number such as 42",
    "float": "a number such as 2.5",
    "boolean": "true or false (also t, f, yes, no, on, off, 1, 0)",
    "date": "a date such as 2024-12-31",
    "time": "a time such as 23:59:59",
    "json": 'JSON such as {"a": 1}',
    "binary": r"bytes in hexadecimal such as \x48656c6c6f",
    "uuid": "a UUID such as 123e4567-e89b-12d3-a456-426614174000",
    "interval": 'a time span such as "2 days 03:00:00"',
}
_SHOWN = 60
# Numbers are not accepted as texts: YAML reads an unquoted 01234 as a number and drops its zero.
_TYPES: tuple[tuple[type, frozenset[str], Callable[[Any], str]], ...] = (
    (bool, frozenset({"boolean"}), lambda value: "true" if value else "false"),
    (int, frozenset({"integer", "float", "numeric", "other", "boolean"}), str),
    (float, frozenset({"float", "numeric", "other"}), repr),
    (datetime, frozenset({"datetime"}), datetime.isoformat),
    (date, frozenset({"date", "datetime"}), date.isoformat),
    (time, frozenset({"time"}), time.isoformat),
    (bytes, frozenset({"binary"}), lambda value: rf"\x{value.hex()}"),
)


def allowed(column: Column) -> str:
    """Describe the values that a column accepts."""
    if column.kind == "enum":
        return f"one of {', '.join(column.values)}"
    if column.kind == "datetime":
        zone = " in UTC, as +00:00 or without a zone" if column.timezone else " without a time zone"
        return f"a date and time such as 2024-12-31 23:59:59{zone}"
    if column.kind == "numeric":
        scale = f", at most {column.scale} decimals" if column.scale is not None else ""
        return f"a number such as 12.5{scale}, at most {DIGITS} digits"
    if column.kind == "string" and column.length:
        return f"a text of at most {column.length} characters"
    return _ALLOWED.get(column.kind, "a text")


def shown(value: object) -> str:
    """Return a value for an error sentence, quoted and shortened."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return f'"{text[:_SHOWN]}…"' if len(text) > _SHOWN else f'"{text}"'


def as_text(column: Column, value: object) -> str | None:
    """Return a value of JSON or YAML as the text of an equivalent CSV file.

    Raises:
        ValueError: The value's type does not match the column.
    """
    if value is None:
        return None
    if column.kind == "json":
        return json.dumps(value, allow_nan=False)
    if isinstance(value, str) and "\0" not in value:
        return value
    for known, kinds, write in _TYPES:
        # bool is a subclass of int, and datetime of date: the first matching type decides.
        if isinstance(value, known):
            return write(value) if column.kind in kinds else _refuse()
    return _refuse()


def _refuse() -> NoReturn:
    raise ValueError


def check(column: Column, text: str | None) -> None:
    """Validate a single value.

    Raises:
        ValueError: It is invalid; KeyError and OverflowError mean the same.
    """
    if text is None:
        return
    values = converter(column)([text])
    if column.kind == "integer" and not -(1 << column.bits - 1) <= values[0] < 1 << column.bits - 1:
        raise OverflowError
    if column.kind == "string" and column.length and len(text) > column.length:
        raise ValueError


def passes(column: Column) -> bool:
    """Return True if PostgreSQL reads the text of a fixture as the same value."""
    return column.kind not in {"uuid", "json"} or (column.kind == "uuid" and column.native)


def judged(column: Column) -> bool:
    """Return True if PostgreSQL would accept any text where the models allow only some."""
    return column.kind == "enum" and not column.native


def for_postgresql(column: Column, texts: Texts, values: Sequence[Any]) -> Sequence[Any]:
    """Return a column's texts for COPY; `values` are the same values as SQLite stores them."""
    return texts if passes(column) else values
