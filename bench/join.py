"""The join: a need's end to the next build's first step, beside stock Buildbot on one master.

One master with LocalWorkers runs four ways of starting the second of two builds:

- ours: slipway.Pipeline, the second stage needs the first
- Dependent: Buildbot's own Dependent scheduler
- Trigger: a parent build that waits for the first, then triggers the second
- floor: a forced build's request to its first step (what the engine itself costs)

Aim: ours at most 0.7 times the floor. Run it: make bench, or python bench/join.py [ROUNDS].
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
MASTER = '''
import json, time
from pathlib import Path
from buildbot.plugins import schedulers, steps, util, worker
from buildbot.process.buildstep import BuildStep
from buildbot.process.results import SUCCESS
from buildbot.util.service import BuildbotService
from slipway.config import parse
from twisted.internet import defer
from slipway.home import Home
from slipway.master.plan import Plan

HERE = Path({here!r})


class Stamp(BuildStep):
    """Writes down when it ran; the cheapest step there is."""

    name = "stamp"

    def __init__(self, what, **kw):
        super().__init__(**kw)
        self.what = what

    async def run(self):
        with (HERE / "stamps").open("a") as out:
            out.write(json.dumps([self.what, self.build.builder.name, time.time()]) + chr(10))
        return SUCCESS


class Recorder(BuildbotService):
    """Writes down when each build ended: Buildbot's tables keep whole seconds only."""

    async def startService(self):
        await super().startService()
        self.names = {{}}
        await self.master.mq.startConsuming(self.ended, ("builds", None, "finished"))

    def ended(self, key, message):
        return defer.ensureDeferred(self.stamp(message, time.time()))

    async def stamp(self, message, now):
        builder = await self.master.data.get(("builders", str(message["builderid"])))
        with (HERE / "stamps").open("a") as out:
            out.write(json.dumps(["end of " + builder["name"], "", now]) + chr(10))


plan = Plan(parse((HERE / "pipeline.toml").read_text()), HERE, Home(HERE / "state"))


class FakeStage(Stamp):
    """A stage's build without a stage script: claims its job as the real step does."""

    async def run(self):
        desk = self.master.service_manager.namedServices["slipway"]
        stage = self.getProperty("slipway_stage")
        await super().run()
        await desk.claim(stage, self.build.buildid, self.build.workername)
        await desk.said(stage, 0, "", {{}})
        return SUCCESS


def factory(what, cls=Stamp):
    return util.BuildFactory([cls(what)])


