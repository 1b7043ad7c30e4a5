"""A full ledger: what people look at, and a master's start, with 10,000 runs of 10 stages.

One project of ten stages; the last two are gates that deploy. Every tenth run was deployed, the
newest 200 wait at a gate. The questions are asked of the master's web API, as the pages ask them;
the master is started on this ledger and on an empty one in turns.

Aims: each answer within 20 ms; a start at most 1.5 times that on an empty ledger.
Run it: make bench, or python bench/ledger.py [RUNS] [ROUNDS].
"""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from slipway.ledger.tables import runs as tables
from slipway.ledger.tables.base import Base
from slipway.ledger.tables.gates import Deployment, Gate

TWISTD = "from twisted.scripts.twistd import run; run()"
API = "plugins/slipway/api/"
WAITING = 200
STAGES = ["a", "b", "c", "d", "e", "f", "pack", "publish", "staging", "production"]
_BATCH = 1000


class Site:
    """A site in a folder of its own, whose ledger is filled or not."""

    def __init__(self, here: Path) -> None:
        self.here = here
        here.mkdir()
        with ExitStack() as stack:
            held = [stack.enter_context(socket.socket()) for _ in range(2)]
            for one in held:
                one.bind(("127.0.0.1", 0))
            self.web, self.workers = (one.getsockname()[1] for one in held)
        (here / "pipeline.toml").write_text(_pipeline(here, self.web, self.workers))
        (here / "master.cfg").write_bytes((Path(__file__).parents[1] / "master.cfg").read_bytes())
        git = ["git", "-c", "user.name=b", "-c", "user.email=b@localhost"]
        subprocess.run([*git, "init", "-q", "-b", "main", str(here / "source")], check=True)
        commit = [*git, "commit", "-q", "--allow-empty", "-m", "one"]
        subprocess.run(commit, cwd=here / "source", check=True)
        self.state = here / "state"
        self.env = {**os.environ, "SLIPWAY_STATE": str(self.state)}
        self.env["SLIPWAY_CONFIG"] = str(here / "pipeline.toml")
        self._make()

    def _make(self) -> None:
        """Have `slipway up` make folders, passwords and databases once."""
        with (self.here / "up.log").open("wb") as log:
            argv = [sys.executable, "-m", "slipway.cli", "up"]
            up = subprocess.Popen(argv, cwd=self.here, env=self.env, stdout=log, stderr=log)
        try:
            self._wait(0, up)
            # The first run is on its way; what it does must not be measured.
            time.sleep(1)
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(60)

    def start(self) -> tuple[subprocess.Popen[bytes], float]:
        """Start the master alone; return it, and the seconds until it said that it runs."""
        folder = self.state / "master"
        log = folder / "twistd.log"
        offset = log.stat().st_size
        began = time.perf_counter()
        with (folder / "output.log").open("ab") as output:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-c", TWISTD, "--nodaemon", "--no_save", "--pidfile", ""),
                    *("--python", str(folder / "buildbot.tac")),
                ],
                cwd=folder,
                env=self.env,
                stdout=output,
                stderr=output,
            )
        self._wait(offset, process)
        return process, time.perf_counter() - began

    def _wait(self, offset: int, process: subprocess.Popen[bytes]) -> None:
        log = self.state / "master" / "twistd.log"
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            if log.exists() and b"BuildMaster is running" in log.read_bytes()[offset:]:
                return
            time.sleep(0.01)
        raise SystemExit(f"the bench's master did not come up; see {log}")

    def database(self) -> sa.Engine:
        """Return the ledger's database."""
        return sa.create_engine(f"sqlite:///{self.state / 'state.sqlite'}")


