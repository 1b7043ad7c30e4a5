"""Cells of a stage: one for each combination of its matrix and each of its shards."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from slipway.model.base import to_kebab
from slipway.model.kinds.scheduling_keys import MatrixValue

if TYPE_CHECKING:
    from slipway.model.kinds.stage import Stage

__all__ = ["MOST", "Cell", "cell_title", "cells"]

#: Keys that a matrix may not set, since they apply to the whole stage.
_WHOLE = {
    *("uses", "needs", "on-failure", "if-changed", "allow-failure", "matrix", "shards"),
    *("retries", "machine-retries"),
    *("manual", "parameters", "allowed", "approvals", "requester-counts", "expires", "window"),
    *("environment", "lane"),
}
#: Maximum number of cells; more are considered a mistake.
MOST = 256
_LONGEST = 60


def cell_title(stage: str, cell: str) -> str:
    """Return the title of a cell, such as "tests[3.12]"; for a single cell the stage's name."""
    return f"{stage}[{cell}]" if cell else stage


@dataclass(frozen=True)
class Cell:
    """One build of a stage."""

    name: str
    """Empty for a stage with a single cell; otherwise such as "3.12,linux" or "2of4"."""
    stage: Stage
    """The stage with the values of this cell."""
    values: dict[str, MatrixValue] = field(default_factory=dict)
    """The values of the matrix, by name."""
    shard: tuple[int, int] = (1, 1)
    """The number of the shard, from 1, and the number of shards."""

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that identify the cell."""
        variables = {
            "SLIPWAY_MATRIX_" + name.upper().replace("-", "_"): _text(value)
            for name, value in self.values.items()
        }
        if self.shard[1] > 1:
            variables |= {"SLIPWAY_SHARD": str(self.shard[0]), "SLIPWAY_SHARDS": str(self.shard[1])}
        return variables


def cells(stage: Stage) -> tuple[Cell, ...]:
    """Return the cells of a stage, in the order of its matrix and shards.

    Raises:
        ValueError: A value is invalid for the key it sets, two cells have the same name, there are
            more than 256, or the matrix sets a key that applies to the whole stage.
    """
    if not stage.matrix and stage.shards == 1:
        return (Cell("", stage),)
    combined = [
        dict(zip(stage.matrix, values, strict=True))
        for values in itertools.product(*stage.matrix.values())
    ]
    if len(combined) * stage.shards > MOST:
        msg = f"gives {len(combined) * stage.shards} cells; {MOST} are the most"
        raise ValueError(msg)
    made = tuple(
        _cell(stage, values, shard) for values in combined for shard in range(1, stage.shards + 1)
    )
    names = [cell.name for cell in made]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f'two cells are called "{twice[0]}"; take the value out that stands there twice'
        raise ValueError(msg)
    return made


def _cell(stage: Stage, values: dict[str, MatrixValue], shard: int) -> Cell:
    words = [_word(value) for value in values.values()]
    if stage.shards > 1:
        words.append(f"{shard}of{stage.shards}")
    name = ",".join(words)
    if len(name) > _LONGEST:
        msg = f'the cell "{name}" has a longer name than {_LONGEST} characters; shorten its values'
        raise ValueError(msg)
    return Cell(name, _stage_of(stage, values), values, (shard, stage.shards))


def _stage_of(stage: Stage, values: dict[str, MatrixValue]) -> Stage:
    keys = {to_kebab(key) for key in type(stage).model_fields}
    taboo = sorted(set(values) & keys & _WHOLE)
    if taboo:
        msg = f'"{taboo[0]}" is about the whole stage; a matrix cannot set it'
        raise ValueError(msg)
    own = {key: value for key, value in values.items() if key in keys}
    data = stage.model_dump(by_alias=True, exclude_unset=True) | own
    data |= {"matrix": {}, "shards": 1}
    try:
        return type(stage).model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(one) for one in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        msg = f"{key} = {values.get(str(first['loc'][0]))!r}: {reason}"
        raise ValueError(msg) from None


def _text(value: MatrixValue) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _word(value: MatrixValue) -> str:
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", _text(value).replace(",", "+")) or "-"
