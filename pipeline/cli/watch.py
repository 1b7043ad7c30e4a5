"""What `slipway up` shows: the stages of the newest runs, live in a terminal, else line by line."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from slipway.cli.states import mark, word
from slipway.ledger.views import RunView, StageView
from slipway.model.duration import format_duration
from slipway.model.site import Site
from slipway.model.stage import Stage

_SHOWN = 3
#: Columns between two cells, and those a summary always gets.
_GAP, _NARROWEST = 2, 8


class Watch:
    """Shows runs as they go."""

    def __init__(self, site: Site, console: Console) -> None:
        self._site = site
        self._console = console
        self._live: Live | None = None
        self._said: dict[tuple[str, int, str], str] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4, transient=False)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, sentence: str) -> None:
        """Print a sentence above what is shown."""
        self._console.print(sentence, soft_wrap=True)

    def show(self, runs: list[RunView]) -> None:
        """Show runs, newest first."""
        if self._live is not None:
            shown = [self._table(run) for run in reversed(runs[:_SHOWN])]
            self._live.update(Group(*shown))
            return
        for run in reversed(runs[:_SHOWN]):
            self._print_news(run)

    def _print_news(self, run: RunView) -> None:
        for stage in run.stages.values():
            state = f"{stage.state} {stage.attempt}"
            self._print_once(run, stage.name, state, _sentence(stage))
        ended = run.finished_at or time.time()
        took = format_duration(ended - run.started_at)
        if run.state != "running":
            line = f"{run.version} {word(run.state)} [dim]{took}[/]"
            self._print_once(run, "", run.state, line)

    def _print_once(self, run: RunView, name: str, state: str, line: str) -> None:
        key = (run.project, run.number, name)
        if self._said.get(key) == state:
            return
        self._said[key] = state
        what = f"run {run.number} {name}".rstrip()
        said = f"{mark(state.split(maxsplit=1)[0])}{run.project} {what}: {line.rstrip()}"
        self._console.print(said, soft_wrap=True)

    def _table(self, run: RunView) -> RenderableType:
        took = format_duration((run.finished_at or time.time()) - run.started_at)
        head = Text.from_markup(
            f"{mark(run.state)}[bold]{run.project} run {run.number}[/]  {run.version}  "
            f"[dim]{run.branch} {run.revision[:10]}[/] {escape(run.subject)}  {word(run.state)} "
            f"[dim]{took}[/]"
        )
        rows = list(self._rows(run))
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
        *widths, widest = (
            max(Text.from_markup(cell).cell_len for cell in column)
            for column in zip(*rows, strict=True)
        )
        # Only the summary gives way where the terminal is narrow.
        left = self._console.width - sum(widths) - _GAP * len(widths)
        for width in (*widths, max(_NARROWEST, min(widest, left))):
            table.add_column(no_wrap=True, overflow="ellipsis", width=width)
        for row in rows:
            table.add_row(*row)
        return Group(head, table, Text())

    def _rows(self, run: RunView) -> Iterable[tuple[str, ...]]:
        project = self._site.project.get(run.project)
        stages = project.stages if project else {}
        for name in [*stages, *(old for old in run.stages if old not in stages)]:
            stage = run.stages.get(name)
            if stage is None:
                yield "  ", f"{mark('pending')}{name}", word("pending"), "", _waits(stages[name])
            else:
                yield (
                    "",
                    f"{mark(stage.state)}{name}",
                    word(stage.state),
                    _took(stage),
                    _summary(stage),
                )


def _waits(stage: Stage) -> str:
    return f"[dim]after {', '.join(stage.needs)}[/]" if stage.needs else ""


def _sentence(stage: StageView) -> str:
    took = f" [dim]{_took(stage)}[/]" if stage.started_at else ""
    return f"{word(stage.state)}{took} {_summary(stage)}".rstrip()


def _took(stage: StageView) -> str:
    if stage.started_at is None:
        return ""
    return format_duration((stage.finished_at or time.time()) - stage.started_at)


def _summary(stage: StageView) -> str:
    if stage.state in {"running", "queued"}:
        return ""
    again = f"[dim](attempt {stage.attempt})[/] " if stage.attempt > 1 else ""
    return again + escape(" ".join(stage.summary.split()))
