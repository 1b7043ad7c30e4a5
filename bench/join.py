"""The join: a need's end to the next build's first step, beside stock Buildbot on one master.

One master with LocalWorkers runs four ways of starting the second of two builds:

- ours: slipway.Pipeline, the second stage needs the first
- Dependent: Buildbot's own Dependent scheduler
- Trigger: a parent build that waits for the first, then triggers the second
- floor: a forced build's request to its first step (what the engine itself costs)

And the same with 50 builds that one waits for: the last one's end to the first step of what joins
them, beside Buildbot's two and Celery's chord, whose results are in SQL as ours are (in an
environment of its own; only where the network has it). "decided" is from a script's end to its
dependent's request in Buildbot, which comes after the ledger has it.

Aims: ours at most 0.7 times the floor; decided within 20 ms. Run it: make bench, or
python bench/join.py [ROUNDS] [ROUNDS OF 50].
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
        await self.master.mq.startConsuming(self.asked, ("buildrequests", None, "new"))

    def asked(self, key, message):
        return defer.ensureDeferred(self.stamp(message, time.time(), "request of "))

    def ended(self, key, message):
        return defer.ensureDeferred(self.stamp(message, time.time()))

    async def stamp(self, message, now, what="end of "):
        builder = await self.master.data.get(("builders", str(message["builderid"])))
        with (HERE / "stamps").open("a") as out:
            out.write(json.dumps([what + builder["name"], "", now]) + chr(10))


plan = Plan(parse((HERE / "pipeline.toml").read_text()), HERE, Home(HERE / "state"))


class FakeStage(Stamp):
    """A stage's build without a stage script: claims its job as the real step does."""

    async def run(self):
        desk = self.master.service_manager.namedServices["slipway"]
        stage = self.getProperty("slipway_stage")
        await super().run()
        await desk.claim(stage, self.build.buildid, self.build.workername)
        with (HERE / "stamps").open("a") as out:
            out.write(json.dumps(["said of " + self.build.builder.name, "", time.time()]) + chr(10))
        await desk.said(stage, 0, "", {{}})
        return SUCCESS


def factory(what, cls=Stamp):
    return util.BuildFactory([cls(what)])


