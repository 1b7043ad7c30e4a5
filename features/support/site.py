"""A site of its own: a git repository, `slipway up` in a temporary folder, and its end."""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import psutil

from slipway.ledger.views import list_runs, open_ledger

ROOT = Path(__file__).resolve().parents[2]
SLIPWAY = [sys.executable, "-m", "slipway.cli"]
PATIENCE = 90.0
ANN = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]

#: What the table of a Background may say that a stage does.
DEEDS = {
    "passes": ("print('done')", ""),
    "fails until it is mended": (
        "import pathlib, sys; sys.exit(not pathlib.Path({mended!r}).exists())",
        "",
    ),
    "passes when a person starts it": ("print('handed over')", "manual = true\n"),
}


def wait_for(look: Callable[[], Any], told: Callable[[], str], patience: float = PATIENCE) -> Any:
    """Look again and again until something is found."""
    deadline = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {patience:.0f} s: {told()}"
        time.sleep(0.1)
    return found


class Site:
    """One site for one feature; nothing of it is left when it has ended."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="slipway-feature-")).resolve()
        self.title = f"Site {secrets.token_hex(5)}"
        self.source = self.folder / "source"
        self.state = self.folder / "state"
        self.mended = self.folder / "mended"
        self.log = self.folder / "up.log"
        self.url = ""
        self.stages: list[dict[str, str]] = []
        self.process: subprocess.Popen[bytes] | None = None

    # ---- the repository

    def make_repository(self) -> None:
        """Make a repository of one commit."""
        self.source.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("The beginning")

    def git(self, *words: str) -> str:
        """Run git in the repository."""
        done = subprocess.run(
            ["git", *ANN, *words], cwd=self.source, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, subject: str) -> str:
        """Commit something on the present branch."""
        (self.source / "notes.txt").write_text(f"{subject} {secrets.token_hex(4)}\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", subject)
        return self.git("rev-parse", "HEAD")

    # ---- the site

    def start(self, stages: list[dict[str, str]]) -> None:
        """Start it with these stages, on ports that nobody uses."""
        self.stages = stages
        shutil.copy(ROOT / "master.cfg", self.folder)
        for _ in range(3):
            self._launch()
            if self._answers():
                return
            self._end_processes()
        raise RuntimeError(f"the site did not start:\n{self.said()}")

    def _launch(self) -> None:
        web, worker = free_ports(2)
        self.url = f"http://127.0.0.1:{web}/"
        (self.folder / "pipeline.toml").write_text(self._text(worker))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*SLIPWAY, "up"],
                cwd=self.folder,
                env=self._environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )

    def _environ(self) -> dict[str, str]:
        return {**os.environ, "SLIPWAY_STATE": str(self.state), "COLUMNS": "200"}

    def _text(self, worker_port: int) -> str:
        text = f"""[site]
title = {json.dumps(self.title)}
url = {json.dumps(self.url)}
worker-port = {worker_port}

[project.demo]
repository = "source"
poll = "12h"

[workers.local]
labels = ["linux"]
"""
        for stage in self.stages:
            code, more = DEEDS[stage["does"]]
            argv = [sys.executable, "-c", code.format(mended=str(self.mended))]
            needs = [name.strip() for name in stage["waits for"].split(",") if name.strip()]
            text += f"""
[project.demo.stages.{stage["stage"]}]
uses = "command"
argv = {json.dumps(argv)}
needs = {json.dumps(needs)}
{more}"""
        return text

    def _answers(self) -> bool:
        """Wait until this very site answers: its title is nobody else's."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(httpx.HTTPError):
                if self.title in httpx.get(self.url, trust_env=False, timeout=5).text:
                    return True
            time.sleep(0.1)
        return False

    def said(self) -> str:
        """Return what `slipway up` and the master have said of late."""
        logs = [self.log, self.state / "master" / "twistd.log"]
        return "\n".join(_tail(log) for log in logs if log.exists())

    def end(self) -> None:
        """End it with everything it started, and remove its folder."""
        try:
            self._end_processes()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _end_processes(self) -> None:
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
        left = self._left()
        for one in left:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(left, 10)
        if process is not None:
            process.wait(10)

    def _left(self) -> list[psutil.Process]:
        found = []
        for one in psutil.process_iter():
            with suppress(psutil.Error):
                told = " ".join([one.cwd(), *one.cmdline()])
                if str(self.folder) in told and one.pid != os.getpid():
                    found.append(one)
        return found

    # ---- what people ask it

    def slipway(self, *words: str) -> str:
        """Run a command of Slipway in the site's folder."""
        done = subprocess.run(
            [*SLIPWAY, *words],
            cwd=self.folder,
            env=self._environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"slipway {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs, newest first, as `slipway runs` lists them."""
        ledger = open_ledger(f"sqlite:///{self.state / 'state.sqlite'}")
        if ledger is None:
            return []
        try:
            return [asdict(run) for run in list_runs(ledger)]
        finally:
            ledger.dispose()

    def run(self, number: int) -> dict[str, Any]:
        """Return one run; nothing where it is not there."""
        return next((run for run in self.runs() if run["number"] == number), {})

    def wait_for_run(self, number: int, state: str) -> dict[str, Any]:
        """Wait until a run is in this state."""
        return wait_for(
            lambda: (run := self.run(number)) and run["state"] == state and run,
            lambda: f"run {number} {state}: {self.run(number)}\n{self.said()}",
        )

    def password(self) -> str:
        """Return the admin's password."""
        return (self.state / "admin-password").read_text().strip()


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-8000:]


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on; all are held until the last is known."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        with closing(one):
            pass
    return ports


def end_with_parent() -> None:
    """Ask Linux to end this process when behave is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
