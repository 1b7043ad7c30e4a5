"""Runs that are killed at every turn end as if nothing had been: the master, the worker, both.

A killer watches the ledger and strikes a moment after something has changed in it. In the end each
run is compared with one that was left alone.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import LiveSite
from .machine import wait_for
from .pair import Pair
from .site import command

pytestmark = pytest.mark.live

#: `make kills` takes 200.
KILLS = int(os.environ.get("SLIPWAY_KILLS", "8"))
SEED = int(os.environ.get("SLIPWAY_SEED", str(time.time_ns() % 100_000)))
PATIENCE = 300.0
API = "plugins/slipway/api/"
_EFFECT = """
import os, time, pathlib
name, log = {name!r}, {log!r}
def tell(what):
    words = [what, os.environ["SLIPWAY_RUN"], name, os.environ.get("SLIPWAY_MATRIX_NUMBER", "")]
    line = "|".join([*words, str(os.getpid()), repr(time.time())])
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, (line + chr(10)).encode())
    os.close(file)
tell("begin")
time.sleep(0.05)
pathlib.Path("out.txt").write_text(name)
tell("end")
"""
_WAYS = (
    ("kill", signal.SIGKILL, ("master",)),
    ("kill", signal.SIGKILL, ("worker",)),
    ("kill", signal.SIGKILL, ("master", "worker")),
    ("stop", signal.SIGTERM, ("master",)),
    ("restart", signal.SIGTERM, ("worker", "master")),
)
_REST = """
[project.demo.stages.pack]
uses = "archive"
formats = ["zip"]
needs = ["make", "check"]

[project.demo.stages.publish]
uses = "publish"
needs = ["pack"]

[project.demo.stages.deliver]
uses = "deploy"
environment = "staging"
manual = true
needs = ["publish"]

