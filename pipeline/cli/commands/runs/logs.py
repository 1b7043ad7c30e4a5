"""`slipway logs`: print a stage's log, to its end or while it grows."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

from slipway.cli.remote.client import Remote
from slipway.cli.remote.projects import project_of, run_path
from slipway.cli.remote.words import print_json
from slipway.model.cell import cell_title
from slipway.model.errors import PASSED, WrongInput
from slipway.model.spelling import did_you_mean
from slipway.model.states import OPEN_RUN, ShownState

__all__ = ["run"]

_PAUSE = 0.5
#: Lines of one request.
_LINES = 5000
#: States in which a stage may still get a log.
_COMES = (ShownState.WAITING, ShownState.QUEUED, ShownState.RUNNING, ShownState.GATE)
#: Control characters that a log must not send to a terminal: they move the cursor, or worse.
_CONTROLS = {code: None for code in (*range(32), 127, *range(128, 160)) if chr(code) not in "\n\t"}


def run(options: argparse.Namespace) -> int:
    """Print a stage's log; with --follow also new lines."""
    with Remote(options) as master:
        project = project_of(master, options)
        log = _Log(master, f"{run_path(project, options.run)}", options)
        if options.json:
            print_json({"project": project, **log.whole()})
            return PASSED
        for text in log.texts():
            log.print_cell()
            shown = text.translate(_CONTROLS) if sys.stdout.isatty() else text
            sys.stdout.write(shown)
            sys.stdout.flush()
    log.print_cell()
    if not log.total:
        print(f"{log.name} has no log: {log.state}", file=sys.stderr)  # noqa: T201
    return PASSED


class _Log:
    """The log of one attempt at a stage."""

    def __init__(self, master: Remote, path: str, options: argparse.Namespace) -> None:
        self._master, self._path, self._options = master, path, options
        self.name = f"{cell_title(options.stage, options.cell or '')} of run {options.run}"
        self.total, self.state, self.number = 0, "", 0
        self.attempt: int | None = options.attempt
        self.cell = options.cell or ""
        self._others: list[str] | None = None
        """The names of the cells if --cell is missing, until they were printed.

        None: not known yet.
        """

    def whole(self) -> dict[str, Any]:
        """Return the whole log with its facts, for JSON."""
        text = "".join(self.texts())
        return {
            "run": self.number,
            "stage": self._options.stage,
            "cell": self.cell,
            "attempt": self.attempt,
            "state": self.state,
            "lines": text.splitlines(),
        }

    def print_cell(self) -> None:
        """Print once which cell this is, if there are several and none was selected."""
        if self._others:
            sentence = f"{self._options.stage} has the cells {', '.join(self._others)}; this is "
            print(f"{sentence}{self.cell}, another: --cell NAME", file=sys.stderr)  # noqa: T201
            self._others = []

    def texts(self) -> Iterator[str]:
        """Yield the log's text in pieces."""
        follow = self._options.follow
        while not self._find() and follow and self._comes:
            time.sleep(_PAUSE)
        if self.attempt is None:
            return
        query = {"cell": self.cell, "attempt": self.attempt, "lines": _LINES}
        path = f"{self._path}/stages/{self._options.stage}/log"
        first = self._first(path, query)
        while True:
            part = self._master.get(path, first=first, **query)
            self.total = part["total"]
            if first < self.total:
                yield part["text"]
                first = min(first + _LINES, self.total)
                continue
            if not follow or part["complete"] or not (self._find() and self._comes):
                return
            time.sleep(_PAUSE)

    def _first(self, path: str, query: dict[str, Any]) -> int:
        """Return the number of the first wanted line."""
        if self._options.lines is None:
            return 0
        total: int = self._master.get(path, **{**query, "lines": 1})["total"]
        return max(0, total - int(self._options.lines))

    @property
    def _comes(self) -> bool:
        return self._run_open and self.state in _COMES

    def _find(self) -> bool:
        """Query the stage's state; return whether the selected attempt exists.

        Raises:
            WrongInput: The run has no such stage or cell.
        """
        found = self._master.get(self._path)
        self._run_open, self.number = found["state"] in OPEN_RUN, found["number"]
        stages = {one["name"]: one for one in found["stages"]}
        stage = stages.get(self._options.stage)
        if stage is None:
            # The master's error is best: it lists the existing names.
            self._master.get(f"{self._path}/stages/{self._options.stage}/log")
            msg = f"{self.name} is not there"
            raise WrongInput(msg)
        cells = {one["cell"]: one for one in stage["results"]}
        cell = self._options.cell if self._options.cell is not None else next(iter(cells), "")
        if cells and cell not in cells:
            raise WrongInput(_no_cell(f"{stage['name']} of run {self.number}", cell, cells))
        if self._others is None:
            self._others = list(cells) if self._options.cell is None and len(cells) > 1 else []
        attempts = cells[cell]["attempts"] if cells else []
        self.cell, self.state = cell, _state(stage, attempts, self.attempt)
        if self.attempt is None and attempts:
            self.attempt = attempts[0]["attempt"]
        return self.attempt is not None


def _no_cell(named: str, cell: str, cells: Iterable[str]) -> str:
    """Return the error sentence for an unknown cell, with the existing ones."""
    known = [one for one in cells if one]
    if not known:
        return f'{named} has no cell "{cell}": it has no cells; leave --cell out'
    return f'{named} has no cell "{cell}"; it has {", ".join(known)}.{did_you_mean(cell, known)}'


def _state(stage: dict[str, Any], attempts: list[dict[str, Any]], number: int | None) -> str:
    """Return the state of the selected attempt, or of the stage if there is no such attempt."""
    wanted = [one for one in attempts if number in {None, one["attempt"]}]
    return str(wanted[0]["state"] if wanted else stage["state"])
