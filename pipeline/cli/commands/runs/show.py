"""`slipway show`: print one run with its stages, gates, artefacts, releases and deployments."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from rich.table import Table

from slipway.cli.lib import tables
from slipway.cli.lib.ledger_listing import moment
from slipway.cli.lib.state_labels import mark
from slipway.cli.lib.terminal import terminal
from slipway.cli.remote.client import Remote
from slipway.cli.remote.projects import project_of, run_path
from slipway.cli.remote.words import became, print_json, state_of
from slipway.model.cell import cell_title
from slipway.model.duration import format_duration
from slipway.model.errors import PASSED
from slipway.model.states import GateState, ShownState, StageState
from slipway.scripts.humanize import size_text
from slipway.scripts.terminal_text import escape

__all__ = ["run"]

_WORDS: dict[str, str] = {ShownState.GATE: "waits for a person", ShownState.NOT_RUN: "not run"}


def run(options: argparse.Namespace) -> int:
    """Show a run."""
    with Remote(options) as master:
        project = project_of(master, options)
        found = master.get(run_path(project, options.run))
    if options.json:
        print_json(found)
        return PASSED
    console = terminal()
    for line in _head(found):
        console.print(line)
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(6):
        table.add_column(no_wrap=True)
    for row in _rows(found):
        table.add_row(*row)
    tables.print_table(table)
    for line in _below(found):
        console.print(line)
    return PASSED


def _head(run: dict[str, Any]) -> Iterator[str]:
    took = f" {format_duration(run['seconds'])}" if run["seconds"] else ""
    name = f"[bold]{run['project']} run {run['number']}[/]"
    yield f"{mark(run['state'])}{name}  {escape(run['version'])}  {run['state']}[dim]{took}[/]"
    commit = f"{run['branch']} {run['revision'][:10]} {run['subject']}"
    yield escape(f"  {commit} ({run['author']})")
    who = f" by {run['person']}" if run["person"] else ""
    why = f": {run['reason']}" if run["reason"] else ""
    yield escape(f"  started {moment(run['started_at'])}, {run['trigger']}{who}{why}")
    if run["superseded_by"]:
        yield f"  superseded by run {run['superseded_by']}"


def _rows(run: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for stage in run["stages"]:
        tried = [one for one in stage["results"] if one["attempts"]]
        for one in tried:
            title = cell_title(stage["name"], one["cell"])
            for attempt in _newest(one["attempts"]):
                back = " (rollback)" if attempt["rollback"] else ""
                yield _row(attempt["state"], title + back, attempt, _about(stage, attempt))
        if not tried:
            comes = stage["state"] == ShownState.WAITING
            why = f"after {', '.join(stage['needs'])}" if comes else ""
            yield _row(stage["state"], stage["name"], {}, why if stage["needs"] else "")


def _newest(attempts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the run's own newest attempt, and the newest one of a rollback to its release."""
    kinds = ([one for one in attempts if one["rollback"] is back] for back in (False, True))
    return [kind[0] for kind in kinds if kind]


def _row(state: str, title: str, attempt: dict[str, Any], about: str) -> tuple[str, ...]:
    took = format_duration(attempt["seconds"]) if attempt.get("seconds") else ""
    number = attempt.get("attempt", 1)
    again = f"attempt {number}" if number > 1 else ""
    word = _WORDS.get(state, state)
    cells = (title, word, took, attempt.get("worker", ""), again)
    return (f"  {mark(state)}{escape(cells[0])}", *map(escape, (*cells[1:], about)))


def _about(stage: dict[str, Any], attempt: dict[str, Any]) -> str:
    """Return the outcome of an attempt, or what it waits for."""
    gate = None if attempt["rollback"] else stage["gate"]
    if attempt["state"] == StageState.GATE and gate:
        waits = "; ".join(one["text"] for one in gate.get("waits_for", []))
        return f"gate {gate['id']}, {gate['state']}" + (f": {waits}" if waits else "")
    if attempt["state"] == StageState.QUEUED:
        return str(stage["waits"])
    return " ".join(attempt["summary"].split())


def _below(run: dict[str, Any]) -> Iterator[str]:
    for stage in run["stages"]:
        gate = stage["gate"]
        if gate and gate["state"] == GateState.OPENED:
            text = f"gate {gate['id']} of {stage['name']}: {state_of(gate)}, by {gate['person']}"
            yield escape(f"  {text}{': ' * bool(became(gate))}{became(gate)}")
    for one in run["deployments"]:
        text = f"{one['state']} at {one['environment']}, {moment(one['finished_at'])}"
        by = f" by {one['person']}" if one["person"] else ""
        yield escape(f"  deployment {one['id']}: {text}{by}")
    for release in run["releases"]:
        yield escape(f"  release {release['version']}: {release['place']}")
    for stage in run["stages"]:
        for cell in stage["results"]:
            for one in cell["attempts"][0]["artefacts"] if cell["attempts"] else []:
                title = cell_title(stage["name"], cell["cell"])
                yield escape(f"  artefact {one['name']} of {title}, {size_text(one['size'])}")
