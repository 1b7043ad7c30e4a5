"""A plugin for nose2 that keeps the journal: --plugin slipway_nose2."""

# ruff: noqa: N802, N815  nose2 named the methods and attributes

from __future__ import annotations

import os
import traceback
from typing import Any

from nose2.events import Plugin
from nose2.result import SUBTEST
from slipway_journal import open_journal

__all__ = ["Keeper"]


class Keeper(Plugin):  # type: ignore[misc]
    """Writes a line for what nose2 tells of."""

    alwaysOn = True
    configSection = "slipway-journal"

    def __init__(self) -> None:
        self._journal = open_journal()

    def _write(self, **line: Any) -> None:
        if self._journal is not None:
            self._journal.write(**line)

    def startTestRun(self, event: Any) -> None:
        """Write the number of tests; of a shard, which is cut later, nobody knows it yet."""
        if os.environ.get("SLIPWAY_PART"):
            return
        number = event.suite.countTestCases()
        self._write(found=number, collected=number)

    def startTest(self, event: Any) -> None:
        """Write a test's beginning."""
        self._write(began=_case(event.test))

    def testOutcome(self, event: Any) -> None:
        """Write a result."""
        if self._journal is None:
            return
        if event.outcome == SUBTEST and event.exc_info is None:
            # nose2 tells of those that passed, too, and calls none of them expected.
            return
        kinds = {"passed": None, "failed": "failure", "error": "error", "skipped": "skipped"}
        kind = kinds.get(event.outcome, "error")
        if event.outcome == SUBTEST and issubclass(event.exc_info[0], event.test.failureException):
            kind = "failure"
        text = str(event.reason or "")
        if event.exc_info:
            text = "".join(traceback.format_exception(*event.exc_info))
        if event.expected and kind in ("failure", "error"):
            kind, text = "skipped", "expected failure"
        elif not event.expected and kind is None:
            kind, text = "failure", "unexpected success"
        self._journal.ended(_case(event.test), kind, text)

    def stopTest(self, event: Any) -> None:
        """Write a test's end."""
        self._write(finished=event.test.id())

    def afterTestRun(self, event: Any) -> None:
        """Write the end."""
        if getattr(event.result, "shouldStop", False):
            self._write(stopped="the test result was told to stop")
        self._write(code=0 if event.result.wasSuccessful() else 1)


def _case(test: Any) -> dict[str, str]:
    """Return the attributes of a test's JUnit case."""
    name = str(test.id())
    first = name.split("\n", 1)[0]
    # A subtest has its values behind its name, with dots of their own.
    path, bracket, values = first.partition(" (")
    kind, _, method = path.rpartition(".")
    return {"classname": kind, "name": f"{method}{bracket}{values}", "id": name}
