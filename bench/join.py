"""The join: needs' end to the first step of what joins them, beside stock Buildbot and Celery.

Two masters with LocalWorkers and as many builders, one of ours, one of stock Buildbot, start a
build after others, with 2 needs and with 50, in turns:

- ours: slipway.Pipeline, a stage that needs the others, in the order of builders of master.cfg
- Dependent: Buildbot's own Dependent scheduler
- Trigger: a parent build that waits for the others, then triggers the last

And beside them:

- floor: a forced build's request to its first step (what the engine itself costs), on the master
  of ours
- Celery's chord of 50, results in SQL as ours are, and in Redis where the machine has a
  redis-server: the last task's end to the callback's start. Celery comes into an environment of
  its own, where the network or uv's cache has it.

"script" is the end of the last need's script (of Buildbot's ways: of its one step), "decided" when
the ledger has committed that the joining stage is queued, "asked" when Buildbot has a request for
it, "end" the last need's build finished as Buildbot says it. Ours begins before that.

Aims, with 2 needs and with 50: decided within 20 ms of the script's end; from there to the first
step at most 0.7 times the floor. Run it: make bench, or
python bench/join.py [ROUNDS] [ROUNDS OF 50] [MINUTES]; no round begins after its share of them.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from ending import alone
from joining.site import WIDTHS, Site, running
from rich.console import Console
from rich.table import Table

CHORD = "celery[sqlalchemy,redis]==5.5.3"
DECIDED, OF_FLOOR = 0.02, 0.7
#: Of the minutes: for 2 needs, for 50, for each of Celery's stores.
SHARES = (0.25, 0.5, 0.06)
WAYS = ("ours", "Dependent", "Trigger")


@dataclass
class Measured:
    """Seconds of one way, a figure a round."""

    script_decided: list[float] = field(default_factory=list)
    script_asked: list[float] = field(default_factory=list)
    decided_step: list[float] = field(default_factory=list)
    script_step: list[float] = field(default_factory=list)
    end_step: list[float] = field(default_factory=list)


def main() -> None:
    """Measure and print the table."""
    given = [float(one) for one in sys.argv[1:]] + [12, 4, 4][len(sys.argv) - 1 :]
    rounds, seconds = dict(zip(WIDTHS, map(int, given), strict=False)), given[2] * 60
    before = os.getloadavg()[0]
    measured: dict[tuple[str, int], Measured] = {}
    floor: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder,
        running(Path(folder, "ours"), ours=True) as ours,
        running(Path(folder, "stock"), ours=False) as stock,
    ):
        for width, share in zip(WIDTHS, SHARES, strict=False):
            until = time.monotonic() + share * seconds
            for number in range(rounds[width]):
                if number and time.monotonic() > until:
                    break
                floor.append(_floor(ours))
                for way in WAYS:
                    site = ours if way == "ours" else stock
                    _join(site, way, width, measured.setdefault((way, width), Measured()))
    most = SHARES[2] * seconds
    chords = {"SQL": _chord("sql", rounds[WIDTHS[-1]], most)}
    if shutil.which("redis-server"):
        chords["Redis"] = _chord("redis", rounds[WIDTHS[-1]], most)
    else:
        print("Celery with Redis is left out: apt install redis-server")
    _print(measured, floor, chords, before)


def _floor(site: Site) -> float:
    site.forget()
    asked = time.time()
    site.force("floor", "floor")
    took = site.wait("step of floor") - asked
    site.wait("end of floor")
    time.sleep(0.3)
    return took


def _join(site: Site, way: str, width: int, measured: Measured) -> None:
    """Run one round and write down what it took."""
    site.forget()
    name = f"{way.lower()}{width}"
    join, scheduler, builder = f"{name}-join", f"{name}-force", f"{name}-parent"
    if way == "ours":
        join, scheduler, builder = f"fan{width}.join", f"fan{width}-run", f"fan{width}.p0"
    site.force(scheduler, builder)
    step = site.wait(f"step of {join}")
    site.wait(f"end of {join}")
    parts = [f"fan{width}.p{number}" for number in range(width)]
    for part in parts:
        site.wait(f"end of {part}")
    found = site.found()
    script = max(found[f"script of {part}"] for part in parts)
    end = max(found[f"end of {part}"] for part in parts)
    measured.script_asked.append(found[f"request of {join}"] - script)
    if way == "ours":
        decided = found[f"ledger of {join}"]
        measured.script_decided.append(decided - script)
        measured.decided_step.append(step - decided)
    measured.script_step.append(step - script)
    measured.end_step.append(step - end)
    if way != "ours":
        site.wait(f"end of {builder}")
    # What the master still closes must not slow the next one.
    time.sleep(0.5)


def _chord(way: str, rounds: int, seconds: float) -> list[float]:
    """Return what Celery takes; nothing where it cannot be had."""
    uv = str(Path(sys.executable).parent / "uv")
    script = str(Path(__file__).parent / "joining" / "chord.py")
    words = ["run", "--isolated", "--no-project", "--python", sys.executable, "--with", CHORD]
    arguments = [way, str(rounds), str(WIDTHS[-1]), str(seconds)]
    done = subprocess.run(
        [uv, *words, script, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"Celery ({way}) could not be measured: {done.stderr[-500:]}")
        return []
    return [float(one) for one in json.loads(done.stdout.splitlines()[-1])]


def _print(
    measured: dict[tuple[str, int], Measured],
    floor: list[float],
    chords: dict[str, list[float]],
    before: float,
) -> None:
    base = statistics.median(floor)
    table = Table(title="From the last script's end to what joins it, medians in ms")
    titles = ("decided", "asked", "step", "least", "most")
    for column in ("way", "needs", "rounds", *titles, "decided to step", "x floor", "end to step"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for (way, width), one in measured.items():
        after = statistics.median(one.decided_step) if one.decided_step else None
        table.add_row(
            way,
            str(width),
            str(len(one.script_step)),
            _ms(statistics.median(one.script_decided)) if one.script_decided else "",
            _ms(statistics.median(one.script_asked)),
            *_spread(one.script_step),
            "" if after is None else _ms(after),
            "" if after is None else f"{after / base:.2f}",
            _ms(statistics.median(one.end_step)),
        )
    for store, times in chords.items():
        if times:
            row = (f"Celery, {store}", str(WIDTHS[-1]), str(len(times)), "", "")
            table.add_row(*row, *_spread(times))
    table.add_row("floor", "0", str(len(floor)), "", "", *_spread(floor), "", "1.00")
    console = Console(width=120)
    console.print(table)
    for width in WIDTHS:
        ours = measured["ours", width]
        decided = statistics.median(ours.script_decided)
        _aim(console, f"{width} needs, decided within 20 ms", _ms(decided), decided <= DECIDED)
        ratio = statistics.median(ours.decided_step) / base
        aim = f"{width} needs, then the first step at most {OF_FLOOR} times the floor"
        _aim(console, aim, f"{ratio:.2f}", ratio <= OF_FLOOR)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    console.print(
        f"[dim]load {before:.1f} before, {load} after; Python {sys.version.split()[0]}, "
        f"SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores[/]"
    )


def _spread(times: list[float]) -> tuple[str, str, str]:
    return _ms(statistics.median(times)), _ms(min(times)), _ms(max(times))


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"


def _aim(console: Console, what: str, measured: str, met: bool) -> None:  # noqa: FBT001
    console.print(f"aim: {what}: measured {measured}: {'met' if met else 'missed'}")


if __name__ == "__main__":
    alone(main)