names = ["w1", "w2", "w3"]
wide = [str(number) for number in range({width})]
wide_parent = util.BuildFactory([
    steps.Trigger(schedulerNames=["tw-first"], waitForFinish=True),
    steps.Trigger(schedulerNames=["tw-second"], waitForFinish=True),
])
wide_upstream = util.BuildFactory([
    steps.Trigger(schedulerNames=["dw-first"], waitForFinish=False),
])
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
        schedulers.ForceScheduler("dw-force", builderNames=["dw-parent"]),
        schedulers.ForceScheduler("tw-force", builderNames=["tw-parent"]),
        schedulers.Triggerable("tw-first", builderNames=["tw-" + one for one in wide]),
        schedulers.Triggerable("tw-second", builderNames=["tw-second"]),
        schedulers.Triggerable("dw-first", builderNames=["dw-" + one for one in wide]),
    ],
    "builders": [
        util.BuilderConfig(
            "demo.first", workernames=names, factory=factory("ours-first", FakeStage)
        ),
        util.BuilderConfig(
            "demo.second", workernames=names, factory=factory("ours-second", FakeStage)
        ),
        *(
            util.BuilderConfig(
                "wide." + one, workernames=names, factory=factory("wide-" + one, FakeStage)
            )
            for one in ["p" + number for number in wide] + ["join"]
        ),
        *(
            util.BuilderConfig(way + one, workernames=names, factory=factory(way + one))
            for way in ("dw-", "tw-")
            for one in [*wide, "second"]
        ),
        util.BuilderConfig("dw-parent", workernames=names, factory=wide_upstream),
        util.BuilderConfig("tw-parent", workernames=names, factory=wide_parent),
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
by_name = {{one.name: one for one in c["schedulers"]}}
c["schedulers"] += [
    schedulers.Dependent("d-second", upstream=by_name["d-force"], builderNames=["d-second"]),
    schedulers.Dependent("dw-second", upstream=by_name["dw-first"], builderNames=["dw-second"]),
]
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
[project.wide]
repository = "{here}/source"
{wide}
[workers.w1]
"""
#: How many builds the join waits for.
WIDTH = 50
CHORD = ["celery[sqlalchemy]==5.5.3"]


def main() -> int:
    """Measure and print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    wide_rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5  # noqa: PLR2004
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
            wide = _measure_wide(here, port, wide_rounds)
        finally:
            master.terminate()
            master.wait(20)
    wide["Celery's chord, SQL"] = _chord(wide_rounds)
    _print(gaps, rounds)
    _print_wide(wide, statistics.median(gaps["floor"]), wide_rounds)
    return 0


def _set_up(here: Path) -> int:
    with socket.socket() as lease:
        lease.bind(("127.0.0.1", 0))
        port = int(lease.getsockname()[1])
    parts = [f"p{number}" for number in range(WIDTH)]
    wide = "".join(
        f'[project.wide.stages.{name}]\nuses = "command"\nargv = ["true"]\n'
        f"needs = {json.dumps(parts if name == 'join' else [])}\n"
        for name in [*parts, "join"]
    )
    (here / "pipeline.toml").write_text(PIPELINE.format(here=here, wide=wide))
    (here / "master.cfg").write_text(MASTER.format(here=str(here), port=port, width=WIDTH))
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
    found["ours, decided"] = []
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
                if name == "ours":
                    asked = _stamp(here, "request of demo.second")
                    found["ours, decided"].append(asked - _stamp(here, "said of demo.first"))
                # The second build closes before the next round begins.
                time.sleep(0.5)
                (here / "stamps").unlink(missing_ok=True)
    return found


def _measure_wide(here: Path, port: int, rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/", trust_env=False, timeout=60) as web:
        for _ in range(rounds):
            for name, scheduler, builder, first, second in (
                ("ours", "wide-run", "wide.p0", "wide.p", "wide-join"),
                ("Dependent", "dw-force", "dw-parent", "dw-", "dw-second"),
                ("Trigger", "tw-force", "tw-parent", "tw-", "tw-second"),
            ):
                (here / "stamps").unlink(missing_ok=True)
                _force(web, scheduler, builder)
                started = _stamp(here, second, 120)
                ends = [_stamp(here, f"end of {first}{number}") for number in range(WIDTH)]
                found.setdefault(name, []).append(started - max(ends))
                if name == "ours":
                    said = [_stamp(here, f"said of wide.p{number}") for number in range(WIDTH)]
                    asked = _stamp(here, "request of wide.join")
                    found.setdefault("ours, decided", []).append(asked - max(said))
                time.sleep(2)
    return found


def _chord(rounds: int) -> list[float]:
    """Return what Celery takes, in an environment of its own; nothing where it cannot be had."""
    uv = str(Path(sys.executable).parent / "uv")
    script = str(Path(__file__).parent / "rivals" / "chord.py")
    wanted = [word for name in CHORD for word in ("--with", name)]
    done = subprocess.run(
        [uv, "run", "--isolated", "--no-project", *wanted, script, str(rounds), str(WIDTH)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"Celery could not be measured: {done.stderr[-500:]}")
        return []
    return [float(one) for one in json.loads(done.stdout.splitlines()[-1])]


def _force(web: httpx.Client, scheduler: str, builder: str) -> None:
    id_ = web.get(f"api/v2/builders/{builder}").json()["builders"][0]["builderid"]
    body = {"id": 1, "jsonrpc": "2.0", "method": "force", "params": {"builderid": id_}}
    web.post(f"api/v2/forceschedulers/{scheduler}", json=body).raise_for_status()


def _stamp(here: Path, what: str, patience: float = 30) -> float:
    """Wait for a stamp and return its time."""
    file = here / "stamps"
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        lines = file.read_text().splitlines() if file.exists() else []
        times = [row[2] for row in map(json.loads, lines) if row[0] == what]
        if times:
            return float(times[-1])
        time.sleep(0.005)
    raise SystemExit(f"no {what} within {patience} s; see the log")


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
    decided = statistics.median(gaps["ours, decided"]) * 1000
    console.print(f"aim: decided and in the ledger within 20 ms; measured {decided:.1f} ms")
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    console.print(f"[dim]load {load}[/]")
    console.print(
        f"[dim]Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, "
        f"{os.cpu_count()} cores[/]"
    )


def _print_wide(gaps: dict[str, list[float]], floor: float, rounds: int) -> None:
    table = Table(
        title=f"The last of {WIDTH} needs to the first step of what joins ({rounds} rounds)"
    )
    for column in ("way", "median ms", "least", "most", "x floor"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for name, times in gaps.items():
        if times:
            middle = statistics.median(times)
            cells = (f"{value * 1000:.0f}" for value in (middle, min(times), max(times)))
            table.add_row(name, *cells, f"{middle / floor:.2f}")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
