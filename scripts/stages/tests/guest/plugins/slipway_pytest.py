"""A plugin for pytest that keeps the journal: python -m pytest -p slipway_pytest."""

from __future__ import annotations

import re
from typing import Any

import pytest
from slipway_journal import Journal, open_journal

__all__ = ["Hooks", "case_of", "pytest_configure"]


def pytest_configure(config: Any) -> None:
    """Keep a journal, where the environment names one."""
    journal = open_journal()
    if journal is not None:
        first = not hasattr(config, "workerinput")
        config.pluginmanager.register(Hooks(journal, first=first), "slipway-journal")


class Hooks:
    """Pytest's hooks, each of which writes a line.

    Of pytest-xdist's processes the first hears of every report, and the others collect.
    """

    def __init__(self, journal: Journal, *, first: bool) -> None:
        self._journal = journal
        self._first = first
        self._found = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Remember how many tests there are before others take some out."""
        self._found = len(items)

    def pytest_collection_finish(self, session: Any) -> None:
        """Write the number of tests."""
        if not getattr(session.config.option, "collectonly", False):
            self._journal.write(found=self._found, collected=len(session.items))

    def pytest_collectreport(self, report: Any) -> None:
        """Write a file that could not be read."""
        if self._first and report.failed:
            self._journal.ended(case_of(report.nodeid, None), "error", _text(report))

    def pytest_runtest_logstart(self, nodeid: str, location: Any) -> None:
        """Write a test's beginning."""
        if self._first:
            self._journal.write(began=case_of(nodeid, location))

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Write a result; of one that passed its set-up and tear-down, only the call's."""
        if not self._first or (report.when != "call" and report.passed):
            return
        if getattr(report, "outcome", "") not in ("passed", "failed", "skipped"):
            return  # pytest-rerunfailures tries it again
        case = case_of(report.nodeid, report.location)
        case["time"] = f"{report.duration:.6f}"
        kind = None
        if report.failed:
            kind = "failure" if report.when == "call" else "error"
        elif report.skipped:
            kind = "skipped"
        self._journal.ended(case, kind, _text(report) if kind else "")

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Write a test's end."""
        if self._first:
            self._journal.write(finished=nodeid)

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """Write what stopped the run: Ctrl-C, or pytest.exit."""
        self._journal.write(stopped=f"{excinfo.typename}: {excinfo.value}"[:1000])

    def pytest_internalerror(self, excrepr: Any) -> None:
        """Write an error of pytest's own, or of a plugin."""
        self._journal.write(stopped=f"an internal error: {str(excrepr)[-1000:]}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: Any, exitstatus: Any) -> None:  # noqa: ARG002
        """Write the end."""
        if self._first:
            self._journal.write(code=int(exitstatus))


def case_of(nodeid: str, location: Any) -> dict[str, str]:
    """Return the attributes of a test's JUnit case, as pytest itself writes them."""
    path, bracket, parameters = nodeid.partition("[")
    names = path.split("::")
    file = names[0]
    names[0] = re.sub(r"\.py$", "", names[0].replace("/", "."))
    names[-1] += bracket + parameters
    case = {"classname": ".".join(names[:-1]), "name": names[-1], "file": file, "id": nodeid}
    if location is not None:
        case["file"] = str(location[0])
        if location[1] is not None:
            case["line"] = str(location[1])
    return case


def _text(report: Any) -> str:
    """Return what a report says: of a skip the reason, else the whole of it."""
    if report.skipped and hasattr(report, "wasxfail"):
        return str(report.wasxfail) or "expected failure"
    longrepr = report.longrepr
    if report.skipped and isinstance(longrepr, tuple):
        return str(longrepr[2])
    return str(getattr(report, "longreprtext", longrepr))
