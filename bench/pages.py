"""Pages: until they can be used, beside Buildbot's own pages on the same master.

One master with 10,000 runs of 10 stages in the ledger (bench/ledger.py's) and, for Buildbot's own
pages, the same past in Buildbot's tables: for every stage that ran a build with its request, its
buildset, its source stamp and one step, for every run a change; for every build of the first stage
20 test results. They are written into the tables directly (bench/paging/history.py): some 82,000
builds, whose ids the ledger's rows are told. A person with all rights is signed in.

Usable, for ours and for Buildbot's alike: the first row or box of data is in the document, one
frame has been drawn after that, and a task in the page's thread has then run, so that the page
answers. Counted by the page's own clock (performance.now()) from the navigation's start. Loads
are fresh ones, in turns over all pages: "cold" with nothing of the site in the browser's cache,
"warm" with what it keeps. Data is a build's badge on builders, grid and console, its bar in the
waterfall, a stage's chip or box, an environment's card, a test. As Buildbot's builders page shows
names before builds, it is there twice; names alone are no news, so the aim looks at the others.

Event to screen: real runs through a worker; from a stage's end as the ledger has it to the frame
with the chip's new colour in a page of pipelines that lies open.

Aims: each of ours within 0.5 s, and sooner than the fastest of Buildbot's; event to screen 0.3 s;
each answer of the API within 30 ms. Run it: make bench, or
python bench/pages.py [--runs RUNS] [--warm LOADS] [--cold LOADS] [--events EVENTS].
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from ending import alone
from ledger import Site, _clear, fill
from paging import answers, events, loads
from paging.history import give_builds
from paging.running import running
from rich.console import Console
from rich.table import Table

from slipway.www.plugin import plugin
from tests.support import browser

USABLE, SCREEN, ANSWER = 0.5, 0.3, 0.03
#: What Buildbot shows first there is no data.
NAMES = "builders, a name"


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10_000, help="runs in the ledger")
    parser.add_argument("--warm", type=int, default=9, help="warm loads of each page")
    parser.add_argument("--cold", type=int, default=3, help="cold loads of each page")
    parser.add_argument("--events", type=int, default=24, help="ends of stages")
    options = parser.parse_args()
    if missing := _missing():
        print(f"bench/pages.py is left out: {missing}")
        return
    console = Console(width=110)
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        empty, full = Site(Path(folder, "empty")), Site(Path(folder, "full"))
        _clear(full)
        fill(full, options.runs)
        builds = give_builds(full)
        with running(empty) as client:
            events.rest(client, "latest")
            few = answers.ask(client, 1)
        middle = options.runs // 2 // 10 * 10
        with running(full) as client:
            events.rest(client, "latest")
            many = answers.ask(client, middle)
            pages = loads.pages(middle)
            url = f"http://127.0.0.1:{full.web}/"
            before = os.getloadavg()[0]
            loads.measure(url, dict(client.cookies), pages, options.warm, options.cold)
            title = f"Until usable, {options.runs:,} runs, {builds:,} builds, medians of "
            title += f"{options.warm} warm and {options.cold} cold loads; load {before:.1f} to "
            _loads(console, f"{title}{os.getloadavg()[0]:.1f}", pages)
            gaps = events.measure(full, client, options.events)
        _events(console, gaps)
        _answers(console, few, many)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    console.print(f"[dim]Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {load}[/]")


def _missing() -> str:
    if not browser.available():
        return "this machine has no chromedriver: make browser"
    if not (Path(str(plugin.static_dir)) / "scripts.js").is_file():
        return "the web pages are not built: make www"
    return ""


def _loads(console: Console, title: str, pages: list[loads.Page]) -> None:
    table = Table(title=title)
    for column in ("page", "of", "warm ms", "least", "most", "cold ms", "least", "most"):
        table.add_column(column, justify="left" if column in {"page", "of"} else "right")
    for page in pages:
        cells = []
        for times in (page.warm, page.cold):
            figures = (statistics.median(times), min(times), max(times)) if times else ()
            cells += [f"{one * 1000:.0f}" for one in figures] or ["", "", ""]
        table.add_row(page.name, "Slipway" if page.ours else "Buildbot", *cells)
    console.print(table)
    for kind in ("cold", "warm"):
        middles = {one.name: statistics.median(getattr(one, kind)) for one in pages}
        theirs = {one.name for one in pages if not one.ours} - {NAMES}
        rival = min(theirs, key=lambda name: middles[name])
        for page in (one for one in pages if one.ours):
            took = middles[page.name]
            _aim(console, f"{page.name}, {kind}, at most {USABLE} s", took, took <= USABLE)
            what = f"{page.name}, {kind}, before {rival} ({middles[rival]:.3f} s)"
            _aim(console, what, took, took < middles[rival])


def _events(console: Console, gaps: list[float]) -> None:
    middle = statistics.median(gaps)
    result = f"event to screen, {len(gaps)} ends of stages, {min(gaps):.3f} to {max(gaps):.3f} s"
    _aim(console, f"{result}, at most {SCREEN} s", middle, middle <= SCREEN)


def _answers(console: Console, few: dict[str, list[float]], many: dict[str, list[float]]) -> None:
    table = Table(title="The API's answers over HTTP, ms")
    for column in ("question", "a site of 1 run", "the full one", "least", "most", "aim"):
        table.add_column(column, justify="left" if column == "question" else "right")
    for name, times in many.items():
        middle = statistics.median(times)
        figures = (statistics.median(few[name]), middle, min(times), max(times))
        verdict = "met" if middle <= ANSWER else "missed"
        cells = (f"{one * 1000:.1f}" for one in figures)
        table.add_row(name, *cells, f"{ANSWER * 1000:.0f}: {verdict}")
    console.print(table)


def _aim(console: Console, what: str, measured: float, met: bool) -> None:  # noqa: FBT001
    console.print(f"aim: {what}: {measured:.3f} s: {'met' if met else 'missed'}")


if __name__ == "__main__":
    alone(main)
