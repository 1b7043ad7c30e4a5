"""`slipway check`: all errors of pipeline.toml at once, or its graph."""

from __future__ import annotations

import argparse

from rich.markup import escape
from rich.tree import Tree

from slipway.cli.terminal import terminal
from slipway.config import read
from slipway.model.duration import format_duration
from slipway.model.graph import order
from slipway.model.site import Project, Site
from slipway.model.stage import Stage


def run(options: argparse.Namespace) -> int:
    """Check the site's file and print its graph."""
    site = read(options.config)
    console = terminal()
    if options.json:
        console.print(site.model_dump_json(by_alias=True, indent=2), markup=False)
        return 0
    for name, project in site.project.items():
        console.print(tree(name, project))
    console.print(_workers(site))
    console.print(f"[green]✓[/] {escape(str(options.config))}: good")
    return 0


def tree(name: str, project: Project) -> Tree:
    """Draw a project's graph: each stage below the one it waits for last."""
    top = Tree(
        f"[bold]{name}[/] [dim]{escape(project.repository)}, "
        f"{escape(', '.join(project.branches))}, "
        f"{_poll(project.poll)}[/]"
    )
    ordered = order(project.stages)
    drawn: dict[str, Tree] = {}
    for stage_name in ordered:
        stage = project.stages[stage_name]
        last = max(stage.needs, key=ordered.index, default=None)
        above = drawn[last] if last else top
        drawn[stage_name] = above.add(_line(stage_name, stage, last))
    return top


def _poll(schedule: str) -> str:
    return f"polled at {schedule} (UTC)" if " " in schedule else f"polled every {schedule}"


def _line(name: str, stage: Stage, last: str | None) -> str:
    kind = getattr(stage, "uses", "")
    notes = [kind] if kind != name else []
    others = [need for need in stage.needs if need != last]
    if others:
        notes.append(f"also after {', '.join(others)}")
    if stage.runs_on:
        notes.append(f"on {' and '.join(stage.runs_on)}")
    if stage.lane != "default":
        notes.append(f"lane {stage.lane}")
    notes.append(f"at most {format_duration(stage.timeout)}")
    person = "[magenta]◆[/] " if stage.manual else ""
    told = ", ".join(notes)
    return f"{person}{name} [dim]({told})[/]" + (
        " [magenta]started by a person[/]" if person else ""
    )


def _workers(site: Site) -> Tree:
    top = Tree("[bold]workers[/]")
    for name, worker in site.workers.items():
        labels = ", ".join(worker.labels) or "no labels"
        where = "started here by slipway up" if worker.password is None else "connects by itself"
        top.add(f"{name} [dim]({labels}; {', '.join(worker.lanes)}; {where})[/]")
    return top
