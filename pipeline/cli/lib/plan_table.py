"""Show what would be published where."""

from __future__ import annotations

from rich.table import Table

from slipway.cli.lib.tables import print_table
from slipway.cli.lib.terminal import terminal
from slipway.scripts.humanize import count_text, size_text
from slipway.scripts.stages.publish.delivery.plan import Deed, Plan, PlannedTarget
from slipway.scripts.terminal_text import escape

__all__ = ["print_plan"]

#: Files of a target that are named one by one.
_MOST = 40
_COLOURS = {
    Deed.NOTHING: "dim",
    Deed.SHOW: "cyan",
    Deed.SEND: "green",
    Deed.REFUSE: "red",
}


def print_plan(plan: Plan) -> None:
    """Print a plan: a line for each target, and one for each of its files."""
    name = escape(f"{plan.project} {plan.version}")
    count = count_text(len(plan.targets), "target")
    terminal().print(f"[bold]{name}[/] [dim]as it would be at {count}; nothing was sent[/]")
    table = Table(box=None, pad_edge=False)
    for title in ("target", "file", "size", "what would be done"):
        table.add_column(title, no_wrap=True, overflow="ignore")
    for target in plan.targets:
        _add(table, target)
    print_table(table)


def _add(table: Table, target: PlannedTarget) -> None:
    colour = "red" if target.problem else "bold"
    where = f"{target.where}: " if target.where and target.where not in target.line else ""
    table.add_row(escape(target.target), "", "", f"[{colour}]{escape(where + target.line)}[/]")
    # What is to be done comes first; what is there already is left out first.
    files = sorted(target.files, key=lambda one: one.deed is Deed.NOTHING)
    for file in files[:_MOST]:
        deed = f"[{_COLOURS[file.deed]}]{file.deed}[/]"
        table.add_row("", escape(file.name), size_text(file.size), deed)
    if len(files) > _MOST:
        table.add_row("", f"and {len(files) - _MOST} more", "", "")
