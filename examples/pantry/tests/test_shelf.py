"""The shelf, without a window."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from pantry.shelf import Shelf, WrongThing


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    opened = Shelf(f"sqlite:///{tmp_path / 'pantry.sqlite'}")
    yield opened
    opened.close()


def test_amounts_of_one_thing_add_up(shelf: Shelf) -> None:
    shelf.put(" Rice ", 2, "Shelf", best_before=None, always=False)
    thing = shelf.put("Rice", 3, "Fridge", best_before=date(2026, 12, 24), always=False)
    assert (thing.amount, thing.place, thing.best_before) == (5, "Fridge", date(2026, 12, 24))
    assert [one.name for one in shelf.things()] == ["Rice"]


@pytest.mark.parametrize(("name", "amount"), [("", 1), ("  ", 1), ("Rice", 0)])
def test_what_is_not_a_thing_is_refused(shelf: Shelf, name: str, amount: int) -> None:
    with pytest.raises(WrongThing):
        shelf.put(name, amount, "Shelf", best_before=None, always=False)
    assert shelf.things() == []


def test_what_is_always_there_must_be_bought(shelf: Shelf) -> None:
    shelf.put("Rice", 1, "Shelf", best_before=None, always=True)
    shelf.put("Cake", 1, "Fridge", best_before=None, always=False)
    shelf.take("Rice")
    shelf.take("Cake")
    assert shelf.to_buy() == ["Rice"]
    assert [one.name for one in shelf.things()] == ["Rice"]
