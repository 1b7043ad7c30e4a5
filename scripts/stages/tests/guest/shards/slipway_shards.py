"""Runs one of several parts of a test suite: for pytest, nose2 and unittest; standard library only.

Every part finds all tests and deals them the same way: whole files, the largest first, each to the
part that has the least; single tests where there are fewer files than parts. So together the parts
have each test once, whatever machine they run on. Works on every Python from 3.8 on.

It is told by environment variables: SLIPWAY_PART ("2/5") and SLIPWAY_PART_TOLD, a file it writes
how many tests there are to, and how many are its own: {"all": 40, "mine": 8}.
"""

from __future__ import annotations

import json
import os
import sys
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PART = "SLIPWAY_PART"
TOLD = "SLIPWAY_PART_TOLD"


def deal(tests: Sequence[tuple[str, str]], part: int, parts: int) -> set[str]:
    """Return the names of the tests of one part.

    Args:
        tests: The file and the name of each test.
        part: Which, from 1.
        parts: How many there are.
    """
    files: dict[str, list[str]] = {}
    for file, name in tests:
        files.setdefault(file, []).append(name)
    piles = list(files.values())
    if len(piles) < parts:
        piles = [[name] for _, name in tests]
    loads = [0] * parts
    mine: set[str] = set()
    for pile in sorted(piles, key=lambda one: (-len(one), min(one))):
        least = loads.index(min(loads))
        loads[least] += len(pile)
        if least == part - 1:
            mine.update(pile)
    return mine


def own(tests: Sequence[tuple[str, str]]) -> set[str] | None:
    """Return the names of this part's tests, and tell how many; None where nothing is cut."""
    told = os.environ.get(PART, "")
    if not told:
        return None
    part, _, parts = told.partition("/")
    mine = deal(tests, int(part), int(parts))
    Path(os.environ[TOLD]).write_text(json.dumps({"all": len(tests), "mine": len(mine)}))
    return mine


# ---- pytest: python -m pytest -p slipway_shards


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Take out what belongs to other parts."""
    mine = own([(item.nodeid.partition("::")[0], item.nodeid) for item in items])
    if mine is None:
        return
    others = [item for item in items if item.nodeid not in mine]
    items[:] = [item for item in items if item.nodeid in mine]
    if others:
        config.hook.pytest_deselected(items=others)


# Whatever else chooses among the tests comes first.
pytest_collection_modifyitems.trylast = True  # type: ignore[attr-defined]


# ---- unittest and nose2


def cut(suite: Any) -> Any:
    """Return the part of a suite of unittest's that is this one's."""
    tests = list(_flat(suite))
    named = dict(zip(_names(tests), tests))  # noqa: B905  strict is of Python 3.10
    mine = own([(_file(test), name) for name, test in named.items()])
    if mine is None:
        return suite
    return unittest.TestSuite(test for name, test in named.items() if name in mine)


def _flat(suite: Any) -> Iterator[Any]:
    if not isinstance(suite, unittest.TestSuite):
        yield suite
        return
    for one in suite:
        yield from _flat(one)


def _names(tests: Iterable[Any]) -> list[str]:
    """Return a name for each test; the same test given twice is two."""
    seen: dict[str, int] = {}
    found = []
    for test in tests:
        name = str(test.id())
        seen[name] = seen.get(name, 0) + 1
        found.append(f"{name}#{seen[name]}")
    return found


def _file(test: Any) -> str:
    module = sys.modules.get(type(test).__module__)
    return str(getattr(module, "__name__", "")) or str(test.id())


try:
    from nose2.events import Plugin
except ImportError:
    pass
else:

    class Parts(Plugin):  # type: ignore[misc]
        """nose2's: --plugin slipway_shards."""

        alwaysOn = True  # noqa: N815  nose2 named it
        configSection = "slipway-shards"  # noqa: N815  nose2 named it

        def startTestRun(self, event: Any) -> None:  # noqa: N802  nose2 named it
            """Take out what belongs to other parts."""
            event.suite = cut(event.suite)
