"""The fixtures in seed/ fit the tables."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from almanac.database import Sessions
from almanac.models import Base

SEED = Path(__file__).parent.parent / "seed"


def rows(path: Path) -> list[dict[str, Any]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in lines]
    plain: dict[str, Any] = {"": None, "true": True, "false": False}
    return [{k: plain.get(v, v) for k, v in row.items()} for row in csv.DictReader(lines)]


@pytest.mark.parametrize("path", sorted(SEED.glob("*.[cj]s*")), ids=lambda path: path.name)
def test_a_fixture_has_the_columns_of_its_table(path: Path) -> None:
    table = Base.metadata.tables[path.stem]
    assert set(rows(path)[0]) == set(table.columns.keys())


def test_the_fixtures_agree_with_each_other(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.execute(text("PRAGMA defer_foreign_keys = ON"))
        places = [line for line in (SEED / "places.yaml").read_text().splitlines() if "{id" in line]
        for number in range(1, len(places) + 1):
            session.execute(text(f"INSERT INTO places (id, name) VALUES ({number}, '{number}')"))
        for path in SEED.glob("*.[cj]s*"):
            loaded = rows(path)
            names = ", ".join(loaded[0])
            marks = ", ".join(f":{name}" for name in loaded[0])
            session.execute(text(f"INSERT INTO {path.stem} ({names}) VALUES ({marks})"), loaded)
        session.execute(text((SEED / "agenda.sql").read_text(encoding="utf-8")))
    with sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM agenda")) > 400
