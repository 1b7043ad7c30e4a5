"""A large site: 100 projects of 10 stages on one master, beside stock Buildbot of the same size.

- check: `buildbot checkconfig`, which also ours can be given
- start: from the process to "BuildMaster is running", when the database knows all builders
- reconfigure: SIGHUP, nothing changed, until the configuration is taken up
- memory: what the master holds then (RSS)

The rival has 1,000 builders of one shell step, and for each project a branch's scheduler and two
force schedulers: what ours makes of the same site. It has no pollers; ours has one a project.
Run it: make bench, or python bench/site_size.py [PROJECTS] [ROUNDS].
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

TWISTD = "from twisted.scripts.twistd import run; run()"
BUILDBOT = [sys.executable, "-c", "from buildbot.scripts.runner import run; run()"]
STAGES = 10
PATIENCE = 300
STOCK = """
from buildbot.plugins import schedulers, steps, util, worker

names = [[f"p{{p}}.s{{s}}" for s in range({stages})] for p in range({projects})]
c = BuildmasterConfig = {{
    "buildbotURL": "http://127.0.0.1:{web}/",
    "db": {{"db_url": "sqlite:///state.sqlite"}},
    "protocols": {{"pb": {{"port": "tcp:{workers}:interface=127.0.0.1"}}}},
    "www": {{"port": "tcp:{web}:interface=127.0.0.1", "plugins": {{}}}},
    "projects": [util.Project(name=f"p{{p}}", slug=f"p{{p}}") for p in range({projects})],
    "workers": [worker.Worker("local", "secret")],
    "builders": [
        util.BuilderConfig(
            name=name, project=name.split(".")[0], workernames=["local"],
            factory=util.BuildFactory([steps.ShellCommand(command=["true"])]),
        )
        for its in names for name in its
    ],
    "schedulers": [
        one
        for p, its in enumerate(names)
        for one in (
            schedulers.SingleBranchScheduler(
                name=f"p{{p}}", builderNames=its,
                change_filter=util.ChangeFilter(project=f"p{{p}}", branch="main"),
            ),
            schedulers.ForceScheduler(name=f"p{{p}}-run", builderNames=its),
            schedulers.ForceScheduler(name=f"p{{p}}-stage", builderNames=its),
        )
    ],
    "buildbotNetUsageData": None,
}}
"""


class Master:
    """One master in a folder of its own."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder, self.env = folder, {**os.environ, **env}

    def check(self) -> float:
        """Check the configuration."""
        began = time.perf_counter()
        argv = [*BUILDBOT, "checkconfig", "--quiet", str(self.folder / "master.cfg")]
        subprocess.run(argv, cwd=self.folder, env=self.env, check=True, capture_output=True)
        return time.perf_counter() - began

    def measure(self) -> dict[str, float]:
        """Start, reconfigure and end it."""
        found = {"check, s": self.check()}
        log = self.folder / "twistd.log"
        offset = log.stat().st_size if log.exists() else 0
        began = time.perf_counter()
        with (self.folder / "output.log").open("ab") as output:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-c", TWISTD, "--nodaemon", "--no_save", "--pidfile", ""),
                    *("--python", "buildbot.tac"),
                ],
                cwd=self.folder,
                env=self.env,
                stdout=output,
                stderr=output,
            )
        try:
            offset = self._wait("BuildMaster is running", offset, process)
            found["start, s"] = time.perf_counter() - began
            # The first polls, and what else begins by itself.
            time.sleep(8)
            began = time.perf_counter()
            process.send_signal(signal.SIGHUP)
            self._wait("configuration update complete", offset, process)
            found["reconfigure, s"] = time.perf_counter() - began
            found["memory, MB"] = psutil.Process(process.pid).memory_info().rss / (1 << 20)
        finally:
            process.terminate()
            process.wait(60)
        return found

    def _wait(self, text: str, offset: int, process: subprocess.Popen[bytes]) -> int:
        log = self.folder / "twistd.log"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and process.poll() is None:
            output = log.read_bytes()[offset:] if log.exists() else b""
            if text.encode() in output:
                return offset + len(output)
            time.sleep(0.02)
        raise SystemExit(f"{self.folder.name}: no {text!r}; see {log}")


