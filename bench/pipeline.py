"""The engine's price: the example's pipeline through master and worker, beside `slipway run`.

Both do the same stages with the same scripts on this machine, their environments cached. The
site: one `slipway up` that goes on running; each round commits a file and polls. Alone: `slipway
run --jobs 4` in the repository. The two alternate, and change places each round.

Aim: the site's wall at most 1.15 times that of `slipway run`. Run it: make bench, or
python bench/pipeline.py [ROUNDS].
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
SLIPWAY = [sys.executable, "-m", "slipway.cli"]
AIM = 1.15
JOBS = "4"
#: Seconds a run may take; the first makes the environments.
PATIENCE = 600
_SCRIPT = re.compile(r"'slipway', 'stage', '(\w+)'.*elapsedTime: ([\d.]+)")


@dataclass
class Stage:
    """Where the seconds of one stage went."""

    waited: float
    """From the end of the last need (or the run's start) to the stage's start."""
    seconds: float
    script: float = 0.0
    """Of these, the script's own process; the rest carries artefacts and keeps the ledger."""


@dataclass
class Trip:
    """One way through the pipeline."""

    wall: float
    around: float
    """Measured around the command, or from asking for the poll to seeing the run's end."""
    last: float
    """From the last stage's end to the run's end."""
    stages: dict[str, Stage] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)
    """Processor seconds of the engine's own processes, without the stages they started."""


