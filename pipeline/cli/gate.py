"""`slipway gate`: the stages that wait for a person."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.markup import escape
from rich.table import Table

from slipway.cli.asking import ask
from slipway.cli.listing import moment, only_project
from slipway.cli.remote import Remote
from slipway.cli.terminal import terminal
from slipway.config import read
from slipway.model.errors import PASSED

_WIDE = 200


def run(options: argparse.Namespace) -> int:
    """List, show, open, approve or reject gates; freeze or thaw a project."""
    with Remote(options) as master:
        return _ACTIONS[options.what](master, options)


def _list(master: Remote, options: argparse.Namespace) -> int:
    state = ["all"] if options.all else None
    found = master.all("gates", project=options.project, state=state)
    if options.json:
        print_json(found)
        return PASSED
    table = Table(box=None, pad_edge=False)
    for title in ("id", "gate", "state", "version", "asked by", "waits for"):
        table.add_column(title, no_wrap=True)
    for one in found:
        waits = "; ".join(wait["text"] for wait in one["waits_for"])
        name = f"{one['project']} {one['run']} {one['stage']}"
        cells = (name, one["state"], one["version"], one["person"], waits)
        table.add_row(str(one["id"]), *(escape(cell) for cell in cells))
    print_table(table, found, "no gate waits for anybody")
    return PASSED


def _show(master: Remote, options: argparse.Namespace) -> int:
    gate = master.get(f"gates/{options.id}")
    if options.json:
        # Whoever has the token may open it: it is for this command alone.
        print_json({**gate, "token": None})
        return PASSED
    console = terminal()
    for line in _lines(gate):
        console.print(line, markup=False)
    return PASSED


def _lines(gate: dict[str, Any]) -> list[str]:
    lines = [f"{gate['stage']} of {gate['project']} run {gate['run']}: {gate['state']}"]
    lines += [f"  waits: {one['text']}" for one in gate["waits_for"]]
    new, old = gate["deploys"], gate["replaces"]
    if new:
        over = f", over {old['version']}" if old else ""
        where = f" to {gate['environment']}" if gate["environment"] else ""
        lines.append(f"  deploys {new['version']} ({new['revision'][:10]}){where}{over}")
        lines.append(f"  manifest sha256 {new['manifest_sha256']}")
    lines += [f"  commit {one['revision'][:10]} {one['subject']}" for one in gate["commits"]]
    for one in gate["approvals"]:
        comment = f": {one['comment']}" if one["comment"] else ""
        lines.append(f"  {one['decision']} by {one['person']}, {moment(one['at'])}{comment}")
    for one in gate["form"]:
        needed = ", required" if one["required"] else ""
        default = "" if one["default"] is None else f", default {json.dumps(one['default'])}"
        lines.append(f"  asks {one['name']} ({one['type']}{needed}{default}): {one['label']}")
    lines += [f"  answered {name} = {json.dumps(one)}" for name, one in gate["values"].items()]
    return lines


def _open(master: Remote, options: argparse.Namespace) -> int:
    return ask(master, master.get(f"gates/{options.id}"), options)


def _approve(master: Remote, options: argparse.Namespace) -> int:
    found = master.post(f"gates/{options.id}/approve", comment=options.comment)
    tell(found["gate"])
    return PASSED


def _reject(master: Remote, options: argparse.Namespace) -> int:
    found = master.post(f"gates/{options.id}/reject", comment=options.comment)
    tell(found["gate"])
    return PASSED


def _freeze(master: Remote, options: argparse.Namespace) -> int:
    name = project_of(master, options)
    master.post(f"freezes/{name}", reason=options.reason)
    terminal().print(f"{name} is frozen: no gate opens", markup=False)
    return PASSED


def _thaw(master: Remote, options: argparse.Namespace) -> int:
    name = project_of(master, options)
    master.delete(f"freezes/{name}")
    terminal().print(f"{name} is thawed: gates open again", markup=False)
    return PASSED


def project_of(master: Remote, options: argparse.Namespace) -> str:
    """Return the project that is named, or the only one there is.

    Raises:
        WrongInput: There are several, and none is named.
    """
    if options.project:
        return str(options.project)
    names = [one["name"] for one in master.get("projects")["items"]]
    return names[0] if len(names) == 1 else only_project(read(options.config), None)


def tell(gate: dict[str, Any]) -> None:
    """Say how a gate stands."""
    waits = "; ".join(one["text"] for one in gate["waits_for"])
    told = f"{gate['stage']} of {gate['project']} run {gate['run']} is {gate['state']}"
    terminal().print(f"{told}: {waits}" if waits else told, markup=False)


def print_json(found: Any) -> None:
    """Print JSON."""
    terminal().print(json.dumps(found, indent=2), markup=False)


def print_table(table: Table, found: list[Any], nothing: str) -> None:
    """Print a table as wide as it is, or that there is nothing."""
    if not found:
        terminal().print(nothing, markup=False)
        return
    console = terminal(soft_wrap=False)
    terminal(soft_wrap=False, width=max(console.width, _WIDE)).print(table, crop=False)


_ACTIONS = {
    "list": _list,
    "show": _show,
    "open": _open,
    "approve": _approve,
    "reject": _reject,
    "freeze": _freeze,
    "thaw": _thaw,
}
