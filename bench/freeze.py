"""Measure `slipway stage freeze` beside plain cx_Freeze and PyInstaller, in one run.

All three freeze the same projects in the same kind of environment, which is made before the clock
starts: the almanac's command line; its window (PySide6), drawn into memory; and with --corpus the
applications of tests/data/freeze with no hand-written option, each started elsewhere afterwards to
see whether it does its job. What a tool is given is what is frozen, and its name. Entry points that
plain cx_Freeze and PyInstaller do not know are given as the start script that packaging writes.

Ours is measured twice: the first time, when it runs the program and its tests to learn what they
use, and again, after a change of one line in the program. PyInstaller keeps its own cache between
the two; cx_Freeze has none. Size is that of the tree; start-up is that of one useful command.

Aims: all of the corpus at the first try; after a one-line change a quarter of our own first time;
the closure check of a PySide6 tree within 0.5 s.

Run it: python bench/freeze.py [ROUNDS] [--corpus] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import chdir, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ending import alone
from freezing.projects import MEASURED, Case, Project, Quiet, corpus
from rich.console import Console
from rich.table import Table

from slipway.model.errors import SlipwayError
from slipway.model.protocol.job import Job, RunFacts
from slipway.scripts.archives.pack import unpack
from slipway.scripts.binaries.binary import read_tree
from slipway.scripts.python_env.environment import Environment
from slipway.scripts.stages.freeze.clean_room.environment import bare_environment
from slipway.scripts.stages.freeze.freezing import CX_FREEZE
from slipway.scripts.stages.freeze.libraries.closure import check_closure
from slipway.scripts.stages.freeze.run import run
from slipway.scripts.virtual_display import OFFSCREEN

PYINSTALLER = "6.22.3"
EPOCH = 1_700_000_000
STARTS = 8
#: Seconds that a tool may take, and a program.
PATIENCE = 600
STARTING = 20
AIM_AGAIN = 0.25
AIM_CLOSURE = 0.5


@dataclass
class Made:
    """What one tool made of a case."""

    seconds: float
    tree: Path | None
    why: str = ""
    works: bool = False


def ours(project: Project, into: Path) -> Made:
    """Freeze with slipway."""
    facts = RunFacts(
        number=7, revision="a" * 40, branch="main", committed_at=EPOCH, version="1.4.0+7"
    )
    job = Job(
        project="program",
        name="freeze",
        stage=project.stage,
        run=facts,
        output=str(into),
        cache=str(project.cache),
        state=str(project.folder / "state"),
    )
    began = time.monotonic()
    try:
        with chdir(project.source):
            run(job, Quiet())
    except SlipwayError as error:
        return Made(time.monotonic() - began, None, str(error).splitlines()[0])
    seconds = time.monotonic() - began
    unpack(next(into.glob("*.tar.zst")), into / "away")
    return Made(seconds, next((into / "away").iterdir()))


def _call(words: list[str | Path], project: Project, environment: Environment) -> tuple[float, str]:
    """Run a rival; return seconds, and why it failed."""
    began = time.monotonic()
    done = subprocess.run(
        words,
        cwd=project.source,
        env=environment.variables(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    last = (done.stderr.strip().splitlines() or ["no reason"])[-1]
    return time.monotonic() - began, "" if done.returncode == 0 else last


def cx_freeze(project: Project, into: Path) -> Made:
    """Freeze with cx_Freeze's own command."""
    environment = project.environment(f"cx_Freeze=={CX_FREEZE}")
    words: list[str | Path] = [environment.python, "-m", "cx_Freeze", "--script", project.script()]
    words += ["--target-name", "program"]
    if project.gui:
        words += ["--base", "gui"]
    words += ["build_exe", "--silent", "--build-exe", into / "program"]
    seconds, why = _call(words, project, environment)
    return Made(seconds, None if why else into / "program", why)


def pyinstaller(project: Project, into: Path) -> Made:
    """Freeze with PyInstaller, into a folder."""
    environment = project.environment(f"pyinstaller=={PYINSTALLER}")
    kept = project.folder / "pyinstaller"
    words: list[str | Path] = [environment.python, "-m", "PyInstaller", "--noconfirm", "--onedir"]
    words += ["--name", "program", "--log-level", "ERROR", "--distpath", into]
    words += ["--workpath", kept, "--specpath", kept]
    if project.gui:
        words.append("--windowed")
    seconds, why = _call([*words, project.script()], project, environment)
    return Made(seconds, None if why else into / "program", why)


TOOLS: dict[str, Callable[[Project, Path], Made]] = {
    "slipway": ours,
    "cx_Freeze": cx_freeze,
    "PyInstaller": pyinstaller,
}


def program_in(tree: Path) -> Path:
    """Return a tree's executable."""
    return next(
        path
        for path in sorted(tree.iterdir())
        if path.is_file() and os.access(path, os.X_OK) and path.suffix in {"", ".exe"}
    )


