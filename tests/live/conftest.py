"""A real site on this machine: a git repository, a master process, a worker process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from slipway.ledger.views import list_runs, open_ledger

ROOT = Path(__file__).parents[2]
SLIPWAY = [sys.executable, "-m", "slipway.cli"]
PATIENCE = 60


def lease_ports(count: int) -> list[int]:
    """Ask the OS for free ports; all are held until the last is known."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def wait_for(what: Callable[[], Any], patience: float = PATIENCE, told: str = "") -> Any:
    """Wait until something is true and return it."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"not within {patience} s: {told or what}")


class Site:
    """One site in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.web_port, self.worker_port = lease_ports(2)
        self.repository = folder / "source"
        self.state = folder / "state"
        self.ups: list[subprocess.Popen[str]] = []
        (folder / "master.cfg").write_text((ROOT / "master.cfg").read_text())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}/"

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "SLIPWAY_STATE": str(self.state), "COLUMNS": "200"}

    def write(self, stages: str, extra: str = "", repository: str = "source") -> None:
        """Write pipeline.toml with these stages of the project "demo"."""
        text = f"""
[site]
title = "Site under test"
url = "{self.url}"
worker-port = {self.worker_port}
{extra}
[project.demo]
repository = "{repository}"
poll = "12h"
{stages}
[workers.local]
labels = ["linux"]
"""
        (self.folder / "pipeline.toml").write_text(text)

    def commit(self, **files: str) -> str:
        """Commit files (`__` in a name is a dot) and return the revision."""
        if not self.repository.exists():
            self.repository.mkdir()
            self.git("init", "--quiet", "--initial-branch=main")
        for name, text in files.items():
            (self.repository / name.replace("__", ".")).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", f"commit at {time.time()}")
        return self.git("rev-parse", "HEAD")

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
        done = subprocess.run(
            ["git", *who, *words], cwd=self.repository, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def slipway(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*SLIPWAY, *words],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def up(self) -> subprocess.Popen[str]:
        """Start `slipway up` and wait until the web UI answers as this site."""
        number = len(list(self.folder.glob("up-*.log")))
        with (self.folder / f"up-{number}.log").open("w") as log:
            process = subprocess.Popen(
                [*SLIPWAY, "up"],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.ups.append(process)
        wait_for(lambda: self._answers(process), told=f"the web UI of {self.folder}")
        return process

    def _answers(self, process: subprocess.Popen[str]) -> bool:
        assert process.poll() is None, self.said()
        try:
            page = httpx.get(self.url, trust_env=False).text
        except httpx.HTTPError:
            return False
        return "Site under test" in page

    def said(self) -> str:
        return "".join(file.read_text() for file in sorted(self.folder.glob("up-*.log")))

    def down(self, number: int = signal.SIGINT) -> int:
        """End the last `slipway up` and return its exit code."""
        process = self.ups.pop()
        process.send_signal(number)
        return process.wait(30)

    def master(self) -> psutil.Process:
        return self._process("state/master/buildbot.tac")

    def worker(self) -> psutil.Process:
        return self._process("state/workers/local/buildbot.tac")

    def _process(self, tac: str) -> psutil.Process:
        wanted = str(self.folder / tac)
        return next(p for p in self.processes() if wanted in p.cmdline())

    def processes(self) -> list[psutil.Process]:
        """Return every process that belongs to this site."""
        found = []
        for process in psutil.process_iter():
            try:
                words = " ".join(process.cmdline())
                cwd = process.cwd()
            except psutil.Error:
                continue
            if str(self.folder) in words or cwd.startswith(str(self.folder)):
                found.append(process)
        return [p for p in found if p.pid != os.getpid()]

    # ---- what the site knows

    def runs(self) -> list[dict[str, Any]]:
        ledger = open_ledger(f"sqlite:///{self.state / 'state.sqlite'}")
        if ledger is None:
            return []
        with contextlib.closing(ledger.connect()):
            found = [asdict(run) for run in list_runs(ledger)]
        ledger.dispose()
        return found

    def run(self, number: int) -> dict[str, Any]:
        return next((run for run in self.runs() if run["number"] == number), {})

    def wait_for_run(self, number: int, patience: float = PATIENCE) -> dict[str, Any]:
        """Wait until a run has ended (or waits for a person)."""
        return wait_for(
            lambda: (run := self.run(number)) and run["state"] != "running" and run,
            patience,
            f"the end of run {number}: {self.run(number)}\n{self.said()}",
        )

    def wait_for_stage(self, number: int, stage: str, *states: str) -> dict[str, Any]:
        def look() -> Any:
            found = self.run(number).get("stages", {}).get(stage)
            return found if found and found["state"] in states else None

        return wait_for(look, told=f"{stage} of run {number} to be {states}: {self.run(number)}")

    # ---- Buildbot's own REST, as its web UI uses it

    @contextlib.contextmanager
    def client(self, *, admin: bool) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.url, trust_env=False, timeout=30) as client:
            if admin:
                password = (self.state / "admin-password").read_text().strip()
                client.get("auth/login", auth=("admin", password))
            yield client

    def force(
        self, client: httpx.Client, scheduler: str, stage: str, **values: Any
    ) -> httpx.Response:
        builder = client.get(f"api/v2/builders/demo.{stage}").json()["builders"][0]
        body = {
            "id": 1,
            "jsonrpc": "2.0",
            "method": "force",
            "params": {"builderid": builder["builderid"], **values},
        }
        return client.post(f"api/v2/forceschedulers/{scheduler}", json=body)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A folder with a repository of one commit; everything in it is ended afterwards."""
    made = Site(tmp_path)
    made.commit(README="demo\n")
    yield made
    for process in made.ups:
        process.send_signal(signal.SIGINT)
    for process in made.ups:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
    left = made.processes()
    for process in left:
        process.kill()
    assert not left, f"left running: {[process.cmdline() for process in left]}"


def command(name: str, code: str, *needs: str, **keys: str) -> str:
    """Return a stage that runs Python code."""
    lines = [f"[project.demo.stages.{name}]", 'uses = "command"', f"needs = {json.dumps(needs)}"]
    lines.append(f"argv = {json.dumps([sys.executable, '-c', code])}")
    lines += [f"{key.replace('_', '-')} = {value}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"
