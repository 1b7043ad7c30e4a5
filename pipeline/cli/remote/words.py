"""Print a master's answers: JSON, tables, and a gate in a sentence."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table

from slipway.cli.lib import tables
from slipway.cli.lib.terminal import terminal

__all__ = ["became", "gate_sentence", "print_json", "print_table", "say", "state_of"]


def print_json(found: Any) -> None:
    """Print JSON without wrapping lines, however narrow the terminal."""
    terminal().print(json.dumps(found, indent=2), markup=False)


def say(sentence: str, facts: dict[str, Any], *, as_json: bool) -> None:
    """Print the result of an action: as a sentence, or as JSON facts with that sentence."""
    if as_json:
        print_json({**facts, "sentence": sentence})
    else:
        terminal().print(sentence, markup=False)


def print_table(table: Table, found: list[Any], nothing: str) -> None:
    """Print a table, or a sentence if it is empty."""
    if found:
        tables.print_table(table)
    else:
        terminal().print(nothing, markup=False)


def gate_sentence(gate: dict[str, Any]) -> str:
    """Return a gate's state as a sentence."""
    waits = "; ".join(one["text"] for one in gate["waits_for"])
    sentence = f"{gate['stage']} of {gate['project']} run {gate['run']} is {gate['state']}"
    return f"{sentence}: {waits}" if waits else sentence


def state_of(gate: dict[str, Any]) -> str:
    """Return a gate's state, with the state of the stage or deployment that it started."""
    outcome = gate["outcome"]
    if outcome is None:
        return str(gate["state"])
    deployment = outcome["deployment"]
    return f"{gate['state']}, {deployment['state'] if deployment else outcome['state']}"


def became(gate: dict[str, Any]) -> str:
    """Return the summary of the stage that a gate started, or what it waits for."""
    outcome = gate["outcome"] or {}
    return str(outcome.get("summary") or outcome.get("waits") or "")
