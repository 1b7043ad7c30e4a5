"""Measure `slipway features` beside plain behave, behave-pool and behavex on one machine.

The suite is a user's: a small shop (log in, see a list, fill in a form, send it, see the answer:
ten steps, five requests) by the ready steps of slipway.sessions; 200 scenarios in 40 files over
plain HTTP, 40 in 20 files in a browser. A page takes the shop 5 ms. All programs run the same
files with the same Python against one shop, which counts the scenarios: lost and doubled runs are
found there, not in a program's own report.

Aims on two cores: with two jobs 1.7 times as fast as plain behave over HTTP, 1.6 times in a
browser; over HTTP at most 15 ms a scenario where the shop takes no time, and 20 times less
processor than in a browser for the same scenarios; nothing lost or doubled. With --flakes: 0
failures in 500 browser scenarios, on pages that move, with twice as many browsers as cores. With
--orphans: 0 wrong servers in 100 starts of an application on whose port an old one sits.

Run it: make bench, or python bench/features.py [ROUNDS] [--flakes] [--orphans]. The rivals are
installed into an environment of the bench's own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ending import alone
from feature_suites.cost import Cost, adopt_orphans, measured
from feature_suites.orphans import plant_orphans
from feature_suites.project import Suite, make
from rich.console import Console
from rich.table import Table

HTTP = Suite("http", 40, 5)
BROWSER = Suite("browser", 20, 2, "@javascript")
SAME = Suite("same", 20, 2)
QUICK = Suite("quick", 40, 5, page="/quick/login")
FLAKES = Suite("flakes", 50, 10, "@javascript", "/moving")
AIMS = {"http": 1.7, "browser": 1.6}
MILLISECONDS = 15
CHEAPER = 20
PLAIN = r"(\d+) scenarios? passed"
OURS = r"scenarios?: (\d+) passed"
POOL = r"(\d+) scenarios?, \d+ steps - .*failed: 0, skipped: 0, undefined: 0"


@dataclass(frozen=True)
class Round:
    """One run of a suite."""

    cost: Cost
    passed: int
    lost: int
    doubled: int

    @property
    def right(self) -> bool:
        """True: it ended with exit code 0."""
        return self.cost.code == 0


class Bench:
    """The project, its application, and the commands that run it."""

    def __init__(self, folder: Path, python: Path, url: str) -> None:
        self.folder = folder
        self.python = python
        self.url = url

    def ways(self, suite: Suite) -> dict[str, tuple[list[str], str]]:
        """Return the commands, each with the pattern that finds the number of passed scenarios."""
        python, paths = str(self.python), f"features/{suite.name}"
        slipway = [python, "-m", "slipway.cli", "features", "--base-url", self.url]
        programs = self.python.parent
        return {
            "plain behave": ([python, "-m", "behave", "-f", "progress3", paths], PLAIN),
            "slipway, 1 job": ([*slipway, "--jobs", "1", paths], OURS),
            "slipway, 2 jobs": ([*slipway, "--jobs", "2", paths], OURS),
            "behave-pool, 2": ([str(programs / "behave-pool"), "--jobs", "2", paths], POOL),
            "behavex, 2": (
                [
                    str(programs / "behavex"),
                    *("--parallel-processes", "2", "--parallel-scheme", "feature"),
                    *("-o", str(self.folder / "behavex"), paths),
                ],
                PLAIN,
            ),
        }

    def run(self, suite: Suite, words: list[str], count: str) -> Round:
        """Run one command; compare its number of passed scenarios with the application's counts."""
        self._take_counts()
        programs = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        # Modules that are compiled anew each time would be measured, too.
        kept = {name: one for name, one in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env = {**kept, "SLIPWAY_BASE_URL": self.url, "PATH": programs, "COLUMNS": "200"}
        cost = measured(words, self.folder, env)
        passed = sum(int(one) for one in re.findall(count, cost.output))
        counts = self._take_counts()
        if cost.code or passed != suite.scenarios:
            print(f"{words} ended with {cost.code}:\n{cost.output[-2500:]}", file=sys.stderr)
        lost = len(suite.titles - counts.keys())
        return Round(cost, passed, lost, sum(times - 1 for times in counts.values()))

    def _take_counts(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.url}/_counts", timeout=10) as answer:  # noqa: S310
            found: dict[str, int] = json.load(answer)
            return found


def compare(bench: Bench, suite: Suite, rounds: int) -> None:
    """Run one suite with all commands, in turns, and print the table."""
    commands = bench.ways(suite)
    results: dict[str, list[Round]] = {name: [] for name in commands}
    before = os.getloadavg()[0]
    for number in range(rounds):
        for name in list(commands) if number % 2 == 0 else list(commands)[::-1]:
            results[name].append(bench.run(suite, *commands[name]))
    walls = {name: statistics.median(one.cost.wall for one in results[name]) for name in results}
    title = f"{suite.scenarios} scenarios, {suite.name}, medians of {rounds}"
    table = Table(title=f"{title}; load {before:.1f} to {os.getloadavg()[0]:.1f}")
    titles = ("way", "wall s", "x as fast", "ms each", "processor s", "MB", "passed", "lost")
    for title in (*titles, "doubled"):
        table.add_column(title, justify="left" if title == "way" else "right")
    for name, measurements in results.items():
        table.add_row(
            name,
            f"{walls[name]:.2f}",
            f"{walls['plain behave'] / walls[name]:.2f}",
            f"{walls[name] / suite.scenarios * 1000:.1f}",
            f"{statistics.median(one.cost.processor for one in measurements):.2f}",
            f"{statistics.median(one.cost.memory for one in measurements):.0f}",
            str(min(one.passed for one in measurements)),
            str(max(one.lost for one in measurements)),
            str(max(one.doubled for one in measurements)),
        )
    console = Console(width=110)
    console.print(table)
    faster = walls["plain behave"] / walls["slipway, 2 jobs"]
    _aim("two jobs, times as fast as plain behave", faster, faster >= AIMS[suite.name], suite.name)


def cheaper(bench: Bench) -> None:
    """Run the same scenarios over HTTP and in a browser, and compare processor seconds."""
    spent = {}
    for suite in (SAME, BROWSER):
        result = bench.run(suite, *bench.ways(suite)["plain behave"])
        spent[suite.name] = result.cost.processor
    figures = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in spent.items())
    print(f"{SAME.scenarios} scenarios by plain behave, processor: {figures}")
    ratio = spent["browser"] / spent["same"]
    _aim("HTTP cheaper than a browser, times", ratio, ratio >= CHEAPER, str(CHEAPER))