def start(made: Made, case: Case, folder: Path) -> float:
    """Start a frozen program as a user would, elsewhere; return seconds, and note if it works."""
    if made.tree is None:
        return 0.0
    folder.mkdir(exist_ok=True)
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            [program_in(made.tree), *case.arguments],
            cwd=folder,
            env=bare_environment() | OFFSCREEN,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, StopIteration) as error:
        made.why = type(error).__name__
        return 0.0
    try:
        output, _ = process.communicate(timeout=STARTING)
    except subprocess.TimeoutExpired:
        output = b"it does not end"
    seconds = time.monotonic() - began
    # All at once: a program whose children start the program again has hundreds by now.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    said = output.decode("utf-8", errors="replace")
    made.works = process.returncode == 0 and case.expect in said
    if not made.works:
        # PyInstaller's own last line only says that the script failed.
        lines = [line for line in said.strip().splitlines() if not line.startswith("[PYI-")]
        made.why = (lines or ["it prints nothing"])[-1]
    return seconds


def size_of(tree: Path) -> float:
    """Return a tree's size in MB, each file once."""
    files = {path.stat().st_ino: path.stat().st_size for path in tree.rglob("*") if path.is_file()}
    return sum(files.values()) / 1_000_000


def make_all(project: Project, folder: Path) -> dict[str, Made]:
    """Freeze a project with each tool, one after the other."""
    made = {}
    for name, tool in TOOLS.items():
        into = folder / name
        into.mkdir(parents=True)
        made[name] = tool(project, into)
    return made


@dataclass
class Figures:
    """The figures of one tool for one case, by round."""

    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    started: list[float] = field(default_factory=list)
    size: float = 0.0
    why: str = ""


def measure(case: Case, rounds: int, place: Path) -> tuple[dict[str, Figures], float]:
    """Measure a case; return the figures by tool, and seconds of the closure check."""
    figures = {name: Figures() for name in TOOLS}
    closing: list[float] = []
    for number in range(rounds):
        folder = place / f"{case.name.replace(', ', '-').replace(' ', '-')}-{number}"
        project = Project(case, folder)
        # The environments are made before the clock starts, as they are kept between two freezes.
        for tool in ("cx_Freeze==" + CX_FREEZE, "pyinstaller==" + PYINSTALLER):
            project.environment(tool)
        first = make_all(project, folder / "first")
        for name, made in first.items():
            figures[name].first.append(made.seconds)
            figures[name].started += [start(made, case, folder / "empty") for _ in range(STARTS)]
            figures[name].size = size_of(made.tree) if made.tree else 0.0
            figures[name].why = made.why
        tree = first["slipway"].tree
        if tree is not None:
            closing.append(_closure_seconds(tree))
        project.change()
        for name, made in make_all(project, folder / "again").items():
            figures[name].again.append(made.seconds)
        shutil.rmtree(folder)
    return figures, statistics.median(closing or [0.0])


def _closure_seconds(tree: Path) -> float:
    began = time.monotonic()
    check_closure(tree, read_tree(tree), [program_in(tree).name], [], "10")
    return time.monotonic() - began


def show(console: Console, case: Case, figures: dict[str, Figures], closing: float) -> None:
    """Print the figures of a case."""
    table = Table("tool", "first, s", "one line changed, s", "ratio", "MB", "start, s", "works")
    for name, one in figures.items():
        first, again = statistics.median(one.first), statistics.median(one.again)
        table.add_row(
            name,
            f"{first:.1f}",
            f"{again:.1f}",
            f"{again / first:.2f}",
            f"{one.size:.0f}",
            f"{statistics.median(one.started):.3f}",
            one.why or "yes",
        )
    console.print(f"\n{case.name}", table)
    mine = figures["slipway"]
    ratio = statistics.median(mine.again) / statistics.median(mine.first)
    console.print(f"one line changed: {ratio:.2f} of our first time (aim {AIM_AGAIN})")
    console.print(f"closure check: {closing:.2f} s (aim {AIM_CLOSURE} s for PySide6)")


def try_corpus(console: Console, only: list[str], place: Path) -> None:
    """Freeze the corpus with each tool, and print which programs do their job."""
    table = Table("application", *TOOLS)
    working = dict.fromkeys(TOOLS, 0)
    cases = [case for case in corpus() if not only or case.name in only]
    for case in cases:
        project = Project(case, place / case.name)
        row = []
        for name, made in make_all(project, project.folder / "out").items():
            start(made, case, project.folder / "empty")
            working[name] += made.works
            row.append("yes" if made.works else f"no: {made.why[:60]}")
        table.add_row(case.name, *row)
        console.print(f"{case.name}: {', '.join(row)}")
        shutil.rmtree(project.folder)
    table.add_row(f"of {len(cases)}", *(str(number) for number in working.values()))
    console.print(table)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    parser.add_argument("--corpus", action="store_true", help="the applications of tests/data too")
    parser.add_argument("--only", nargs="+", default=[], help="these of the corpus alone")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 160)
    with tempfile.TemporaryDirectory(prefix="slipway-freeze-") as folder:
        if not options.only:
            for case in MEASURED:
                show(console, case, *measure(case, options.rounds, Path(folder)))
        if options.corpus or options.only:
            try_corpus(console, options.only, Path(folder))


if __name__ == "__main__":
    alone(main)
