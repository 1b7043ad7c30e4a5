"""`slipway check`: report all errors of pipeline.toml at once, or its graph and later problems."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.tree import Tree

from slipway.cli.lib.terminal import terminal
from slipway.cli.preflight.channels import channels
from slipway.cli.preflight.checks import Outlook, find
from slipway.config import ConfigProblems, read_closely
from slipway.extension_points import broken_kinds
from slipway.model.duration import format_duration
from slipway.model.graph import order
from slipway.model.kinds.stage import Stage
from slipway.model.site import Project, Site
from slipway.scripts.terminal_text import escape
from slipway.state_folder import Home

__all__ = ["run", "tree"]


def run(options: argparse.Namespace) -> int:
    """Check the site's file and print its graph.

    Returns:
        0, or with --strict 2 if there are warnings.

    Raises:
        ConfigProblems: The file has errors, or something in it is sure to fail later.
    """
    reading = read_closely(options.config)
    site = reading.site
    home = Home.beside(options.config)
    outlook = Outlook(site, options.config.resolve().parent, home)
    found = find(outlook)
    if not options.offline:
        found += channels(outlook)
    errors = [reading.problem(one.path, one.message) for one in found if one.error]
    problems = {reading.problem(one.path, one.message) for one in found if not one.error}
    warnings = [*map(str, sorted(problems)), *map(str, broken_kinds())]
    _warn(warnings)
    if errors:
        raise ConfigProblems(errors)
    code = ConfigProblems.exit_code if options.strict and warnings else 0
    console = terminal()
    if options.json:
        console.print(site.model_dump_json(by_alias=True, indent=2), markup=False)
        return code
    for name, project in site.project.items():
        console.print(tree(name, project))
    console.print(_workers(site))
    _conclude(console, str(options.config), len(warnings), code)
    return code


def _warn(warnings: list[str]) -> None:
    """Print warnings on the standard error, so that the output stays valid JSON."""
    console = terminal(stderr=True)
    for warning in warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}")


def _conclude(console: Console, file: str, warnings: int, code: int) -> None:
    remark = f", with {warnings} warning{'s' if warnings != 1 else ''}" if warnings else ""
    if code:
        console.print(f"[red]✗[/] {escape(file)}: good{remark}; --strict allows none")
    else:
        console.print(f"[green]✓[/] {escape(file)}: good{remark}")


def tree(name: str, project: Project) -> Tree:
    """Return a project's graph as a tree: each stage below the last one it waits for."""
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
    details = ", ".join(notes)
    return f"{person}{name} [dim]({details})[/]" + (
        " [magenta]started by a person[/]" if person else ""
    )


def _workers(site: Site) -> Tree:
    top = Tree("[bold]workers[/]")
    for name, worker in site.workers.items():
        labels = ", ".join(worker.labels) or "no labels"
        where = "started here by slipway up" if worker.password is None else "connects by itself"
        top.add(f"{name} [dim]({labels}; {', '.join(worker.lanes)}; {where})[/]")
    return top
