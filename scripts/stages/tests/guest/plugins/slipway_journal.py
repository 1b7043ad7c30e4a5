"""Keep a journal of a test run while it goes on, with the standard library only.

A runner writes its file of results at its end: one that crashes leaves none, and one that stops
early does not say so. The journal tells what was collected, which test runs, and each result as it
comes. It works on Python 3.8 and newer. The environment variable SLIPWAY_JOURNAL names the file,
which gets one line of JSON for each of:

    {"found": 12, "collected": 9}   tests found, and those of them that are to run
    {"began": {...}}                a test began: the attributes of its JUnit case
    {"ended": {...}, "kind": "failure", "text": "..."}   a report on a test; kind null: it passed
    {"finished": "name"}            a test is over
    {"stopped": "why"}              something stopped the run before its end
    {"code": 0}                     the end, with the exit code that the runner had in mind
"""

from __future__ import annotations

import json
import os
from typing import Any

__all__ = ["PLACE", "Journal", "open_journal"]

PLACE = "SLIPWAY_JOURNAL"
#: Characters kept of a text.
_LONGEST = 100_000


class Journal:
    """A file that gets lines; those of other processes that a test forked are left out.

    Tests replace functions of `os` by others, and close files that are not theirs: the functions
    are kept here, and the file is opened again where it is no longer ours.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._functions = (os.open, os.write, os.fstat, os.getpid)
        self._flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._process = os.getpid()
        self._file = os.open(path, self._flags, 0o600)
        self._known = os.fstat(self._file).st_ino
        self._dumps = json.dumps

    def write(self, **line: Any) -> None:
        """Write a line."""
        open_, write, fstat, getpid = self._functions
        if getpid() != self._process:
            return
        data = self._dumps(line).encode() + b"\n"
        try:
            if fstat(self._file).st_ino != self._known:
                self._file = open_(self._path, self._flags, 0o600)
        except OSError:
            self._file = open_(self._path, self._flags, 0o600)
        write(self._file, data)

    def ended(self, case: dict[str, str], kind: str | None = None, text: str = "") -> None:
        """Write a report on a test.

        Args:
            case: The attributes of its JUnit case.
            kind: The case's element: failure, error or skipped. None: it passed.
            text: What was said.
        """
        self.write(ended=case, kind=kind, text=text[:_LONGEST])


def open_journal() -> Journal | None:
    """Return the journal that the environment names; None without one."""
    path = os.environ.get(PLACE, "")
    return Journal(path) if path else None
