"""Freeze the applications of tests/data/freeze and start them: `make freeze-corpus`.

Each names its trap: what plain cx_Freeze gets wrong. None has an option that a person would have
had to find: no packages, includes or files. `case.toml` holds the trap, what is frozen (as in a
stage) and the text that the program prints where it does its job.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from slipway.model.errors import SlipwayError
from slipway.model.protocol.job import Job, RunFacts
from slipway.scripts.archives.pack import unpack
from slipway.scripts.process import run as run_program
from slipway.scripts.report import Report
from slipway.scripts.stages.freeze.clean_room.environment import bare_environment
from slipway.scripts.stages.freeze.run import run
from slipway.scripts.virtual_display import OFFSCREEN

CORPUS = Path(__file__).parent.parent / "data" / "freeze"
EPOCH = 1_700_000_000


class Quiet(Report):
    """Keeps what is said."""

    def __init__(self):
        self.lines = []

    def emit(self, event):
        self.lines.append(repr(event))

    def log(self, text):
        self.lines.append(text.rstrip("\n"))


@dataclass(frozen=True)
class Result:
    """How a case went."""

    name: str
    problem: str
    seconds: float
    lines: list[str]


def cases():
    """Return the names of all applications."""
    return sorted(path.parent.name for path in CORPUS.glob("*/case.toml"))


def lacks(name):
    """Return the program of the machine that an application needs and that is not there."""
    needed = tomllib.loads((CORPUS / name / "case.toml").read_text("utf-8")).get("needs", "")
    return "" if not needed or shutil.which(needed) else needed


def freeze_case(name, folder, cache):
    """Freeze an application and have it do its job; return the result."""
    source = folder / name
    shutil.copytree(CORPUS / name, source)
    case = tomllib.loads((source / "case.toml").read_text("utf-8"))
    (source / "case.toml").unlink()
    stage = {"uses": "freeze"} | {
        key: case[key] for key in ("script", "entry", "gui") if key in case
    }
    output = folder / f"{name}-output"
    facts = RunFacts(
        number=7, revision="a" * 40, branch="main", committed_at=EPOCH, version="1.4.0+7"
    )
    job = Job(
        project=name.replace("_", "-"),
        name="freeze",
        stage=stage,
        run=facts,
        output=str(output),
        cache=str(cache),
        state=str(folder / "state"),
    )
    report, before, began = Quiet(), Path.cwd(), time.monotonic()
    os.chdir(source)
    try:
        run(job, report)
    except SlipwayError as error:
        return Result(
            name, f"{type(error).__name__}: {error}", time.monotonic() - began, report.lines
        )
    finally:
        os.chdir(before)
    seconds = time.monotonic() - began
    return Result(
        name, start(output, case["expect"], folder / f"{name}-away"), seconds, report.lines
    )


def start(output, expected, away):
    """Start the frozen program elsewhere, without the project; return what is wrong."""
    archive = next(output.glob("*.tar.zst"))
    unpack(archive, away)
    shutil.rmtree(output)
    tree = next(away.iterdir())
    # Executables have no suffix, or .exe.
    program = next(
        path
        for path in sorted(tree.iterdir())
        if path.is_file() and os.access(path, os.X_OK) and path.suffix in {"", ".exe"}
    )
    empty = away / "empty"
    empty.mkdir()
    said = []
    env = bare_environment() | OFFSCREEN
    done = run_program([program], cwd=empty, env=env, log=said.append, timeout=120)
    text = "".join(said)
    if done.code == 0 and expected in text:
        return ""
    return f"exit code {done.code}, said: {text[-1500:]}"


def main():
    """Freeze what is named, or all, and print a table."""
    parser = argparse.ArgumentParser(description="freeze the corpus")
    parser.add_argument("names", nargs="*", choices=[[], *cases()], default=[])
    parser.add_argument("--cache", type=Path, help="keeps environments between calls")
    parser.add_argument("--verbose", action="store_true", help="print all that is said")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="slipway-corpus-") as place:
        for name in options.names or cases():
            cache = options.cache or Path(place, "cache")
            if lacking := lacks(name):
                print(f"{name:14} skipped: this machine has no {lacking}")
                continue
            result = freeze_case(name, Path(place), cache)
            failed += bool(result.problem)
            print(
                f"{name:14} {result.seconds:6.1f} s  {result.problem or 'does its job'}", flush=True
            )
            if options.verbose or result.problem:
                print(
                    "\n".join(
                        f"    | {line[:300]}"
                        for line in result.lines[-60 if options.verbose else -12 :]
                    )
                )
    print(f"{failed} of {len(options.names or cases())} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
