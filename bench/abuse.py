"""Floods: how long everybody else waits for the master, and what it holds, while one comes.

For each flood a site of its own, a real master and worker; the flood comes out of another process
and from another address than the requests that are measured. Somebody asks for the list of runs
every 50 ms, each time on a new connection: first while nothing happens, then while the flood
lasts.

- idle: how long they waited before the flood, the median and the worst
- flooded: the same while it lasted: so many seconds; a stage's, until its run has ended
- memory: the most the master held (RSS) meanwhile, above what it held before
- refused: how many of their own requests got no answer, or not the list
- answered: what the flood itself was told, or what became of its run

Floods: tokens (30 connections with made-up bearer tokens), bodies (multipart bodies of 50 MB, not
signed in), guesses (wrong passwords), connections (1,000 of them), slow (a byte a second),
websockets, events (streams of them), json (deep and oversized), choices (anonymous requests for a
gate whose choices a program tells), prints (a stage's 200 MB of output), tests (20,000 failed
ones), processes (a stage's 200).

Aims: nobody ever waits 0.3 s, nobody is refused, and no flood takes 150 MB.
Run it: make bench, or python bench/abuse.py [--seconds SECONDS] [FLOOD...].
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ending import alone  # noqa: E402
from flooding.requests import REQUESTS, Flood, work  # noqa: E402
from flooding.stages import STAGES  # noqa: E402
from results import PATIENCE, Watch  # noqa: E402

from tests.attack.web_site import running  # noqa: E402
from tests.live.conftest import LiveSite  # noqa: E402
from tests.support.machine import wait_for  # noqa: E402
from tests.support.site import command  # noqa: E402

AIM, HELD = 0.3, 150e6
OFFER = "import time; time.sleep(0.5); print('red')"
GATE = (
    command("make", "pass")
    + command("pick", "pass", "make", manual="true")
    + 'parameters = [{ name = "colour", type = "choice", choices-from = '
    + f"['{sys.executable}', '-c', \"{OFFER}\"] }}]\n"
)


@dataclass
class Measured:
    """The effect of one flood on other requests."""

    idle: list[float]
    flooded: list[float]
    memory: int
    refused: int
    answered: str


def measure(name: str, seconds: float) -> Measured:
    """Flood a site of its own."""
    stages = STAGES[name][0] if name in STAGES else GATE
    with (
        tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder,
        running(Path(folder), stages) as site,
    ):
        # A stage's first run ends at once: what makes the flood is not committed yet.
        site.wait_for_run(1)
        with _watch(site) as idle:
            time.sleep(seconds)
        before = site.master().memory_info().rss
        with _watch(site) as watch:
            answered = _stage(site, name, seconds) if name in STAGES else _ask(site, name, seconds)
        refused = idle.refused + watch.refused
        return Measured(idle.waited, watch.waited, watch.memory - before, refused, answered)


def _watch(site: LiveSite) -> Watch:
    return Watch(site.url, site.master(), anew=True)


def _ask(site: LiveSite, name: str, seconds: float) -> str:
    flood = Flood(site.url, site.web_port, seconds)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            answers = pool.submit(work, name, flood).result(PATIENCE)
        except BaseException:
            # The pool would wait for the flood's end.
            for one in multiprocessing.active_children():
                one.kill()
            raise
    return ", ".join(f"{count:,} x {what}" for what, count in answers.most_common())


def _stage(site: LiveSite, name: str, seconds: float) -> str:
    program = STAGES[name][1].replace("SECONDS", str(seconds))
    (site.repository / "flood.py").write_text(program)
    site.commit("the flood")
    began = time.monotonic()
    done = site.run_slipway("poll")
    if done.returncode:
        sys.exit(f"slipway poll: {done.stderr}")

    def query() -> str:
        state = str(site.run(2).get("state", "running"))
        return "" if state in {"running", "queued"} else state

    state = wait_for(query, lambda: f"run 2 does not end: {site.run(2)}", PATIENCE)
    return f"{state} in {time.monotonic() - began:.1f} s"


def _times(waited: list[float]) -> str:
    if not waited:
        return "never answered"
    return f"{statistics.median(waited):.3f} / {max(waited):.3f} s"


def main(names: list[str], seconds: float) -> None:
    """Measure and print."""
    console = Console(width=120)
    table = Table("flood", "idle", "flooded", "memory", "refused", "answered", "aims")
    for name in names:
        console.print(f"[dim]{name} ...[/]")
        measured = measure(name, seconds)
        worst = max(measured.flooded, default=PATIENCE)
        met = worst < AIM and not measured.refused and measured.memory < HELD
        cells = (_times(measured.idle), _times(measured.flooded), f"{measured.memory / 1e6:.0f} MB")
        verdict = "met" if met else "missed"
        table.add_row(name, *cells, str(measured.refused), measured.answered, verdict)
    console.print(table)


def _read_words() -> argparse.Namespace:
    known = [*REQUESTS, *STAGES]
    reader = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reader.add_argument("floods", nargs="*", metavar="FLOOD", help=", ".join(known))
    reader.add_argument("--seconds", type=float, default=10, help="of each flood (10)")
    words = reader.parse_args()
    for name in words.floods:
        if name not in known:
            reader.error(f"{name}: no such flood; there are {', '.join(known)}")
    words.floods = words.floods or known
    return words


def _main() -> None:
    options = _read_words()
    main(options.floods, options.seconds)


if __name__ == "__main__":
    alone(_main)
