"""Walking features: `slipway features` beside plain behave, behave-pool and behavex, one machine.

The suite is a user's: a small shop over plain HTTP (200 scenarios in 40 files: log in, fill in a
form, see the result) and the same in a browser (40 scenarios in 20 files), by the ready steps of
slipway.features. Everybody walks the same files with the same Python against one application.

Aims on two cores: with two jobs 1.7 times as fast as plain behave over HTTP, 1.6 times in a
browser; a scenario over HTTP at most 15 ms; over HTTP 20 times less processor than in a browser;
no result lost or doubled. Run it: make bench, or python bench/features.py [ROUNDS].
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PLAIN, WEB = (40, 5), (20, 2)
AIMS = {"http": 1.7, "browser": 1.6}
PATIENCE = 600

APPLICATION = """
import html, http.server, sys, urllib.parse

FORM = "<form method=post><label>Name <input name=name></label>" \\
    "<label>Colour <select name=colour><option>red<option>blue</select></label>" \\
    "<button>Save</button></form>"

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(FORM)

    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"])).decode()
        given = urllib.parse.parse_qs(data)
        told = f"{given['name'][0]} likes {given['colour'][0]}"
        self.answer(f"<p>{html.escape(told)}</p>" + FORM)

    def answer(self, body):
        page = f"<!doctype html><title>Shop</title><h1>Shop</h1>{body}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@dataclass
class Walk:
    """One walk through a suite."""

    wall: float
    processor: float
    passed: int


def write_suite(folder: Path, files: int, each: int, tag: str) -> None:
    """Write a suite of so many files with so many scenarios each."""
    features = folder / "features"
    (features / "steps").mkdir(parents=True)
    (features / "environment.py").write_text("from slipway.features.behaving import *\n")
    (features / "steps" / "ready.py").write_text("from slipway.features.steps import *\n")
    for file in range(files):
        lines = [f"Feature: Shop {file}"]
        for number in range(each):
            name = f"Ann {file}-{number}"
            lines += [
                f"  {tag}".rstrip(),
                f"  Scenario: {name}",
                '    Given I am on "/"',
                f'    When I fill in "Name" with "{name}"',
                '    And I select "blue" from "Colour"',
                '    And I press "Save"',
                f'    Then I should see "{name} likes blue"',
            ]
        (features / f"shop{file:02}.feature").write_text("\n".join(lines) + "\n")


def children_seconds() -> float:
    """Return the processor seconds of all children that have ended."""
    spent = psutil.Process().cpu_times()
    return spent.children_user + spent.children_system


def walk(words: list[str], folder: Path, url: str, count: str) -> Walk:
    """Run one command and count what it says has passed."""
    env = {**os.environ, "SLIPWAY_BASE_URL": url, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    before, began = children_seconds(), time.monotonic()
    done = subprocess.run(
        words,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    wall = time.monotonic() - began
    told = re.findall(count, done.stdout)
    passed = sum(int(one) for one in told)
    if done.returncode or not told:
        print(f"{words} ended with {done.returncode}:\n{done.stdout[-1500:]}", file=sys.stderr)
    return Walk(wall, children_seconds() - before, passed)


def ways(url: str, here: Path) -> dict[str, tuple[list[str], str]]:
    """Return the commands, each with what tells how many passed."""
    plain = r"(\d+) scenarios? passed"
    ours = [sys.executable, "-m", "slipway.cli", "features", "--base-url", url]
    found = {
        "plain behave": ([sys.executable, "-m", "behave", "-f", "progress3"], plain),
        "slipway, 1 job": ([*ours, "--jobs", "1"], r"scenarios?: (\d+) passed in"),
        "slipway, 2 jobs": ([*ours, "--jobs", "2"], r"scenarios?: (\d+) passed in"),
    }
    if shutil.which("behave-pool", path=str(BIN)):
        words = [str(BIN / "behave-pool"), "--workers", "2"]
        found["behave-pool, 2"] = (words, plain)
    if shutil.which("behavex", path=str(BIN)):
        words = [str(BIN / "behavex"), "--parallel-processes", "2", "--parallel-scheme", "feature"]
        found["behavex, 2"] = ([*words, "-o", str(here / "behavex")], r"(\d+) scenarios? passed")
    return found


def compare(kind: str, size: tuple[int, int], rounds: int, here: Path, url: str) -> dict[str, Walk]:
    """Walk one suite in all ways, in turns, and print the table."""
    folder = here / kind
    write_suite(folder, *size, "@javascript" if kind == "browser" else "")
    # The project's own environment: everybody uses this Python.
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n')
    commands = ways(url, here)
    commands = {
        name: ([*words, "--source", str(folder)], count) if "slipway" in name else (words, count)
        for name, (words, count) in commands.items()
    }
    seen: dict[str, list[Walk]] = {name: [] for name in commands}
    for number in range(rounds):
        for name in list(commands) if number % 2 == 0 else list(commands)[::-1]:
            seen[name].append(walk(commands[name][0], folder, url, commands[name][1]))
    middles = {
        name: Walk(
            statistics.median(one.wall for one in walks),
            statistics.median(one.processor for one in walks),
            min(one.passed for one in walks),
        )
        for name, walks in seen.items()
    }
    show(kind, size[0] * size[1], middles)
    return middles


def show(kind: str, scenarios: int, middles: dict[str, Walk]) -> None:
    """Print a suite's table."""
    table = Table(title=f"{scenarios} scenarios, {kind} (medians)")
    for title in ("way", "wall s", "x as fast", "ms a scenario", "processor s", "passed"):
        table.add_column(title, justify="left" if title == "way" else "right")
    base = middles["plain behave"].wall
    for name, one in middles.items():
        table.add_row(
            name,
            f"{one.wall:.2f}",
            f"{base / one.wall:.2f}",
            f"{one.wall / scenarios * 1000:.1f}",
            f"{one.processor:.2f}",
            str(one.passed) if one.passed == scenarios else f"{one.passed} of {scenarios}",
        )
    console = Console()
    console.print(table)
    measured = base / middles["slipway, 2 jobs"].wall
    met = "met" if measured >= AIMS[kind] else "missed"
    console.print(
        f"aim: two jobs {AIMS[kind]} times as fast as plain behave; {measured:.2f}: {met}"
    )


def main() -> None:
    """Compare both suites."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as name:
        here = Path(name)
        (here / "application.py").write_text(APPLICATION)
        served = subprocess.Popen(
            [sys.executable, str(here / "application.py")], stdout=subprocess.PIPE, text=True
        )
        try:
            url = f"http://127.0.0.1:{served.stdout.readline().strip() if served.stdout else ''}"
            plain = compare("http", PLAIN, rounds, here, url)
            if shutil.which("chromedriver"):
                web = compare("browser", WEB, rounds, here, url)
                each = [
                    kind["plain behave"].processor / size[0] / size[1]
                    for kind, size in ((web, WEB), (plain, PLAIN))
                ]
                told = f"a scenario over HTTP takes {each[0] / each[1]:.0f} times less processor"
                Console().print(f"{told} than in a browser (aim: 20)")
            print(json.dumps({"cores": os.cpu_count(), "python": sys.version.split()[0]}))
        finally:
            served.terminate()
            served.wait(10)


if __name__ == "__main__":
    main()