def _ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


def _create(folder: Path) -> None:
    for words in (["create-master", "--quiet", "-c", "master.cfg"], ["upgrade-master", "--quiet"]):
        subprocess.run([*BUILDBOT, *words, str(folder)], check=True, capture_output=True)


def stock(folder: Path, projects: int) -> Master:
    """Return a master of Buildbot alone."""
    folder.mkdir()
    web, workers = _ports()
    text = STOCK.format(projects=projects, stages=STAGES, web=web, workers=workers)
    (folder / "master.cfg").write_text(text)
    _create(folder)
    return Master(folder, {})


def ours(folder: Path, projects: int) -> Master:
    """Return a master of the same site in pipeline.toml."""
    folder.mkdir()
    web, workers = _ports()
    git = ["git", "-c", "user.name=b", "-c", "user.email=b@localhost"]
    subprocess.run([*git, "init", "-q", "-b", "main", str(folder / "source")], check=True)
    commit = [*git, "commit", "-q", "--allow-empty", "-m", "one"]
    subprocess.run(commit, cwd=folder / "source", check=True)
    lines = [f'[site]\nurl = "http://127.0.0.1:{web}/"\nworker-port = {workers}\n']
    for project in range(projects):
        lines.append(f'[project.p{project}]\nrepository = "source"\npoll = "12h"\n')
        for stage in range(STAGES):
            needs = f'["s{stage - 1}"]' if stage else "[]"
            lines.append(
                f'[project.p{project}.stages.s{stage}]\nuses = "command"\nargv = ["true"]\n'
                f"needs = {needs}\n"
            )
    # Nobody works: what is measured is the site at rest.
    (folder / "pipeline.toml").write_text("".join(lines) + "[workers.local]\n")
    (folder / "master.cfg").write_bytes((Path(__file__).parents[1] / "master.cfg").read_bytes())
    env = {"SLIPWAY_STATE": str(folder / "state"), "SLIPWAY_CONFIG": str(folder / "pipeline.toml")}
    with (folder / "up.log").open("wb") as log:
        argv = [sys.executable, "-m", "slipway.cli", "up"]
        up = subprocess.Popen(argv, cwd=folder, env=os.environ | env, stdout=log, stderr=log)
        output = folder / "state" / "master" / "twistd.log"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and up.poll() is None:
            if output.exists() and b"BuildMaster is running" in output.read_bytes():
                break
            time.sleep(0.1)
        up.send_signal(signal.SIGTERM)
        up.wait(60)
    master = Master(folder / "state" / "master", env)
    (master.folder / "master.cfg").write_bytes((folder / "master.cfg").read_bytes())
    return master


def main() -> int:
    """Measure and print the table."""
    projects = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3  # noqa: PLR2004
    found: dict[str, list[dict[str, float]]] = {"Slipway": [], "Buildbot": []}
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as here:
        masters = {
            "Slipway": ours(Path(here, "ours"), projects),
            "Buildbot": stock(Path(here, "stock"), projects),
        }
        for _ in range(rounds):
            for name, master in masters.items():
                found[name].append(master.measure())
    table = Table(title=f"{projects} projects of {STAGES} stages, {rounds} rounds, medians")
    for column in ("what", "Slipway", "Buildbot", "ratio"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for what in found["Slipway"][0]:
        ours_, theirs = (
            statistics.median(one[what] for one in found[name]) for name in ("Slipway", "Buildbot")
        )
        table.add_row(what, f"{ours_:.1f}", f"{theirs:.1f}", f"{ours_ / theirs:.2f}")
    console = Console()
    console.print(table)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    console.print(f"[dim]Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {load}[/]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
