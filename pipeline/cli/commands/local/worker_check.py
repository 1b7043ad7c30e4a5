"""`slipway worker check`: say what is right and wrong on a worker's machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any
from urllib.parse import quote

from slipway.cli.lib.terminal import terminal
from slipway.model.errors import WrongInput
from slipway.scripts.humanize import count_text
from slipway.scripts.terminal_text import escape
from slipway.workers.health.report import Line, State, exit_code, to_json

__all__ = ["run"]

_MARKS = {
    State.GOOD: "[green]✓[/]",
    State.WARNING: "[yellow]![/]",
    State.WRONG: "[red]✗[/]",
    State.MISSING: "[red]✗[/]",
}
_WIDTH = 11


def run(options: argparse.Namespace) -> int:
    """Check a worker's machine: this one, or a connected worker's, through the master.

    Returns:
        0: all right, with warnings at most; 1: something is wrong; 3: something is missing.

    Raises:
        WrongInput: No worker is named, or two.
    """
    if options.name is not None:
        if options.folder is not None:
            msg = "name a folder on this machine or a connected worker (--name), not both"
            raise WrongInput(msg)
        name, lines = _ask_master(options)
    else:
        # Imported late: of the worker's side nothing else is needed to ask a master.
        from slipway.workers.health.checks import check_worker
        from slipway.workers.health.worker_files import read_worker

        outlook = read_worker((options.folder or Path()).resolve())
        name, lines = outlook.name, check_worker(outlook)
    if options.json:
        terminal().print(to_json(name, lines), markup=False)
    else:
        _print(name, lines)
    return exit_code(lines)


def _ask_master(options: argparse.Namespace) -> tuple[str, list[Line]]:
    from slipway.cli.remote.client import Remote

    with Remote(options) as master:
        found = master.post(f"workers/{quote(options.name, safe='')}/check")
    return str(found["worker"]), [_line(one) for one in found["lines"]]


def _line(given: dict[str, Any]) -> Line:
    return Line(given["check"], State(given["state"]), given["found"], given["advice"])


def _print(name: str, lines: list[Line]) -> None:
    console = terminal()
    for line in lines:
        advice = f"; {line.advice}" if line.advice else ""
        text = f"{line.check:{_WIDTH}} {line.found}{advice}"
        console.print(f"{_MARKS[line.state]} {escape(text)}")
    warnings = sum(line.state is State.WARNING for line in lines)
    bad = sum(line.state in {State.WRONG, State.MISSING} for line in lines)
    remark = f", with {count_text(warnings, 'warning')}" if warnings else ""
    if bad:
        console.print(f"[red]✗[/] {escape(name)}: {count_text(bad, 'thing')} to mend{remark}")
    else:
        console.print(f"[green]✓[/] {escape(name)}: all right{remark}")
