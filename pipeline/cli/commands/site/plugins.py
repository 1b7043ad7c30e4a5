"""`slipway plugins`: list the installed kinds of things, and their packages."""

from __future__ import annotations

import argparse

from rich.table import Table

from slipway.cli.lib.terminal import terminal
from slipway.cli.remote.words import print_json
from slipway.extension_points import EXTENSION_POINTS
from slipway.model.errors import PASSED
from slipway.scripts.terminal_text import escape

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """List the kinds; those that cannot be loaded with the reason."""
    found = [
        {"group": kinds.group, "kind": name, "package": kinds.source(name), "problem": ""}
        for kinds in EXTENSION_POINTS
        for name in kinds.members
    ]
    found += [
        {
            "group": one.group,
            "kind": one.name,
            "package": one.distribution,
            "problem": one.problem,
        }
        for kinds in EXTENSION_POINTS
        for one in kinds.broken
    ]
    if options.json:
        print_json(found)
        return PASSED
    table = Table(box=None, pad_edge=False)
    for title in ("group", "kind", "package"):
        table.add_column(title, no_wrap=True)
    table.add_column("")
    for one in found:
        problem = f"[red]cannot be used:[/] {escape(one['problem'])}" if one["problem"] else ""
        table.add_row(*(escape(one[key]) for key in ("group", "kind", "package")), problem)
    terminal().print(table)
    return PASSED
