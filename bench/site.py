"""The whole site: from a fresh clone to the first release, the next one, and an idle master.

- first: `make up ONCE=1` in a fresh clone of this repository's head, with empty caches of uv and
  pip. It makes the environment, the example's repository, and one run up to the release.
- second: the same again after a commit in .slipway/almanac.
- idle memory: what the master's process holds (RSS) ten seconds after its first run has ended.

Aims: 300 s, 60 s, 120 MB. Packages come from the index that uv and pip are set up for: the first
figure is the network's, too. Run it: make bench, or python bench/site.py [ROUNDS].
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
PATIENCE = 900
#: Seconds after a run before the master counts as idle.
PAUSE = 10
#: As `top` and `ps` count.
MB = 1 << 20
FIRST, SECOND, MEMORY = "first make up ONCE=1", "second, a new commit", "idle master, RSS"
AIMS = {FIRST: (300.0, "s"), SECOND: (60.0, "s"), MEMORY: (120.0, "MB")}
#: What a `make bench` around this, or an active environment, would tell the clone's `make`.
_FOREIGN = {"MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "VIRTUAL_ENV", "SLIPWAY_STATE"}


class Bench:
    """A clone in a folder of its own."""

    def __init__(self, here: Path) -> None:
        self.here = here
        self.clone = here / "clone"
        ours = str(ROOT / ".venv" / "bin")
        path = [entry for entry in os.environ["PATH"].split(os.pathsep) if entry != ours]
        self.env = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        self.env |= {
            "PATH": os.pathsep.join(path),
            "UV_CACHE_DIR": str(here / "uv"),
            "PIP_CACHE_DIR": str(here / "pip"),
            "COLUMNS": "200",
        }
        self.commits = 0
        subprocess.run(["git", "clone", "-q", str(ROOT), str(self.clone)], check=True)
        done = ["git", "rev-parse", "--short", "HEAD"]
        self.revision = subprocess.check_output(done, cwd=self.clone, text=True).strip()
        web, workers = _lease_ports()
        config = self.clone / "pipeline.toml"
        url = f'url = "http://127.0.0.1:{web}/"\nworker-port = {workers}'
        config.write_text(re.sub(r"^url = .*$", url, config.read_text(), flags=re.MULTILINE))

    def make_up(self) -> float:
        """Run `make up ONCE=1` to its end and return its seconds."""
        started = time.monotonic()
        log = self.here / f"make-{self.commits}.log"
        with log.open("w") as output:
            make = subprocess.Popen(
                ["make", "up", "ONCE=1"],
                cwd=self.clone,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            code = make.wait(PATIENCE)
        except BaseException:
            os.killpg(make.pid, signal.SIGINT)
            make.wait(30)
            raise
        seconds = time.monotonic() - started
        if code:
            raise SystemExit(f"make up ONCE=1 ended with {code}:\n{log.read_text()}")
        return seconds

    def commit(self) -> None:
        """Give the next poll something new to find."""
        self.commits += 1
        source = self.clone / ".slipway" / "almanac"
        (source / "NOTE.md").write_text(f"note {self.commits}\n")
        git = ["git", "-c", "user.name=b", "-c", "user.email=b@localhost"]
        subprocess.run([*git, "add", "--all"], cwd=source, check=True)
        commit = [*git, "commit", "-q", "-m", f"note {self.commits}"]
        subprocess.run(commit, cwd=source, check=True)

    def memory(self, number: int) -> dict[str, float]:
        """Start a site, wait for its run and the pause, and return the MB of each process.

        Args:
            number: The number of the run, in a state folder that all rounds share.
        """
        env = {**self.env, "SLIPWAY_STATE": str(self.here / "state")}
        slipway = str(self.clone / ".venv" / "bin" / "slipway")
        with (self.here / f"up-{number}.log").open("w") as output:
            up = subprocess.Popen(
                [slipway, "up"],
                cwd=self.clone,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_for_run(slipway, env, number)
            time.sleep(PAUSE)
            held = {"slipway up": psutil.Process(up.pid).memory_info().rss / MB}
            for child in psutil.Process(up.pid).children():
                name = "worker" if "/workers/" in " ".join(child.cmdline()) else "master"
                held[name] = child.memory_info().rss / MB
            return held
        finally:
            up.send_signal(signal.SIGINT)
            try:
                up.wait(30)
            except subprocess.TimeoutExpired:
                up.kill()

    def _wait_for_run(self, slipway: str, env: dict[str, str], number: int) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        words = [slipway, "runs", "--json", "--limit", "1"]
        while time.monotonic() < deadline:
            time.sleep(1)
            done = subprocess.run(
                words, cwd=self.clone, env=env, capture_output=True, text=True, check=False
            )
            # While the first start makes the ledger, there is nothing to list.
            runs = json.loads(done.stdout) if done.stdout.startswith("[") else []
            if runs and runs[0]["number"] == number and runs[0]["state"] == "passed":
                return dict(runs[0])
            if runs and runs[0]["state"] not in {"running", "passed"}:
                raise SystemExit(f"run {number} did not pass: {runs[0]}")
        raise SystemExit(f"no end of run {number}; see {self.here}")

    def end(self) -> None:
        """End what is left of the processes that work in this folder."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.pid != os.getpid() and process.cwd().startswith(str(self.here)):
                    process.kill()