class Bench:
    """A site in a folder of its own, and the same pipeline beside it."""

    def __init__(self, here: Path) -> None:
        self.here = here
        self.state = here / "state"
        self.env = {**os.environ, "SLIPWAY_STATE": str(self.state), "COLUMNS": "200"}
        self.env.setdefault("UV_CACHE_DIR", str(ROOT / ".slipway" / "cache" / "uv"))
        self.commits = 0
        self.engine: dict[str, psutil.Process] = {}
        self.up: subprocess.Popen[bytes] | None = None
        self._set_up()
        text = (here / "pipeline.toml").read_text()
        stages = tomllib.loads(text)["project"]["almanac"]["stages"]
        self.needs: dict[str, list[str]] = {name: s.get("needs", []) for name, s in stages.items()}

    def _set_up(self) -> None:
        web, workers = _lease_ports()
        text = (ROOT / "pipeline.toml").read_text()
        url = f'url = "http://127.0.0.1:{web}/"\nworker-port = {workers}'
        text = re.sub(r"^url = .*$", url, text, flags=re.MULTILINE)
        text = re.sub(r"^repository = .*$", 'repository = "source"', text, flags=re.MULTILINE)
        (self.here / "pipeline.toml").write_text(text)
        (self.here / "master.cfg").write_text((ROOT / "master.cfg").read_text())
        self.slipway("example", str(ROOT / "examples" / "almanac"), str(self.here / "source"))

    def slipway(self, *words: str) -> str:
        """Run a command to its end and return what it printed."""
        done = subprocess.run(
            [*SLIPWAY, *words],
            cwd=self.here,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"slipway {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    @contextmanager
    def site(self) -> Iterator[None]:
        """Keep a site up."""
        with (self.here / "up.log").open("w") as log:
            up = subprocess.Popen(
                [*SLIPWAY, "up"],
                cwd=self.here,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.up = up
            self.wait_for_run(1)
            self._find_engine(up.pid)
            yield
        finally:
            up.send_signal(signal.SIGINT)
            try:
                up.wait(30)
            except subprocess.TimeoutExpired:
                up.kill()
            _end_all_of(self.here)

    def _find_engine(self, up: int) -> None:
        self.engine["slipway up"] = psutil.Process(up)
        for child in psutil.Process(up).children():
            name = "worker" if "/workers/" in " ".join(child.cmdline()) else "master"
            self.engine[name] = child

    def _processor(self) -> dict[str, float]:
        times = {name: process.cpu_times() for name, process in self.engine.items()}
        return {name: spent.user + spent.system for name, spent in times.items()}

    def commit(self) -> None:
        """Give the poll something new to find."""
        self.commits += 1
        source = self.here / "source"
        (source / "NOTE.md").write_text(f"note {self.commits}\n")
        git = ["git", "-c", "user.name=b", "-c", "user.email=b@localhost"]
        subprocess.run([*git, "add", "--all"], cwd=source, check=True)
        commit = [*git, "commit", "-q", "-m", f"note {self.commits}"]
        subprocess.run(commit, cwd=source, check=True)

    def by_site(self) -> Trip:
        """Commit, poll, and wait for the end of the run."""
        self.commit()
        log = self.state / "workers" / "local" / "twistd.log"
        offset = log.stat().st_size
        before = self._processor()
        asked = time.time()
        self.slipway("poll")
        run = self.wait_for_run(self.commits + 1)
        around = time.time() - asked
        with log.open(errors="replace") as stream:
            stream.seek(offset)
            scripts = {name: float(seconds) for name, seconds in _SCRIPT.findall(stream.read())}
        times = {name: (s["started_at"], s["finished_at"]) for name, s in run["stages"].items()}
        trip = self._trip(times, run["started_at"], run["finished_at"], around)
        trip.processor = {name: now - before[name] for name, now in self._processor().items()}
        for name, stage in trip.stages.items():
            stage.script = scripts.get(self._uses(run, name), 0.0)
        return trip

    def _uses(self, run: dict[str, Any], name: str) -> str:
        return str(run["stages"][name]["uses"])

    def wait_for_run(self, number: int) -> dict[str, Any]:
        """Wait until a run has ended, without taking much of the machine, and return it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._state_of(number) in {"", "running"}:
            if self.up is None or self.up.poll() is not None:
                break
            time.sleep(0.5)
        found = json.loads(self.slipway("runs", "--json", "--limit", "1"))
        if not found or found[0]["number"] != number or found[0]["state"] != "passed":
            output = (self.here / "up.log").read_text()
            raise SystemExit(f"run {number} did not pass: {found}\n{output}")
        return dict(found[0])

    def _state_of(self, number: int) -> str:
        """Read the ledger's file: the command that tells runs would be work beside the run."""
        file = self.state / "state.sqlite"
        if not file.exists():
            return ""
        ledger = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        with closing(ledger), suppress(sqlite3.OperationalError):
            query = "SELECT state FROM slipway_run WHERE number = ?"
            for row in ledger.execute(query, (number,)):
                return str(row[0])
        return ""

    def alone(self) -> Trip:
        """Do the same stages without a master."""
        asked = time.time()
        self.slipway("run", "--jobs", JOBS)
        around = time.time() - asked
        # A stage's job is written when it starts, what it left when it has ended.
        home = self.state / "local" / "almanac"
        times = {
            name: (_written(home / "jobs" / file), _written(home / "kept" / file))
            for name in self.needs
            for file in [f"{name}.json"]
        }
        first = min(start for start, _ in times.values())
        return self._trip(times, first, max(end for _, end in times.values()), around)

    def _trip(
        self, times: dict[str, tuple[float, float]], start: float, end: float, around: float
    ) -> Trip:
        trip = Trip(end - start, around, end - max(end for _, end in times.values()))
        for name, (began, ended) in times.items():
            ready = max((times[need][1] for need in self.needs[name]), default=start)
            trip.stages[name] = Stage(began - ready, ended - began)
        return trip


def main() -> int:
    """Measure and print the tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    # Ended from outside, it tells what it has and leaves nothing behind.
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console()
    busy, load = psutil.cpu_percent(3), os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        bench = Bench(Path(folder).resolve())
        with bench.site():
            bench.alone()
            sites, alones = _alternate(bench, console, rounds)
    _print_stages(console, sites, alones)
    _print_walls(console, sites, alones)
    console.print(
        f"[dim]Python {sys.version.split()[0]}, {os.cpu_count()} cores; before it began the cores "
        f"were {busy:.0f} % busy (load {load[0]:.1f}); load at the end {os.getloadavg()[0]:.1f}[/]"
    )
    return 0


def _alternate(bench: Bench, console: Console, rounds: int) -> tuple[list[Trip], list[Trip]]:
    sites: list[Trip] = []
    alones: list[Trip] = []
    try:
        for number in range(rounds):
            ways = [(sites, bench.by_site), (alones, bench.alone)]
            for trips, way in reversed(ways) if number % 2 else ways:
                trips.append(way())
            _print(console, number, sites[-1], alones[-1])
    except KeyboardInterrupt:
        whole = min(len(sites), len(alones))
        console.print(f"stopped after {whole} rounds")
        if not whole:
            raise
        return sites[:whole], alones[:whole]
    return sites, alones


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _print(console: Console, number: int, site: Trip, alone: Trip) -> None:
    console.print(
        f"[dim]round {number + 1}: site {site.wall:.2f} s, alone {alone.wall:.2f} s, "
        f"load {os.getloadavg()[0]:.1f}[/]"
    )


def _print_stages(console: Console, sites: list[Trip], alones: list[Trip]) -> None:
    table = Table(title="Where the seconds go, by stage (medians)")
    for column in (
        *("stage", "alone: waited", "seconds"),
        *("site: waited", "seconds", "script", "rest", "site - alone"),
    ):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for name in alones[0].stages:
        here = [trip.stages[name] for trip in alones]
        there = [trip.stages[name] for trip in sites]
        more = _median([s.waited + s.seconds for s in there]) - _median(
            [s.waited + s.seconds for s in here]
        )
        numbers = (
            _median([s.waited for s in here]),
            _median([s.seconds for s in here]),
            _median([s.waited for s in there]),
            _median([s.seconds for s in there]),
            _median([s.script for s in there]),
            _median([s.seconds - s.script for s in there]),
            more,
        )
        table.add_row(name, *(f"{number:.2f}" for number in numbers))
    console.print(table)
    console.print(
        "[dim]waited: since the last need's end, or the run's start (in the site the build's "
        "start and the source step are in it); script: the process on the worker; rest: job and "
        "artefacts carried, tests and ledger kept[/]"
    )


def _print_walls(console: Console, sites: list[Trip], alones: list[Trip]) -> None:
    names = sites[0].processor
    spent = {name: _median([trip.processor[name] for trip in sites]) for name in names}
    figures = ", ".join(f"{name} {seconds:.2f}" for name, seconds in spent.items())
    console.print(f"processor seconds of the engine itself in one run: {figures}")
    table = Table(title=f"The almanac pipeline from start to end ({len(sites)} rounds)")
    for column in ("way", "median s", "least", "most", "x alone", "aim", "around it s"):
        table.add_column(column, justify="left" if column == "way" else "right")
    base = _median([trip.wall for trip in alones])
    for name, trips, aim in (
        (f"slipway run --jobs {JOBS}", alones, ""),
        ("master and worker", sites, f"{AIM:.2f}"),
    ):
        walls = [trip.wall for trip in trips]
        cells = (f"{value:.2f}" for value in (_median(walls), min(walls), max(walls)))
        ratio = f"{_median(walls) / base:.2f}"
        table.add_row(name, *cells, ratio, aim, f"{_median([t.around for t in trips]):.2f}")
    console.print(table)
    times = _median([trip.wall for trip in sites]) / base
    verdict = "met" if times <= AIM else "missed"
    console.print(f"aim: at most {AIM:.2f} times `slipway run`; measured {times:.2f}: {verdict}")


def _median(values: list[float]) -> float:
    return statistics.median(values)


def _written(file: Path) -> float:
    return file.stat().st_mtime


def _lease_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(two.getsockname()[1])


def _end_all_of(here: Path) -> None:
    """End what is left of the processes that work in the bench's folder."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.cwd().startswith(str(here)):
                process.kill()


if __name__ == "__main__":
    sys.exit(main())