names = ["w1", "w2", "w3"]
parent = util.BuildFactory([
    steps.Trigger(schedulerNames=["t-first"], waitForFinish=True),
    steps.Trigger(schedulerNames=["t-second"], waitForFinish=True),
])
c = BuildmasterConfig = {{
    "buildbotURL": "http://localhost:{port}/",
    "db": {{"db_url": "sqlite:///" + str(HERE / "state.sqlite")}},
    "protocols": {{"pb": {{"port": "tcp:0:interface=127.0.0.1"}}}},
    "projects": plan.projects(),
    "workers": [worker.LocalWorker(name, max_builds=4) for name in names],
    "schedulers": [
        *plan.schedulers(),
        schedulers.ForceScheduler("floor", builderNames=["floor"]),
        schedulers.ForceScheduler("d-force", builderNames=["d-first"]),
        schedulers.ForceScheduler("t-force", builderNames=["t-parent"]),
        schedulers.Triggerable("t-first", builderNames=["t-first"]),
        schedulers.Triggerable("t-second", builderNames=["t-second"]),
    ],
    "builders": [
        util.BuilderConfig(
            "demo.first", workernames=names, factory=factory("ours-first", FakeStage)
        ),
        util.BuilderConfig(
            "demo.second", workernames=names, factory=factory("ours-second", FakeStage)
        ),
        util.BuilderConfig("floor", workernames=names, factory=factory("floor")),
        util.BuilderConfig("d-first", workernames=names, factory=factory("d-first")),
        util.BuilderConfig("d-second", workernames=names, factory=factory("d-second")),
        util.BuilderConfig("t-parent", workernames=names, factory=parent),
        util.BuilderConfig("t-first", workernames=names, factory=factory("t-first")),
        util.BuilderConfig("t-second", workernames=names, factory=factory("t-second")),
    ],
    "services": [*plan.services(), Recorder(name="recorder")],
    "www": {{"port": "tcp:{port}:interface=127.0.0.1", "plugins": {{}}}},
    "collapseRequests": False,
    "buildbotNetUsageData": None,
}}
c["schedulers"].append(
    schedulers.Dependent("d-second", upstream=c["schedulers"][-4], builderNames=["d-second"])
)
'''
PIPELINE = """
[project.demo]
repository = "{here}/source"
[project.demo.stages.first]
uses = "command"
argv = ["true"]
[project.demo.stages.second]
uses = "command"
argv = ["true"]
needs = ["first"]
[workers.w1]
"""


def main() -> int:
    """Measure and print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        here = Path(folder)
        port = _set_up(here)
        run = "from twisted.scripts.twistd import run; run()"
        argv = [sys.executable, "-c", run, "--nodaemon", "--no_save", "--pidfile", ""]
        with (here / "output.log").open("wb") as output:
            master = subprocess.Popen(
                [*argv, "--python", "buildbot.tac"], cwd=here, stdout=output, stderr=output
            )
        try:
            _wait_until_up(here)
            gaps = _measure(here, port, rounds)
        finally:
            master.terminate()
            master.wait(20)
    _print(gaps, rounds)
    return 0


def _set_up(here: Path) -> int:
    with socket.socket() as lease:
        lease.bind(("127.0.0.1", 0))
        port = int(lease.getsockname()[1])
    (here / "pipeline.toml").write_text(PIPELINE.format(here=here))
    (here / "master.cfg").write_text(MASTER.format(here=str(here), port=port))
    git = ["git", "-c", "user.name=b", "-c", "user.email=b@localhost"]
    subprocess.run([*git, "init", "-q", "-b", "main", str(here / "source")], check=True)
    commit = [*git, "commit", "-q", "--allow-empty", "-m", "one"]
    subprocess.run(commit, cwd=here / "source", check=True)
    buildbot = [sys.executable, "-c", "from buildbot.scripts.runner import run; run()"]
    for words in (["create-master", "--quiet", "-c", "master.cfg"], ["upgrade-master", "--quiet"]):
        argv = [*buildbot, *words, str(here)]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return port


def _wait_until_up(here: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        log = here / "twistd.log"
        if log.exists() and "BuildMaster is running" in log.read_text(errors="replace"):
            time.sleep(2)
            return
        time.sleep(0.2)
    raise SystemExit(f"the bench's master did not come up: {(here / 'output.log').read_text()}")


def _measure(here: Path, port: int, rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"floor": [], "ours": [], "Dependent": [], "Trigger": []}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/", trust_env=False, timeout=30) as web:
        for _ in range(rounds):
            asked = time.time()
            _force(web, "floor", "floor")
            found["floor"].append(_stamp(here, "floor") - asked)
            time.sleep(0.5)
            (here / "stamps").unlink(missing_ok=True)
            for name, scheduler, builder, first, second in (
                ("ours", "demo-run", "demo.first", "demo.first", "ours-second"),
                ("Dependent", "d-force", "d-first", "d-first", "d-second"),
                ("Trigger", "t-force", "t-parent", "t-first", "t-second"),
            ):
                _force(web, scheduler, builder)
                started = _stamp(here, second)
                found[name].append(started - _stamp(here, f"end of {first}"))
                # The second build closes before the next round begins.
                time.sleep(0.5)
                (here / "stamps").unlink(missing_ok=True)
    return found


def _force(web: httpx.Client, scheduler: str, builder: str) -> None:
    id_ = web.get(f"api/v2/builders/{builder}").json()["builders"][0]["builderid"]
    body = {"id": 1, "jsonrpc": "2.0", "method": "force", "params": {"builderid": id_}}
    web.post(f"api/v2/forceschedulers/{scheduler}", json=body).raise_for_status()


def _stamp(here: Path, what: str) -> float:
    """Wait for a stamp and return its time."""
    file = here / "stamps"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        lines = file.read_text().splitlines() if file.exists() else []
        times = [row[2] for row in map(json.loads, lines) if row[0] == what]
        if times:
            return float(times[-1])
        time.sleep(0.005)
    raise SystemExit(f"no {what} within 30 s; see the log")


def _print(gaps: dict[str, list[float]], rounds: int) -> None:
    table = Table(title=f"From a need's end to the next build's first step ({rounds} rounds)")
    for column in ("way", "median ms", "least", "most", "x floor"):
        table.add_column(column, justify="left" if column == "way" else "right")
    floor = statistics.median(gaps["floor"])
    for name, times in gaps.items():
        middle = statistics.median(times)
        cells = (f"{value * 1000:.0f}" for value in (middle, min(times), max(times)))
        table.add_row(name, *cells, f"{middle / floor:.2f}")
    console = Console()
    console.print(table)
    ratio = statistics.median(gaps["ours"]) / floor
    console.print(f"aim: ours at most 0.70 times the floor; measured {ratio:.2f}")
    console.print(
        f"[dim]Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, "
        f"{os.cpu_count()} cores[/]"
    )


if __name__ == "__main__":
    sys.exit(main())