def main() -> int:
    """Measure and print the tables."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7  # noqa: PLR2004
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        empty, full = Site(Path(folder, "empty")), Site(Path(folder, "full"))
        _clear(empty)
        _clear(full)
        fill(full, runs)
        starts: dict[str, list[float]] = {"empty": [], "full": []}
        for _ in range(rounds):
            for name, site in (("empty", empty), ("full", full)):
                process, seconds = site.start()
                starts[name].append(seconds)
                _end(process)
        process, _ = full.start()
        try:
            answers = _ask(full, runs)
        finally:
            _end(process)
    _print(starts, answers, runs, rounds)
    return 0


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(60)


def _clear(site: Site) -> None:
    engine = site.database()
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name in {"slipway_run", "slipway_stage", "slipway_artefact"}:
                connection.execute(table.delete())
    engine.dispose()


def fill(site: Site, runs: int) -> None:
    """Write runs into a ledger, past the audit trail: nobody has done them."""
    engine = site.database()
    # A thousand seconds a run: the newest began a moment ago.
    first = time.time() - runs * 1000
    with engine.begin() as connection:
        for start in range(1, runs + 1, _BATCH):
            numbers = range(start, min(start + _BATCH, runs + 1))
            rows: dict[Any, list[dict[str, Any]]] = {
                model: [] for model in (tables.Run, tables.StageResult, tables.Artefact)
            }
            rows |= {model: [] for model in (tables.Release, Gate, Deployment)}
            for number in numbers:
                _write(rows, number, runs, first + number * 1000)
            for model, values in rows.items():
                if values:
                    connection.execute(sa.insert(model), values)
        connection.execute(sa.text("ANALYZE"))
    engine.dispose()


def _write(rows: dict[Any, list[dict[str, Any]]], number: int, runs: int, at: float) -> None:
    deployed, waits = number % 10 == 0, number > runs - WAITING
    rows[tables.Run].append(
        {
            "id": number,
            "project": "demo",
            "number": number,
            "branch": "main",
            "revision": f"{number:040x}",
            "version": f"1.0+{number}",
            "subject": "a change",
            "author": "Ann <ann@example.org>",
            "committed_at": int(at),
            "trigger": "poll",
            "state": "waiting" if waits else "passed" if deployed else "cancelled",
            "skips": {},
            "started_at": at,
            "finished_at": at + 300,
        }
    )
    for place, name in enumerate(STAGES):
        stage_id = number * 10 + place
        state = "passed"
        if name == "staging":
            state = "gate" if waits else "passed" if deployed else "expired"
        if name == "production" and (waits or not deployed):
            continue
        uses = "deploy" if name in {"staging", "production"} else name
        rows[tables.StageResult].append(
            {
                "id": stage_id,
                "run_id": number,
                "name": name,
                "uses": uses,
                "state": state,
                "exit_code": 0,
                "summary": "214 tests passed",
                "facts": {},
                "queued_at": at,
                "started_at": at + place,
                "finished_at": at + place + 30,
                "worker": "local",
            }
        )
        if place < 8:  # noqa: PLR2004
            rows[tables.Artefact].append(
                {
                    "stage_id": stage_id,
                    "name": f"{name}.zip",
                    "sha256": f"{stage_id:064x}",
                    "size": 1000,
                    "media_type": "application/zip",
                    "role": "product",
                }
            )
        if uses == "deploy":
            _gate(rows, (number, name, stage_id), state, at)
    rows[tables.Release].append(
        {
            "id": number,
            "run_id": number,
            "version": f"1.0+{number}",
            "artefacts": [],
            "place": f"/r/{number}",
            "manifest_sha256": f"{number:064x}",
            "published_at": at,
        }
    )


def _gate(
    rows: dict[Any, list[dict[str, Any]]], which: tuple[int, str, int], state: str, at: float
) -> None:
    number, name, stage_id = which
    gate = {"gate": "open"}.get(state, state)
    rows[Gate].append(
        {
            "id": stage_id,
            "run_id": number,
            "stage": name,
            "stage_id": stage_id,
            "token": f"t{stage_id}",
            "state": gate,
            "made_at": at,
            "values": {},
            "secret_names": [],
        }
    )
    if state == "passed":
        rows[Deployment].append(
            {
                "project": "demo",
                "environment": name,
                "release_id": number,
                "stage_id": stage_id,
                "gate_id": stage_id,
                "state": "deployed",
                "values": {},
                "person": "ann",
                "facts": {},
                "started_at": at,
                "finished_at": at + 9,
            }
        )


def _ask(site: Site, runs: int) -> dict[str, list[float]]:
    paths = {
        "gates, 30 of those that wait": "gates?limit=30",
        "environments": "environments",
        "runs, the newest 30": "runs?limit=30",
        "runs, 30 from the middle": f"runs?limit=30&before={runs // 2}",
        "one run": f"runs/demo/{runs // 2 // 10 * 10}",
        "releases, the newest 30": "releases?limit=30",
    }
    found = {}
    url = f"http://127.0.0.1:{site.web}/"
    password = (site.state / "admin-password").read_text().strip()
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        client.get("auth/login", auth=("admin", password))
        for name, path in paths.items():
            times = []
            for _ in range(25):
                began = time.perf_counter()
                answer = client.get(API + path)
                times.append(time.perf_counter() - began)
                answer.raise_for_status()
            found[name] = times[5:]
    return found


def _print(
    starts: dict[str, list[float]], answers: dict[str, list[float]], runs: int, rounds: int
) -> None:
    console = Console()
    table = Table(title=f"{runs:,} runs of {len(STAGES)} stages in the ledger, over HTTP")
    for column in ("question", "median ms", "least", "most", "aim"):
        table.add_column(column, justify="left" if column == "question" else "right")
    for name, times in answers.items():
        middle = statistics.median(times)
        cells = (f"{value * 1000:.1f}" for value in (middle, min(times), max(times)))
        table.add_row(name, *cells, "20: met" if middle <= 0.02 else "20: missed")  # noqa: PLR2004
    console.print(table)
    middles = {name: statistics.median(times) for name, times in starts.items()}
    ratio = middles["full"] / middles["empty"]
    verdict = "met" if ratio <= 1.5 else "missed"  # noqa: PLR2004
    console.print(
        f"a master's start: {middles['full']:.2f} s, on an empty ledger {middles['empty']:.2f} s "
        f"({rounds} each): {ratio:.2f} times; aim at most 1.5: {verdict}"
    )
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    console.print(f"[dim]Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {load}[/]")


def _pipeline(here: Path, web: int, workers: int) -> str:
    argv = json.dumps([sys.executable, "-c", ""])
    text = f"""[site]
title = "Bench"
url = "http://127.0.0.1:{web}/"
worker-port = {workers}

[project.demo]
repository = "{here}/source"
poll = "12h"
"""
    for place, name in enumerate(STAGES[:6]):
        needs = json.dumps(STAGES[max(0, place - 1) : place])
        text += f'[project.demo.stages.{name}]\nuses = "command"\nargv = {argv}\nneeds = {needs}\n'
    text += '[project.demo.stages.pack]\nuses = "archive"\nneeds = ["f"]\n'
    text += '[project.demo.stages.publish]\nuses = "publish"\nneeds = ["pack"]\n'
    for name, need in (("staging", "publish"), ("production", "staging")):
        text += f'[project.demo.stages.{name}]\nuses = "deploy"\nenvironment = "{name}"\n'
        text += f'manual = true\nneeds = ["{need}"]\n'
        text += f"[project.demo.environments.{name}]\n"
        text += f'deployer = {{ kind = "folder", path = "{name}" }}\n'
    return text + "[workers.local]\n"


if __name__ == "__main__":
    sys.exit(main())