[project.demo.environments.staging]
deployer = { kind = "folder", path = "deployed" }
"""


class Victim:
    """A site whose runs go through all kinds of stages, and what they have done outside."""

    def __init__(self, site: LiveSite) -> None:
        self.site = site
        self.effects = site.folder / "effects"
        self.database = site.state / "state.sqlite"
        code = {
            name: _EFFECT.format(name=name, log=str(self.effects)) for name in ("make", "check")
        }
        code["after"] = _EFFECT.format(name="after", log=str(self.effects))
        site.write(
            command("make", code["make"], artefacts='["out.txt"]')
            + command("check", code["check"], "make", matrix="{ number = [1, 2] }")
            + _REST
            + command("after", code["after"], "deliver")
        )

    # ---- reading; the master may be writing, or dead

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        uri = f"file:{self.database}?mode=ro"
        while True:
            with suppress(sqlite3.OperationalError), closing(sqlite3.connect(uri, uri=True)) as it:
                return it.execute(query, values).fetchall()
            time.sleep(0.005)

    def told(self) -> list[tuple[Any, ...]]:
        """Return all that changes at a transition."""
        return self.ask(
            "SELECT s.id, s.state, s.request_id, s.build_id, s.exit_code, r.state, g.state "
            "FROM slipway_run r LEFT JOIN slipway_stage s ON s.run_id = r.id "
            "LEFT JOIN slipway_gate g ON g.stage_id = s.id ORDER BY r.id, s.id"
        ) + self.ask("SELECT id, state FROM slipway_deployment")

    def states(self) -> list[str]:
        return [state for (state,) in self.ask("SELECT state FROM slipway_run ORDER BY number")]

    # ---- what people do

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response | None:
        """Ask the web API; None where the master does not answer."""
        with suppress(httpx.HTTPError), self.site.client(admin=True) as client:
            return client.post(API + path, json=body)
        return None

    def go_on(self) -> None:
        """Start a run where all have ended, and open the gates."""
        states = self.states()
        if not states or set(states) <= {"passed"}:
            self.post("runs", {"project": "demo"})
        for gate_id, token in self.ask("SELECT id, token FROM slipway_gate WHERE state = 'open'"):
            answer = self.post(f"gates/{gate_id}/open", {"token": token, "values": {}})
            # 409: it was taken, and the master died before it said so.
            assert answer is None or answer.status_code in {200, 409, 503}, answer.text


@pytest.fixture
def victim(site: LiveSite) -> Iterator[tuple[Victim, Pair]]:
    made, pair = Victim(site), Pair(site)
    pair.start("master", "worker")
    yield made, pair
    pair.end(signal.SIGTERM, "worker", "master")
    # A git that was just being started is told of its parent's end a moment later.
    wait_for(lambda: not site.processes(), lambda: f"left running: {site.processes()}")


def test_kills_leave_no_trace(victim: tuple[Victim, Pair]) -> None:
    """Whatever is killed whenever: each stage passes once, one release, one deployment a run."""
    it, pair = victim
    finish(it)
    undisturbed = shape(it, 1)
    dice, struck = random.Random(SEED), Counter[str]()
    began = time.monotonic()
    ways = itertools.cycle(_WAYS)
    for _ in range(KILLS):
        what, number, names = next(ways)
        seen = strike(it, pair, dice, number, names)
        struck[f"{what} {' and '.join(names)}"] += 1
        struck[f"struck at {seen}"] += 1
        pair.start(*names)
    finish(it)
    runs = len(it.states())
    print(f"\n{KILLS} kills, {runs} runs, {time.monotonic() - began:.0f} s, seed {SEED}")
    print("\n".join(f"{count:5} {what}" for what, count in sorted(struck.items())))
    for number in range(1, runs + 1):
        assert shape(it, number) == undisturbed, f"run {number}, seed {SEED}"
        check_effects(it, number)
    check_folders(it, runs)


def strike(it: Victim, pair: Pair, dice: random.Random, number: int, names: tuple[str, ...]) -> str:
    """Wait until something has changed so many times, and a moment more, and end them.

    Returns:
        The last change that was seen.
    """
    left, before, seen = dice.randint(1, 6), it.told(), "nothing"
    deadline, last_go = time.monotonic() + PATIENCE, 0.0
    while left:
        assert time.monotonic() < deadline, f"seed {SEED}: stuck at {before}\n{it.site.said()}"
        if time.monotonic() - last_go > 0.5:
            it.go_on()
            last_go = time.monotonic()
        now = it.told()
        if now != before:
            (changed, *_) = [row for row in now if row not in before] or [("",)]
            seen = "/".join(str(part) for part in changed if isinstance(part, str))
            left, before = left - 1, now
        time.sleep(0.004)
    time.sleep(dice.choice([0.0, 0.002, 0.01, 0.03, 0.1]))
    pair.end(number, *names)
    return seen


def finish(it: Victim) -> None:
    """Leave the runs alone until all have passed; a new one is begun only where there is none."""

    def look() -> bool:
        states = it.states()
        if not states or set(states) != {"passed"}:
            it.go_on()
            return False
        return True

    wait_for(look, lambda: f"seed {SEED}: {it.told()}\n{it.site.said()}", PATIENCE)


def shape(it: Victim, number: int) -> dict[str, Any]:
    """Return what a run comes to, without what differs from run to run."""
    passed = it.ask(
        "SELECT s.name, s.cell, s.state, s.summary, "
        "(SELECT count(*) FROM slipway_artefact a WHERE a.stage_id = s.id) "
        "FROM slipway_stage s JOIN slipway_run r ON r.id = s.run_id WHERE r.number = ?",
        number,
    )
    deployed = it.ask(
        "SELECT d.state FROM slipway_deployment d JOIN slipway_stage s ON s.id = d.stage_id "
        "JOIN slipway_run r ON r.id = s.run_id WHERE r.number = ?",
        number,
    )
    interrupted = [row for row in passed if row[2] == "cancelled"]
    assert all(row[3].startswith("interrupted") for row in interrupted), interrupted
    return {
        "stages": Counter((*row[:3], row[4]) for row in passed if row[2] != "cancelled"),
        "deployments": [state for (state,) in deployed if state != "cancelled"],
        "releases": it.ask(
            "SELECT count(*) FROM slipway_release l JOIN slipway_run r ON r.id = l.run_id "
            "WHERE r.number = ?",
            number,
        ),
        "gates": it.ask(
            "SELECT g.stage, g.state FROM slipway_gate g JOIN slipway_run r ON r.id = g.run_id "
            "WHERE r.number = ?",
            number,
        ),
    }


def check_effects(it: Victim, number: int) -> None:
    """A stage that has passed is never begun again, and none is at work twice at a time."""
    ended = {
        (name, cell): at
        for name, cell, at in it.ask(
            "SELECT s.name, s.cell, s.finished_at FROM slipway_stage s "
            "JOIN slipway_run r ON r.id = s.run_id WHERE s.state = 'passed' AND r.number = ?",
            number,
        )
    }
    lines = [line.split("|") for line in it.effects.read_text().splitlines()]
    mine = [line for line in lines if line[1] == str(number)]
    for name, cell in (("make", ""), ("check", "1"), ("check", "2"), ("after", "")):
        its = [line for line in mine if (line[2], line[3]) == (name, cell)]
        begun = [float(line[5]) for line in its if line[0] == "begin"]
        assert begun, f"{name} {cell} of run {number} has left no trace"
        assert max(begun) <= ended[name, cell], f"{name} {cell} of run {number} began once more"
        spans = [
            (float(line[5]), float(other[5]))
            for line in its
            for other in its
            if (line[0], other[0], line[4]) == ("begin", "end", other[4])
        ]
        for (_, end), (start, _) in itertools.pairwise(sorted(spans)):
            assert end <= start, f"{name} {cell} of run {number} was at work twice at a time"


def check_folders(it: Victim, runs: int) -> None:
    """Releases are whole, none is half there; one is deployed; the store holds what it says."""
    state = it.site.state
    releases = [Path(place) for (place,) in it.ask("SELECT place FROM slipway_release")]
    assert len(set(releases)) == runs
    for release in releases:
        assert json.loads((release / "release.json").read_text())
        for line in (release / "SHA256SUMS").read_text().splitlines():
            digest, name = line.split(maxsplit=1)
            found = hashlib.sha256((release / name.lstrip("*")).read_bytes()).hexdigest()
            assert found == digest, f"{release / name} is not what it was"
    folders = {path for path in releases[0].parent.iterdir() if path.is_dir()}
    assert {path for path in folders if not path.is_symlink()} == set(releases)
    assert (state / "deployed" / "current").resolve().is_dir()
    for path in state.glob("store/??/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.parent.name + path.name
    assert it.ask("SELECT count(*) FROM slipway_deployment WHERE state = 'running'") == [(0,)]
    done = it.site.run_slipway("audit", "--verify")
    assert done.returncode == 0, done.stdout + done.stderr
