"""The display of `slipway up`: the newest runs' stages, live in a terminal, else line by line."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from slipway.cli.lib.state_labels import PENDING, mark, word
from slipway.cli.lib.tables import columns, flow
from slipway.model.duration import format_duration
from slipway.model.kinds.stage import Stage
from slipway.model.records.run import ListedRun
from slipway.model.records.stage import ListedStage
from slipway.model.site import Site
from slipway.model.states import OPEN_RUN, OPEN_STAGE, RunState, ShownState
from slipway.scripts.terminal_text import escape, plain

__all__ = ["Watch"]

_SHOWN = 3
#: Columns between two cells, and the minimum width of a commit's subject.
_GAP, _NARROWEST = "  ", 8
#: Seconds between two frames if only durations have changed.
_SECOND = 1.0


class Watch:
    """Display of runs in progress."""

    def __init__(self, site: Site, console: Console, since: float = 0.0) -> None:
        """Initialize; show nothing yet.

        Args:
            site: The site.
            console: The output.
            since: Start time in seconds since 1970; earlier changes are not printed.
        """
        self._site, self._since = site, since
        self._console = console
        self._live: Live | None = None
        self._runs: list[ListedRun] = []
        self._drawn = (0.0, (0, 0))
        self._printed: dict[tuple[str, int, str], list[str]] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=False)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, sentence: str) -> None:
        """Print a sentence above the live display."""
        self._console.print(sentence, soft_wrap=True)

    def show(self, runs: list[ListedRun]) -> None:
        """Show runs, newest first."""
        shown, self._runs = self._runs, runs[:_SHOWN]
        if self._live is not None:
            if self._runs != shown:
                self._draw(self._live)
            return
        # Lines take no room that another run needs: an older one's end is printed, too.
        for run in reversed(runs):
            self._print_changes(run)

    def tick(self) -> None:
        """Redraw for changes that the ledger does not record: durations, the terminal's size."""
        if self._live is None:
            return
        at, size = self._drawn
        runs = any(run.state == RunState.RUNNING for run in self._runs)
        if (runs and time.monotonic() - at >= _SECOND) or (self._runs and size != self._size()):
            self._draw(self._live)

    def _size(self) -> tuple[int, int]:
        return self._console.width, self._console.height

    def _draw(self, live: Live) -> None:
        self._drawn = (time.monotonic(), self._size())
        width, height = self._size()
        lines: list[Text] = []
        for run in self._runs:
            block = self._lines(run, width)
            # The newest is at the bottom, and always shown, whatever the terminal's height.
            if lines and len(lines) + len(block) >= height:
                break
            lines = block + lines
        live.update(Group(*lines), refresh=True)

    def _print_changes(self, run: ListedRun) -> None:
        for name, stage in run.stages.items():
            state = f"{stage.state} {stage.attempt} {stage.waits}"
            self._print_once(run, name, state, _sentence(stage), _since(stage))
        ended = run.finished_at or time.time()
        took = format_duration(ended - run.started_at)
        if run.state != RunState.RUNNING:
            line = f"{run.version} {word(run.state)} [dim]{took}[/]"
            self._print_once(run, "", run.state, line, ended)

    def _print_once(self, run: ListedRun, name: str, state: str, line: str, at: float) -> None:
        key = (run.project, run.number, name)
        before = self._printed.setdefault(key, [])
        # Why a stage waits may change to and fro; a whole run goes through its states again.
        if state in (before if name else before[-1:]):
            return
        before.append(state)
        if at < self._since:
            return
        what = f"run {run.number} {name}".rstrip()
        printed = f"{mark(state.split(maxsplit=1)[0])}{run.project} {escape(what)}: {line.rstrip()}"
        self._console.print(printed, soft_wrap=True)

    def _lines(self, run: ListedRun, width: int) -> list[Text]:
        """Return a run as lines, none wider than the terminal."""
        took = format_duration((run.finished_at or time.time()) - run.started_at)
        name = Text.from_markup(f"{mark(run.state)}[bold]{run.project} run {run.number}[/]")
        commit = Text.from_markup(f"[dim]{run.branch} {run.revision[:10]}[/]")
        state = Text.from_markup(f"{word(run.state)} [dim]{took}[/]")
        cells = [name, Text(plain(run.version)), commit, state]
        room = width - sum(cell.cell_len + len(_GAP) for cell in cells)
        subject = Text(plain(" ".join(run.subject.split())))
        if room >= min(_NARROWEST, subject.cell_len):
            subject.truncate(room, overflow="ellipsis")
            cells.insert(3, subject)
        head = list(flow(cells, width))
        rows = [tuple(Text.from_markup(cell) for cell in row) for row in self._rows(run)]
        return [*head, *columns(rows, width), Text()]

    def _rows(self, run: ListedRun) -> Iterable[tuple[str, ...]]:
        project = self._site.project.get(run.project)
        stages = project.stages if project else {}
        names = {stage.name for stage in run.stages.values()}
        for name in [*stages, *sorted(names - set(stages))]:
            if name not in names:
                comes = run.state in OPEN_RUN
                state = PENDING if comes else ShownState.NOT_RUN
                waits = _waits(stages[name]) if comes else ""
                yield f"{mark(state)}{name}", word(state), "", waits
            for title, stage in run.stages.items():
                if stage.name == name:
                    cells = (word(stage.state), _took(stage), _summary(stage))
                    yield (f"{mark(stage.state)}{escape(title)}", *cells)


def _since(stage: ListedStage) -> float:
    """Return the time of a stage's last change of state, in seconds since 1970."""
    if stage.state in OPEN_STAGE:
        # A running stage always counts as new, however long it has been running.
        return time.time()
    return stage.finished_at or stage.started_at or stage.queued_at


def _waits(stage: Stage) -> str:
    return f"[dim]after {', '.join(stage.needs)}[/]" if stage.needs else ""


def _sentence(stage: ListedStage) -> str:
    took = f" [dim]{_took(stage)}[/]" if stage.started_at else ""
    return f"{word(stage.state)}{took} {_summary(stage)}".rstrip()


def _took(stage: ListedStage) -> str:
    if stage.started_at is None:
        return ""
    return format_duration((stage.finished_at or time.time()) - stage.started_at)


def _summary(stage: ListedStage) -> str:
    if stage.state in OPEN_STAGE:
        return f"[dim]{escape(stage.waits)}[/]" if stage.waits else ""
    again = f"[dim](attempt {stage.attempt})[/] " if stage.attempt > 1 else ""
    return again + escape(" ".join(stage.summary.split()))
