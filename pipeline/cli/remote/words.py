"""How what a master has told is printed: JSON, tables, and a gate in a sentence."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table

from slipway.cli.lib import tables
from slipway.cli.lib.terminal import terminal


def print_json(found: Any) -> None:
    """Print JSON; no line of it is folded, however narrow the terminal."""
    terminal().print(json.dumps(found, indent=2), markup=False)


def say(sentence: str, facts: dict[str, Any], *, as_json: bool) -> None:
    """Print what was done: as a sentence, or as facts with that sentence."""
    if as_json:
        print_json({**facts, "sentence": sentence})
    else:
        terminal().print(sentence, markup=False)


def print_table(table: Table, found: list[Any], nothing: str) -> None:
    """Print a table, or that there is nothing."""
    if found:
        tables.print_table(table)
    else:
        terminal().print(nothing, markup=False)


def gate_told(gate: dict[str, Any]) -> str:
    """Say how a gate stands."""
    waits = "; ".join(one["text"] for one in gate["waits_for"])
    told = f"{gate['stage']} of {gate['project']} run {gate['run']} is {gate['state']}"
    return f"{told}: {waits}" if waits else told


def state_of(gate: dict[str, Any]) -> str:
    """Return a gate's state, with that of the stage or deployment it has let go."""
    outcome = gate["outcome"]
    if outcome is None:
        return str(gate["state"])
    deployment = outcome["deployment"]
    return f"{gate['state']}, {deployment['state'] if deployment else outcome['state']}"


def became(gate: dict[str, Any]) -> str:
    """Say what became of the stage that a gate has let go."""
    outcome = gate["outcome"] or {}
    return str(outcome.get("summary") or outcome.get("waits") or "")
