"""Run one shard of a test suite, with pytest, nose2 or unittest; standard library only.

Every shard finds all tests and distributes them in the same way: whole files, the largest first,
each to the shard with the fewest tests; single tests if there are fewer files than shards. So
together the shards run each test once, whatever machine they run on. Works on Python 3.8 and newer.

Environment variables configure it: SLIPWAY_PART ("2/5") and SLIPWAY_PART_TOLD, a file to which it
writes the number of all tests and of its own: {"all": 40, "mine": 8}.
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

__all__ = ["COUNTS", "PART", "cut", "deal", "own", "pytest_collection_modifyitems"]

PART = "SLIPWAY_PART"
COUNTS = "SLIPWAY_PART_TOLD"


def deal(tests: Sequence[tuple[str, str]], part: int, parts: int) -> set[str]:
    """Return the names of the tests of one shard.

    Args:
        tests: The file and the name of each test.
        part: The shard's number, from 1.
        parts: The number of shards.
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
    """Return the names of this shard's tests and write the counts; None without sharding."""
    shard = os.environ.get(PART, "")
    if not shard:
        return None
    part, _, parts = shard.partition("/")
    mine = deal(tests, int(part), int(parts))
    Path(os.environ[COUNTS]).write_text(json.dumps({"all": len(tests), "mine": len(mine)}))
    return mine


# ---- pytest: python -m pytest -p slipway_shards


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Deselect the tests of other shards."""
    mine = own([(item.nodeid.partition("::")[0], item.nodeid) for item in items])
    if mine is None:
        return
    others = [item for item in items if item.nodeid not in mine]
    items[:] = [item for item in items if item.nodeid in mine]
    if others:
        config.hook.pytest_deselected(items=others)


# Run after all other plugins that select tests.
pytest_collection_modifyitems.trylast = True  # type: ignore[attr-defined]


# ---- unittest and nose2


def cut(suite: Any) -> Any:
    """Return this shard's part of a unittest suite."""
    tests = list(_flat(suite))
    named = dict(zip(_names(tests), tests))  # noqa: B905  strict needs Python 3.10
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
    """Return a unique name for each test; a repeated test gets a number."""
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
        """A plugin for nose2: --plugin slipway_shards."""

        alwaysOn = True  # noqa: N815  nose2 named it
        configSection = "slipway-shards"  # noqa: N815  nose2 named it

        def startTestRun(self, event: Any) -> None:  # noqa: N802  nose2 named it
            """Remove the tests of other shards."""
            event.suite = cut(event.suite)
