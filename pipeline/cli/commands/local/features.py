"""`slipway features`: run a project's behave features, as the stage does."""

from __future__ import annotations

import argparse
import re
import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.stages.features.early_start import Started, start_early
from slipway.scripts.stages.features.feature_files import asks_only

if TYPE_CHECKING:
    from slipway.model.kinds.features import FeatureKeys
    from slipway.scripts.stages.features import local as feature_local

__all__ = ["run"]

_SHARD = re.compile(r"([1-9][0-9]*)/([1-9][0-9]*)")


def run(options: argparse.Namespace) -> int:
    """Run the features, or list the predefined steps."""
    if options.steps:
        return _list_steps()
    if options.desktop_agent is not None:
        return _write_agent(options.desktop_agent)
    source = options.source.resolve()
    if not source.is_dir():
        msg = f"--source {options.source} is no folder; name the project"
        raise WrongInput(msg)
    if options.rest[:1] == ["--"]:
        options.rest = options.rest[1:]
    if asks_only(options.rest):
        return _ask_behave(options, source)
    # Before any other import: the processes load behave beside this command.
    with start_early(source, options.jobs, options.rest) as started:
        return _run(options, started)


def _ask_behave(options: argparse.Namespace, source: Path) -> int:
    from slipway.scripts.report import ConsoleReport
    from slipway.scripts.stages.features import local as feature_local

    return feature_local.ask_behave(
        source, tuple(options.rest), ConsoleReport(), _packages(options)
    )


def _packages(options: argparse.Namespace) -> feature_local.Given:
    from slipway.scripts.stages.features.local import Given

    def split(text: str | None) -> tuple[str, ...] | None:
        return None if text is None else tuple(filter(None, re.split(r"[,\s]+", text)))

    return Given(extras=split(options.extras) or (), groups=split(options.groups))


def _run(options: argparse.Namespace, started: Started) -> int:
    from slipway.scripts.report import ConsoleReport
    from slipway.scripts.stages.features import local as feature_local
    from slipway.scripts.stages.features.seed_options import read_seeds

    report = ConsoleReport()
    try:
        place = feature_local.run(
            started,
            nearest=_keys(options),
            profile=options.profile,
            arguments=tuple(options.rest),
            shard=_shard(options.shard),
            output=options.output,
            given=replace(_packages(options), seeds=read_seeds(options.seed)),
            report=report,
        )
    except StageFailed as error:
        report.notice(str(error), level="error")
        return error.exit_code
    _print("[dim]report: {}[/]", place)
    return 0


def _keys(options: argparse.Namespace) -> FeatureKeys:
    """Return the options as settings keys, validated like those of the files."""
    from slipway.scripts.stages.features.local import typed as validated

    names = ("base_url", "jobs", "retries", "max_failures", "browser", "grid_url")
    typed: dict[str, Any] = {name: getattr(options, name) for name in names}
    typed["without_browser"] = options.without_browser
    typed["headless"] = False if options.headed else None
    return validated({name: value for name, value in typed.items() if value is not None})


def _shard(text: str | None) -> tuple[int, int]:
    if text is None:
        return 1, 1
    found = _SHARD.fullmatch(text)
    if found is None or int(found[1]) > int(found[2]):
        msg = f'--shard "{text}" is none; write which part of how many, such as 1/3'
        raise WrongInput(msg)
    return int(found[1]), int(found[2])


def _write_agent(target: Path) -> int:
    """Copy the desktop agent to a file from which the program can import it."""
    spec = find_spec("slipway.sessions")
    if spec is None or spec.origin is None:
        msg = "slipway.sessions is not installed"
        raise ModuleNotFoundError(msg)
    try:
        shutil.copyfile(Path(spec.origin).parent / "desktop" / "agent.py", target)
    except OSError as error:
        msg = f"--desktop-agent {target} cannot be written: {error.strerror}; name a .py file"
        raise WrongInput(msg) from None
    _print("{} written; call its serve() after QApplication is made", target)
    return 0


def _print(sentence: str, place: Path) -> None:
    from slipway.cli.lib.terminal import terminal
    from slipway.scripts.terminal_text import escape

    terminal().print(sentence.format(escape(str(place))))


def _list_steps() -> int:
    from rich.table import Table

    from slipway.cli.lib.tables import print_table
    from slipway.scripts.terminal_text import escape
    from slipway.sessions.steps import list_steps

    table = Table(box=None, pad_edge=False, show_header=False)
    for step in list_steps():
        table.add_row(escape(step.kind), escape(step.pattern), f"[dim]{escape(step.help)}[/]")
    print_table(table)
    return 0