def each(bench: Bench) -> None:
    """Measure the duration of a scenario over HTTP by itself."""
    found = bench.folder / ".slipway" / "features" / "output" / "tests.json"
    ways = ("plain behave", "slipway, 2 jobs", "slipway, 1 job")
    walls = [bench.run(QUICK, *bench.ways(QUICK)[way]).cost.wall for way in ways]
    figures = ", ".join(f"{way} {wall:.2f} s" for way, wall in zip(ways, walls, strict=True))
    print(f"{QUICK.scenarios} scenarios, the shop taking no time: {figures}")
    took = sorted(row["seconds"] * 1000 for row in json.loads(found.read_text()))
    middle = statistics.median(took)
    _aim("a scenario over HTTP, ms (median)", middle, middle <= MILLISECONDS, str(MILLISECONDS))


def flakes(bench: Bench) -> None:
    """Run 500 scenarios on pages that move, twice as many browsers as cores."""
    jobs = 2 * (os.cpu_count() or 2)
    words, count = bench.ways(FLAKES)["slipway, 2 jobs"]
    words[words.index("--jobs") + 1] = str(jobs)
    one = bench.run(FLAKES, words, count)
    load = os.getloadavg()[0]
    print(f"{FLAKES.scenarios} browser scenarios, {jobs} jobs: {one.passed} passed, ", end="")
    print(f"{one.lost} lost, {one.doubled} doubled, {one.cost.wall:.0f} s, load {load:.1f}")
    _aim("flaky failures", FLAKES.scenarios - one.passed, one.passed == FLAKES.scenarios, "0")


def _aim(what: str, measured: float, met: bool, aim: str) -> None:  # noqa: FBT001
    sentence = AIMS.get(aim, aim)
    print(f"aim: {what}: {measured:.4g} (aim {sentence}): {'met' if met else 'missed'}", flush=True)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Run the shop."""
    shop = Path(__file__).parent / "feature_suites" / "shop.py"
    argv = [sys.executable, str(shop)]
    with subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield f"http://127.0.0.1:{line.strip()}"
        finally:
            process.kill()


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", nargs="?", type=int, help="rounds over HTTP and in a browser")
    parser.add_argument("--flakes", action="store_true", help="500 browser scenarios alone")
    parser.add_argument("--orphans", action="store_true", help="100 starts beside orphans alone")
    options = parser.parse_args()
    adopt_orphans()
    rivals = not options.flakes and not options.orphans
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as name, served(Path(name)) as url:
        folder = Path(name)
        suites = (HTTP, BROWSER, SAME, QUICK) if rivals else (FLAKES,)
        bench = Bench(folder, make(folder, suites, rivals=rivals), url)
        if options.flakes:
            flakes(bench)
        if options.orphans:
            _aim("wrong servers in 100 starts", wrong := plant_orphans(folder), wrong == 0, "0")
        if rivals:
            # The first run compiles and caches modules: it is not measured.
            for words, count in bench.ways(SAME).values():
                bench.run(SAME, words, count)
            compare(bench, HTTP, options.rounds or 3)
            each(bench)
            if shutil.which("chromedriver"):
                compare(bench, BROWSER, options.rounds or 1)
                cheaper(bench)
        print(json.dumps({"cores": os.cpu_count(), "python": sys.version.split()[0]}))


if __name__ == "__main__":
    alone(main)