def main() -> int:
    """Measure and print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    # Ended from outside, it leaves nothing behind.
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console()
    busy, load = psutil.cpu_percent(3), os.getloadavg()
    found: dict[str, list[float]] = {name: [] for name in AIMS}
    others: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        bench = Bench(Path(folder).resolve())
        try:
            _measure(bench, console, found, others, rounds)
        except KeyboardInterrupt:
            console.print("stopped; what has been measured until then:")
        finally:
            bench.end()
    _print(console, found, others)
    console.print(
        f"[dim]revision {bench.revision}, Python {sys.version.split()[0]}, {os.cpu_count()} cores; "
        f"before it began the cores were {busy:.0f} % busy (load {load[0]:.1f}); "
        f"load at the end {os.getloadavg()[0]:.1f}[/]"
    )
    return 0


def _measure(
    bench: Bench,
    console: Console,
    found: dict[str, list[float]],
    others: list[dict[str, float]],
    rounds: int,
) -> None:
    found[FIRST].append(bench.make_up())
    _print_group(console, FIRST, found)
    for _ in range(rounds):
        bench.commit()
        found[SECOND].append(bench.make_up())
        _print_group(console, SECOND, found)
    for number in range(1, rounds + 1):
        bench.commit()
        held = bench.memory(number)
        found[MEMORY].append(held.pop("master"))
        others.append(held)
        _print_group(console, MEMORY, found)


def _print_group(console: Console, name: str, found: dict[str, list[float]]) -> None:
    value, unit = found[name][-1], AIMS[name][1]
    console.print(f"[dim]{name}: {value:.1f} {unit}, load {os.getloadavg()[0]:.1f}[/]")


def _print(console: Console, found: dict[str, list[float]], others: list[dict[str, float]]) -> None:
    table = Table(title="The example's site, from a fresh clone")
    for column in ("what", "times", "median", "least", "most", "aim", "x aim"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, values in found.items():
        if values:
            aim, unit = AIMS[name]
            middle = statistics.median(values)
            cells = (f"{value:.1f} {unit}" for value in (middle, min(values), max(values), aim))
            table.add_row(name, str(len(values)), *cells, f"{middle / aim:.2f}")
    console.print(table)
    if others:
        middles = {name: statistics.median([one[name] for one in others]) for name in others[0]}
        sentence = ", ".join(f"{name} {value:.0f} MB" for name, value in middles.items())
        console.print(f"[dim]beside the master: {sentence}[/]")
    for name, values in found.items():
        aim, unit = AIMS[name]
        if not values:
            console.print(f"aim: {name}: at most {aim:.0f} {unit}; not measured")
            continue
        middle = statistics.median(values)
        verdict = "met" if middle <= aim else "missed"
        sentence = f"at most {aim:.0f} {unit}; measured {middle:.1f}: {verdict}"
        console.print(f"aim: {name}: {sentence}")


def _lease_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(two.getsockname()[1])


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
