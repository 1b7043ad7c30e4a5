"""JSON Lines as rows: one object per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slipway.model.errors import WrongInput
from slipway.scripts.fixtures_csv import Batch

#: Rows per chunk.
ROWS = 2000


def read(path: Path, shown: str) -> Iterator[Batch]:
    """Read a JSON Lines file; neighbours with the same keys make a batch.

    Raises:
        WrongInput: A line is no JSON object in UTF-8.
    """
    rows: list[tuple[Any, ...]] = []
    names: tuple[str, ...] = ()
    first = at = 0
    for line, record in _records(path, shown):
        keys = tuple(record)
        if rows and (keys != names or len(rows) == ROWS):
            yield make_batch(names, rows, first, at)
            first, rows = first + len(rows), []
        if not rows:
            names, at = keys, line
        rows.append(tuple(record.values()))
    if rows:
        yield make_batch(names, rows, first, at)


def make_batch(names: tuple[str, ...], rows: list[tuple[Any, ...]], first: int, line: int) -> Batch:
    """Return rows of typed values as a batch."""
    return Batch(names, list(zip(*rows, strict=True)), first, line, typed=True)


def _records(path: Path, shown: str) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open("rb") as stream:
        for line, text in enumerate(stream, 1):
            if not text.strip():
                continue
            try:
                record = json.loads(text)
            except UnicodeDecodeError as error:
                byte = text[error.start]
                msg = f"{shown}:{line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"
                raise WrongInput(msg) from None
            except ValueError as error:
                msg = f"{shown}:{line}: is no JSON: {error}"
                raise WrongInput(msg) from None
            if not isinstance(record, dict) or not record:
                msg = f'{shown}:{line}: must be an object such as {{"id": 1}}, one per line'
                raise WrongInput(msg)
            yield line, record


def line_of(path: Path, record: int) -> int:
    """Return the line a record is on."""
    with path.open("rb") as stream:
        for line, text in enumerate(stream, 1):
            if text.strip():
                if record == 0:
                    return line
                record -= 1
    return 1
