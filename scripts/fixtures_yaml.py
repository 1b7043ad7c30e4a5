"""YAML as rows: a list of mappings. For small files: it is read whole, and slowly."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from slipway.model.errors import WrongInput
from slipway.scripts.fixtures_csv import Batch
from slipway.scripts.fixtures_json import make_batch

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path, shown: str) -> Iterator[Batch]:
    """Read a YAML file; neighbours with the same keys make a batch.

    Raises:
        WrongInput: It is no list of mappings in UTF-8.
    """
    first = 0
    for names, group in groupby(_records(path, shown), tuple):
        rows = [tuple(record.values()) for record in group]
        yield make_batch(names, rows, first, line_of(path, first))
        first += len(rows)


def _records(path: Path, shown: str) -> list[dict[str, Any]]:
    content = path.read_bytes()
    try:
        records = yaml.load(content.decode("utf-8-sig"), Loader=_LOADER)  # noqa: S506  a safe one
    except UnicodeDecodeError as error:
        at = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        msg = f"{shown}:{at}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"
        raise WrongInput(msg) from None
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark.line + 1 if error.problem_mark else 1
        msg = f"{shown}:{at}: is no YAML: {error.problem or error.context}"
        raise WrongInput(msg) from None
    except (yaml.YAMLError, ValueError) as error:
        msg = f"{shown}: is no YAML: {' '.join(str(error).split())}"
        raise WrongInput(msg) from None
    if not isinstance(records, list):
        msg = f'{shown}:1: must be a list of rows, each begun with "- ", not a {_said(records)}'
        raise WrongInput(msg)
    for number, record in enumerate(records):
        if not isinstance(record, dict) or not all(isinstance(key, str) for key in record):
            msg = f'{shown}:{line_of(path, number)}: must be a row such as "- id: 1"'
            raise WrongInput(msg)
    return records


def _said(value: object) -> str:
    return {dict: "mapping", str: "text", type(None): "empty file"}.get(type(value), "single value")


def line_of(path: Path, record: int) -> int:
    """Return the line a record begins on."""
    root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=_LOADER)
    rows = root.value if isinstance(root, yaml.SequenceNode) else []
    return rows[record].start_mark.line + 1 if record < len(rows) else 1
