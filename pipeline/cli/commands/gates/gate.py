"""`slipway gate`: list and operate the stages that wait for a person."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.table import Table

from slipway.cli.lib.gate_answers import ask
from slipway.cli.lib.ledger_listing import moment
from slipway.cli.lib.terminal import terminal
from slipway.cli.remote.client import Remote
from slipway.cli.remote.followed import FollowedGate
from slipway.cli.remote.following import conclude
from slipway.cli.remote.projects import project_of
from slipway.cli.remote.words import became, gate_sentence, print_json, print_table, say, state_of
from slipway.model.errors import PASSED, WrongInput
from slipway.scripts.terminal_text import escape

__all__ = ["asked", "run"]


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
    for title in ("id", "gate", "state", "version", "asked by", "waits for, or what became of it"):
        table.add_column(title, no_wrap=True)
    for one in found:
        waits = "; ".join(wait["text"] for wait in one["waits_for"])
        name = f"{one['project']} {one['run']} {one['stage']}"
        cells = (name, state_of(one), one["version"], one["person"], waits or became(one))
        table.add_row(str(one["id"]), *(escape(cell) for cell in cells))
    print_table(table, found, "no gate waits for anybody")
    return PASSED


def _show(master: Remote, options: argparse.Namespace) -> int:
    gate = master.get(f"gates/{options.id}")
    if options.json:
        # The token allows opening the gate: it is for this command alone.
        print_json({**gate, "token": None})
        return PASSED
    console = terminal()
    for line in _lines(gate):
        console.print(line, markup=False)
    return PASSED


def _lines(gate: dict[str, Any]) -> list[str]:
    return _about(gate) + _asks(gate) + asked(gate)


def _about(gate: dict[str, Any]) -> list[str]:
    lines = [f"{gate['stage']} of {gate['project']} run {gate['run']}: {state_of(gate)}"]
    lines += [f"  {one}" for one in [became(gate)] if one]
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
    return lines


def _asks(gate: dict[str, Any]) -> list[str]:
    lines = []
    for one in gate["form"]:
        needed = ", required" if one["required"] else ""
        default = "" if one["default"] is None else f", default {json.dumps(one['default'])}"
        lines.append(f"  asks {one['name']} ({one['type']}{needed}{default}): {one['label']}")
    return lines


def asked(gate: dict[str, Any]) -> list[str]:
    """Return the request at a gate: answers and author; empty if there is none."""
    if not gate["asking"]:
        return []
    comment = f": {gate['comment']}" if gate["comment"] else ""
    lines = [f"  asked by {gate['person']}, {moment(gate['asked_at'])}{comment}"]
    lines += [f"  answered {name} = {json.dumps(one)}" for name, one in gate["values"].items()]
    lines += [f"  answered {name}, a secret" for name in gate["secret_names"]]
    return [*lines, f"  asking {gate['asking']}"]


def _open(master: Remote, options: argparse.Namespace) -> int:
    gate = master.get(f"gates/{options.id}")
    if options.anew and gate["may"]["change"]:
        gate["token"] = gate["asking"]
    return ask(master, gate, options)


def _wait(master: Remote, options: argparse.Namespace) -> int:
    gate = master.get(f"gates/{options.id}")
    return conclude(FollowedGate(master, gate), options, gate_sentence(gate))


def _approve(master: Remote, options: argparse.Namespace) -> int:
    gate = master.get(f"gates/{options.id}")
    for line in [] if options.json else _about(gate) + asked(gate):
        terminal().print(line, markup=False)
    # Approve exactly the request that was shown: if it was replaced meanwhile, the master refuses.
    asking = options.asking or gate["asking"]
    if not asking:
        msg = f"nobody has asked for gate {options.id}; open it with its parameters"
        raise WrongInput(msg)
    path = f"gates/{options.id}/approve"
    found = master.post(path, asking=asking, comment=options.comment)["gate"]
    return conclude(FollowedGate(master, found), options, gate_sentence(found))


def _reject(master: Remote, options: argparse.Namespace) -> int:
    found = master.post(f"gates/{options.id}/reject", comment=options.comment)["gate"]
    say(gate_sentence(found), {"gate": found["id"], "state": found["state"]}, as_json=options.json)
    return PASSED


def _freeze(master: Remote, options: argparse.Namespace) -> int:
    name = project_of(master, options)
    master.post(f"freezes/{name}", reason=options.reason)
    say(f"{name} is frozen: no gate opens", {"project": name}, as_json=options.json)
    return PASSED


def _thaw(master: Remote, options: argparse.Namespace) -> int:
    name = project_of(master, options)
    master.delete(f"freezes/{name}")
    say(f"{name} is thawed: gates open again", {"project": name}, as_json=options.json)
    return PASSED


_ACTIONS = {
    "list": _list,
    "show": _show,
    "open": _open,
    "wait": _wait,
    "approve": _approve,
    "reject": _reject,
    "freeze": _freeze,
    "thaw": _thaw,
}
