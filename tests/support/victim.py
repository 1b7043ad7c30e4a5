"""A site whose runs go through all kinds of stages, to be killed and hurt, and what is left then.

Whatever happens to its master, worker, disk, clock or database: each stage passes once, no two
builds of it are ever at work at the same time, and there is one release and one deployment a run.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.live.conftest import LiveSite

from .machine import wait_for
from .rows import connect
from .site import command

PATIENCE = 300.0
API = "plugins/slipway/api/"
#: The database is locked, or restarts.
_AWAY = (sqlite3.OperationalError, psycopg.OperationalError)
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
_REST = """
[project.demo.stages.pack]
uses = "archive"
formats = ["zip"]
needs = ["make", "check"]

[project.demo.stages.publish]
uses = "publish"
if-unchanged = "release"
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
        self.forgives = False
        """Whether stages may fail, to be tried again by a person: on a full disk they do."""
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

    def ask(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return rows; values are named in the query as :name."""
        while True:
            with suppress(*_AWAY), closing(connect(self.site)) as connection:
                return self._rows(connection, query, values)
            time.sleep(0.005)

    @staticmethod
    def _rows(connection: Any, query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        if isinstance(connection, psycopg.Connection):
            query = re.sub(r":(\w+)", r"%(\1)s", query)
        return connection.execute(query, values).fetchall()  # type: ignore[no-any-return]

    def told(self) -> list[tuple[Any, ...]]:
        """Return all that changes at a transition."""
        return self.ask(
            "SELECT s.id, s.state, s.request_id, s.build_id, s.exit_code, r.state, g.state "
            "FROM slipway_run r LEFT JOIN slipway_stage s ON s.run_id = r.id "
            "LEFT JOIN slipway_gate g ON g.stage_id = s.id ORDER BY r.id, s.id"
        ) + self.ask("SELECT id, state FROM slipway_deployment")

    def states(self) -> list[str]:
        return [state for (state,) in self.ask("SELECT state FROM slipway_run ORDER BY number")]

    def failed(self) -> list[tuple[Any, ...]]:
        """Return the newest attempts that have failed, in runs that can go no further."""
        return self.ask(
            "SELECT r.number, s.name, s.cell FROM slipway_stage s "
            "JOIN slipway_run r ON r.id = s.run_id WHERE s.state = 'failed' "
            "AND r.state = 'failed' AND s.id = (SELECT max(o.id) FROM slipway_stage o "
            "WHERE o.run_id = s.run_id AND o.name = s.name AND o.cell = s.cell)"
        )

    # ---- what people do

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response | None:
        """Ask the web API; None where the master does not answer."""
        with suppress(httpx.HTTPError), self.site.client(admin=True) as client:
            return client.post(API + path, json=body)
        return None

    def go_on(self) -> None:
        """Start a run where all have ended, open gates, try again what a full disk ended."""
        states = self.states()
        if not states or set(states) <= {"passed"}:
            self.post("runs", {"project": "demo"})
        for number, name, cell in self.failed() if self.forgives else []:
            path = f"runs/demo/{number}/stages/{name}/rerun"
            self.post(path, {"cell": cell, "reason": "the disk was full"})
        for gate_id, token in self.ask("SELECT id, token FROM slipway_gate WHERE state = 'open'"):
            answer = self.post(f"gates/{gate_id}/open", {"token": token, "values": {}})
            # 409: it was taken, and the master died before it said so.
            assert answer is None or answer.status_code in {200, 409, 503}, answer.text


def strike(it: Victim, dice: random.Random, seed: int, blow: Callable[[], None]) -> str:
    """Wait until something has changed so many times, and a moment more, and strike.

    Args:
        it: The site.
        dice: Says how many times, and how long a moment.
        seed: Of the dice, for the message when nothing changes any more.
        blow: Does what is done to the site.

    Returns:
        The last change that was seen.
    """
    left, before, seen = dice.randint(1, 6), it.told(), "nothing"
    deadline, last_go = time.monotonic() + PATIENCE, 0.0
    while left:
        assert time.monotonic() < deadline, f"seed {seed}: stuck at {before}\n{it.site.said()}"
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
    blow()
    return seen


def finish(it: Victim, seed: int) -> None:
    """Leave the runs alone until all have passed; a new one is begun only where there is none."""

    def look() -> bool:
        states = it.states()
        if not states or set(states) != {"passed"}:
            it.go_on()
            return False
        return True

    wait_for(look, lambda: f"seed {seed}: {it.told()}\n{it.site.said()}", PATIENCE)


def shape(it: Victim, number: int) -> dict[str, Any]:
    """Return what a run comes to, without what differs from run to run."""
    passed = it.ask(
        "SELECT s.name, s.cell, s.state, s.summary, "
        "(SELECT count(*) FROM slipway_artefact a WHERE a.stage_id = s.id) "
        "FROM slipway_stage s JOIN slipway_run r ON r.id = s.run_id WHERE r.number = :number",
        number=number,
    )
    deployed = it.ask(
        "SELECT d.state FROM slipway_deployment d JOIN slipway_stage s ON s.id = d.stage_id "
        "JOIN slipway_run r ON r.id = s.run_id WHERE r.number = :number",
        number=number,
    )
    if it.forgives:
        passed = [row for row in passed if row[2] != "failed"]
        deployed = [row for row in deployed if row[0] == "deployed"]
    interrupted = [row for row in passed if row[2] == "cancelled"]
    assert all(row[3].startswith("interrupted") for row in interrupted), interrupted
    gates = it.ask(
        "SELECT g.stage, g.state FROM slipway_gate g JOIN slipway_run r ON r.id = g.run_id "
        "WHERE r.number = :number",
        number=number,
    )
    return {
        "stages": Counter((*row[:3], row[4]) for row in passed if row[2] != "cancelled"),
        "deployments": [state for (state,) in deployed if state != "cancelled"],
        "releases": it.ask(
            "SELECT count(*) FROM slipway_release l JOIN slipway_run r ON r.id = l.run_id "
            "WHERE r.number = :number",
            number=number,
        ),
        # Where a deployment may fail, a person is asked once more.
        "gates": sorted(set(gates)) if it.forgives else gates,
    }


def check_effects(it: Victim, number: int, clock: float = 0.0) -> None:
    """A stage that has passed is never begun again, and none is at work twice at a time.

    Args:
        it: The site.
        number: The run.
        clock: Seconds by which the master's clock may have been wrong.
    """
    ended = {
        (name, cell): at
        for name, cell, at in it.ask(
            "SELECT s.name, s.cell, s.finished_at FROM slipway_stage s "
            "JOIN slipway_run r ON r.id = s.run_id WHERE s.state = 'passed' AND r.number = :number",
            number=number,
        )
    }
    lines = [line.split("|") for line in it.effects.read_text().splitlines()]
    mine = [line for line in lines if line[1] == str(number)]
    for name, cell in (("make", ""), ("check", "1"), ("check", "2"), ("after", "")):
        its = [line for line in mine if (line[2], line[3]) == (name, cell)]
        begun = [float(line[5]) for line in its if line[0] == "begin"]
        assert begun, f"{name} {cell} of run {number} has left no trace"
        assert max(begun) <= ended[name, cell] + clock, (
            f"{name} {cell} of run {number} began once more"
        )
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
