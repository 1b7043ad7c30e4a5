"""Convert the texts of fixtures to the values that the databases store.

SQLite has no types for dates, times, decimals, enums, JSON or UUIDs: SQLAlchemy's bind processors
determine the stored form, and comparisons such as `==` and `>=` fail for a seed in any other form.
So each converter writes what they write; a test compares with the real ones. A converter takes the
texts of one column of a batch at once, which makes it fast.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from slipway.scripts.stages.databases.tables import Column

__all__ = ["DIGITS", "Texts", "converter"]

Texts = Sequence[str]
#: Digits that a float keeps of any decimal: SQLAlchemy stores Numeric in SQLite as a float.
DIGITS = 15
_STAMP = len("2024-12-31 23:59:59")
_FRACTION = re.compile(r"\.\d{7,}")
_PLAIN_BYTES = re.compile(r"\\x(?:[0-9a-fA-F]{2})*")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  SQLAlchemy's, which has no zone
_INTERVAL = re.compile(r"(?:(-?\d+) days?,? ?)?(?:(\d+):([0-5]\d):([0-5]\d(?:\.\d{1,6})?))?")
_YES_NO = {"true": 1, "t": 1, "yes": 1, "y": 1, "on": 1, "1": 1} | dict.fromkeys(
    ("false", "f", "no", "n", "off", "0"), 0
)
_BOOLEANS = {
    form: value
    for word, value in _YES_NO.items()
    for form in (word, word.upper(), word.capitalize())
}


def converter(column: Column) -> Callable[[Texts], Sequence[Any]]:
    """Return the function that converts a column's texts to the values SQLite stores.

    The function raises ValueError or KeyError if a text is invalid.
    """
    made = _CONVERTERS.get(column.kind)
    return made(column) if made else _as_they_are


def _as_they_are(texts: Texts) -> Texts:
    return texts


def _integers(_column: Column) -> Callable[[Texts], Sequence[Any]]:
    return lambda texts: list(map(int, texts))


def _floats(_column: Column) -> Callable[[Texts], Sequence[Any]]:
    def convert(texts: Texts) -> Sequence[Any]:
        values = list(map(float, texts))
        # SQLite would store NaN as NULL. The sum shows quickly if there may be one.
        if math.isnan(sum(values)) and any(map(math.isnan, values)):
            raise ValueError
        return values

    return convert


def _numerics(column: Column) -> Callable[[Texts], Sequence[Any]]:
    def check(text: str) -> float:
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise ValueError from None
        _, digits, exponent = value.normalize().as_tuple()
        if not isinstance(exponent, int) or len(digits) > DIGITS:
            raise ValueError
        if column.scale is not None and -exponent > column.scale:
            raise ValueError
        return float(value)

    return lambda texts: list(map(check, texts))


def _booleans(_column: Column) -> Callable[[Texts], Sequence[Any]]:
    return lambda texts: list(map(_BOOLEANS.__getitem__, texts))


def _enums(column: Column) -> Callable[[Texts], Sequence[Any]]:
    known = {value: value for value in column.values}
    return lambda texts: list(map(known.__getitem__, texts))


def _dates(column: Column) -> Callable[[Texts], Sequence[Any]]:
    def convert(texts: Texts) -> Sequence[Any]:
        values = list(map(date.fromisoformat, texts))
        if column.storage:
            return [_stored(column.storage, value) for value in values]
        plain = list(map(str, values))
        return plain if plain == list(texts) else _refuse()

    return convert


def _datetimes(column: Column) -> Callable[[Texts], Sequence[Any]]:
    def convert(texts: Texts) -> Sequence[Any]:
        values = map(datetime.fromisoformat, texts)
        if column.storage is None and (separator := _same_form(texts)):
            # Every value must be parsed to be validated, but copying the text is faster than
            # formatting.
            for _ in values:
                pass
            if separator == " ":
                return [text + ".000000" for text in texts]
            return [f"{text[:10]} {text[11:]}.000000" for text in texts]
        return [_datetime(text, value, column) for text, value in zip(texts, values, strict=True)]

    return convert


def _same_form(texts: Texts) -> str | None:
    """Return the separator if all texts look like 2024-12-31 23:59:59 (or with a T), else None."""
    if not texts or set(map(len, texts)) != {_STAMP}:
        return None
    joined, size = "".join(texts), len(texts)
    parts = (joined[at::_STAMP] for at in (4, 7, 13, 16))
    if tuple(parts) != ("-" * size, "-" * size, ":" * size, ":" * size):
        return None
    between = joined[10::_STAMP]
    return between[0] if between in {" " * size, "T" * size} else None


def _datetime(text: str, value: datetime, column: Column) -> str:
    """Format one value for SQLite, which stores no time zone: only UTC is allowed.

    Raises:
        ValueError: It has another time zone, or more than six fractional digits.
    """
    if value.tzinfo is not None and (not column.timezone or value.utcoffset() != timedelta(0)):
        raise ValueError
    if _FRACTION.search(text):
        raise ValueError
    if column.storage:
        return _stored(column.storage, value)
    return value.replace(tzinfo=None).isoformat(" ", "microseconds")


def _times(column: Column) -> Callable[[Texts], Sequence[Any]]:
    def convert(texts: Texts) -> Sequence[Any]:
        values = list(map(time.fromisoformat, texts))
        if any(value.tzinfo for value in values) or any(map(_FRACTION.search, texts)):
            raise ValueError
        if column.storage:
            return [_stored(column.storage, value) for value in values]
        return [value.isoformat("microseconds") for value in values]

    return convert


def _stored(form: str, value: date | time) -> str:
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return form % {name: getattr(value, name, 0) for name in names}


def _jsons(_column: Column) -> Callable[[Texts], Sequence[Any]]:
    def convert(text: str) -> str:
        return json.dumps(json.loads(text, parse_constant=_refuse))

    return lambda texts: list(map(convert, texts))


def _refuse(*_ignored: object) -> NoReturn:
    raise ValueError


def _binaries(_column: Column) -> Callable[[Texts], Sequence[Any]]:
    def convert(text: str) -> bytes:
        return bytes.fromhex(text[2:]) if _PLAIN_BYTES.fullmatch(text) else _refuse()

    return lambda texts: list(map(convert, texts))


def _uuids(_column: Column) -> Callable[[Texts], Sequence[Any]]:
    return lambda texts: [uuid.UUID(text).hex for text in texts]


def _intervals(_column: Column) -> Callable[[Texts], Sequence[Any]]:
    def convert(text: str) -> str:
        found = _INTERVAL.fullmatch(text)
        if not text or not found:
            raise ValueError
        days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
        value = _EPOCH + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        return value.isoformat(" ", "microseconds")

    return lambda texts: list(map(convert, texts))


_CONVERTERS: dict[str, Callable[[Column], Callable[[Texts], Sequence[Any]]]] = {
    "integer": _integers,
    "float": _floats,
    "numeric": _numerics,
    "boolean": _booleans,
    "enum": _enums,
    "date": _dates,
    "datetime": _datetimes,
    "time": _times,
    "json": _jsons,
    "binary": _binaries,
    "uuid": _uuids,
    "interval": _intervals,
}
