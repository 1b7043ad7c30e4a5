"""`slipway run [STAGE...]`: run the pipeline on this machine, without a master."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console

from slipway.cli.lib.interrupts import Interrupts
from slipway.cli.lib.ledger_listing import only_project
from slipway.cli.lib.plan_table import print_plan
from slipway.cli.lib.state_labels import PENDING, mark, word
from slipway.cli.lib.terminal import terminal
from slipway.config import read
from slipway.local.runner import LocalRun, Outcome
from slipway.local.working_tree import Trip, choose, find, run_facts
from slipway.model.duration import format_duration
from slipway.model.errors import MissingTool, WrongInput
from slipway.model.git_names import is_url
from slipway.model.protocol.event import AnyEvent, Notice, Progress, TestResult
from slipway.model.site import Project
from slipway.scripts.stages.publish.delivery.plan import PLAN, Plan
from slipway.scripts.terminal_text import escape
from slipway.secrets.reading import given_here, variables_of
from slipway.state_folder import Home

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run stages here, in the graph's order, in parallel."""
    site = read(options.config)
    name = only_project(site, options.project)
    project = site.project[name]
    source = _source(options, project.repository)
    names = choose(project, options.stages, alone=options.alone)
    state = Home.beside(options.config).root
    home = state / "local" / name
    home.mkdir(parents=True, exist_ok=True)
    facts = run_facts(source, _number(home, again=options.alone), state)
    trip = Trip(name, project, source, home, facts)
    console = terminal()
    changed = ", with changes that no commit has" if facts.dirty and facts.revision else ""
    console.print(f"[bold]{name}[/] {facts.version} [dim]in {escape(str(source))}{changed}[/]")
    if trouble := find(source).trouble:
        console.print(f"[yellow]version {facts.version}: {escape(trouble)}[/]", highlight=False)
    given = _given(project, names, options.config.resolve().parent, name, console)
    local = LocalRun(
        trip, names, _Teller(console), given, asked=options.stages, hidden=variables_of(site)
    )
    started = time.time()
    try:
        with FileLock(home / "lock").acquire(timeout=0), Interrupts() as interrupts:
            code = local.run(options.jobs or os.cpu_count() or 2, interrupts.check)
    except Timeout:
        msg = f"another `slipway run` of {name} is at work in {home}; wait for it or stop it"
        raise WrongInput(msg) from None
    _close(console, local, home, time.time() - started)
    return code


def _given(
    project: Project, names: list[str], base: Path, name: str, console: Console
) -> dict[str, dict[str, str]]:
    """Read the stages' secrets.

    Those of targets are not asked for: a developer's machine sends them nothing.

    Raises:
        MissingTool: Some cannot be read here.
    """
    publishing = [one for one in names if project.stages[one].makes_release]
    given = given_here(project, [one for one in names if one not in publishing], base, name)
    for one in publishing:
        try:
            given |= given_here(project, [one], base, name)
        except MissingTool as error:
            text = f"{error}: its targets cannot be asked what they have"
            console.print(f"[bold]{escape(one)}[/] [yellow]{escape(text)}[/]")
    return given


class _Teller:
    """Prints the events of running stages."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, stage: str, event: AnyEvent) -> None:
        """Print one event; passed tests and artefacts appear in the summary only."""
        text = ""
        if isinstance(event, Progress):
            text = f"[dim]{escape(event.line)}[/]"
        elif isinstance(event, Notice):
            colour = {"error": "red", "warning": "yellow"}.get(event.level, "cyan")
            text = f"[{colour}]{escape(event.text)}[/]"
        elif isinstance(event, TestResult) and event.status in {"failed", "error"}:
            text = f"[red]{event.suite} {escape(event.name)}[/]\n{escape(event.message)}"
        if text:
            self._console.print(f"[bold]{escape(stage)}[/] {text}")


def _close(console: Console, local: LocalRun, home: Path, seconds: float) -> None:
    console.print()
    for outcome in local.outcomes.values():
        console.print(_line(outcome))
    places = {str(o.facts["folder"]) for o in local.outcomes.values() if "folder" in o.facts}
    for place in sorted(places):
        console.print(f"[bold]release[/] {escape(place)}")
    for outcome in local.outcomes.values():
        for artefact in outcome.artefacts:
            if outcome.cell.stage.makes_release and artefact.name == PLAN:
                console.print()
                print_plan(Plan.model_validate_json(Path(artefact.path).read_bytes()))
    console.print(f"[dim]{format_duration(seconds)}; logs and output: {escape(str(home))}[/]")


def _line(outcome: Outcome) -> str:
    took = ""
    if outcome.started_at and outcome.finished_at:
        took = format_duration(outcome.finished_at - outcome.started_at)
    title = escape(f"{outcome.title:<12}")
    state = outcome.state or PENDING
    return f"{mark(state)}{title} {word(state)} [dim]{took:>6}[/]  {escape(outcome.summary)}"


def _source(options: argparse.Namespace, repository: str) -> Path:
    """Return the working tree: as given, else the repository if it is a folder, else "."."""
    if options.source is not None:
        if not options.source.is_dir():
            msg = f"--source {options.source} is no folder; name the project's working tree"
            raise WrongInput(msg)
        return Path(options.source).resolve()
    beside = options.config.resolve().parent / repository
    if (beside / ".git").exists():
        return Path(beside).resolve()
    if not is_url(repository) and not beside.exists():
        msg = (
            f'the repository "{repository}" is not there; name the project\'s working tree with '
            "--source, or make it (make example)"
        )
        raise WrongInput(msg)
    return Path.cwd()


def _number(home: Path, *, again: bool) -> int:
    """Return the next run's number, or with `again` the last one's, whose outputs are reused."""
    counter = home / "number"
    try:
        last = int(counter.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        last = 0
    number = max(last, 1) if again else last + 1
    counter.write_text(str(number), encoding="utf-8")
    return number
