"""A real site on this machine: a git repository, `slipway up` in a folder, and its end.

The live tests and the features of behave both stand on it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

from slipway.ledger.queries import list_runs, open_ledger
from slipway.scripts.guard import die_with_parent
from slipway.state_folder import Home

from . import database, forked_commands
from .http import get
from .machine import kill, lease_ports, processes_of, remove_users, wait_for

ROOT = Path(__file__).resolve().parents[2]
Done = subprocess.CompletedProcess[str]
SLIPWAY = [sys.executable, "-m", "slipway.cli"]
ANN = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]
#: What "make" left becomes a release, which a person brings to "staging".
STAGING = """[project.demo.stages.publish]
uses = "publish"
if-unchanged = "release"
needs = ["make"]
[project.demo.stages.staging]
uses = "deploy"
needs = ["publish"]
environment = "staging"
manual = true
"""


def command(name: str, code: str, *needs: str, **keys: str) -> str:
    """Return the text of a stage that runs Python code; each key's value is TOML."""
    lines = [f"[project.demo.stages.{name}]", 'uses = "command"', f"needs = {json.dumps(needs)}"]
    lines.append(f"argv = {json.dumps([sys.executable, '-c', code])}")
    lines += [f"{key.replace('_', '-')} = {value}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def slipway(words: Sequence[str], folder: Path, env: Mapping[str, str]) -> Done:
    """Run a command of Slipway in a folder to its end."""
    if forked_commands.can_fork(words, env):
        return forked_commands.run(words, folder, env)
    return subprocess.run(
        [*SLIPWAY, *words],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class Site:
    """One site in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        # A token of its own: no site that was left running can be taken for this one.
        self.title = f"Site {secrets.token_hex(5)}"
        self.repository = self.folder / "source"
        self.state = self.folder / "state"
        self.log = self.folder / "up.log"
        self.database = database.DEFAULT
        """As `pipeline.toml` has it."""
        self.worker_tls = False
        """Whether the workers' port speaks TLS."""
        self.isolated = False
        """Whether the worker is kept apart; else tests and stages can share the folder's files."""
        self.process: subprocess.Popen[bytes] | None = None
        self.prefix: list[str] = []
        """What `slipway up` is started by."""
        self.env = {**os.environ, "SLIPWAY_STATE": str(self.state), "COLUMNS": "200"}
        self.lease_ports()
        shutil.copy(ROOT / "master.cfg", self.folder)

    def lease_ports(self) -> None:
        """Choose ports that nobody uses; the next `write` tells the site."""
        self.web_port, self.worker_port = lease_ports(2)
        self.url = f"http://127.0.0.1:{self.web_port}/"

    def write(self, stages: str, repository: str = "source") -> None:
        """Write pipeline.toml with these stages of the project "demo"."""
        # On a line of its own where it is wanted: tests know the numbers of the others.
        tls = "\nworker-tls = true" if self.worker_tls else ""
        text = f"""[site]
title = {json.dumps(self.title)}
url = {json.dumps(self.url)}
worker-port = {self.worker_port}{tls}
database = {json.dumps(self.database)}

[project.demo]
repository = {json.dumps(repository)}
poll = "12h"

{stages}
[workers.local]
labels = ["linux"]
isolated = {json.dumps(self.isolated)}
"""
        (self.folder / "pipeline.toml").write_text(text)

    # ---- the repository

    def make_repository(self) -> None:
        """Make a repository of one commit."""
        self.repository.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("The beginning")

    def git(self, *words: str) -> str:
        """Run git in the repository and return what it said."""
        words = ("git", *ANN, *words)
        done = subprocess.run(
            words, cwd=self.repository, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, subject: str) -> str:
        """Commit something on the present branch and return the revision."""
        (self.repository / "notes.txt").write_text(f"{subject} {secrets.token_hex(4)}\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", subject)
        return self.git("rev-parse", "HEAD")

    # ---- processes

    def run_slipway(self, *words: str) -> Done:
        """Run a command of Slipway in the site's folder to its end."""
        return slipway(words, self.folder, self.env)

    def up(self) -> subprocess.Popen[bytes]:
        """Start `slipway up` and wait until the web UI of this very site answers."""
        if self.database == database.DEFAULT and not self.state.exists():
            database.copy_to(Home(self.state), self.folder / "pipeline.toml")
        with self.log.open("ab") as log:
            process = self.process = subprocess.Popen(
                [*self.prefix, *SLIPWAY, "up"],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )
        wait_for(lambda: process.poll() is not None or self._answers(), self.said)
        assert process.poll() is None, f"`slipway up` ended:\n{self.said()}"
        return process

    def _answers(self) -> bool:
        with suppress(httpx.HTTPError, FileNotFoundError):
            # As the admin: a site may show nobody else anything.
            admin = ("admin", self.password())
            return self.title in get(self.url, auth=admin, timeout=5).text
        return False

    def said(self) -> str:
        """Return what `slipway up` and the master have said of late."""
        logs = [self.log, self.state / "master" / "twistd.log"]
        texts = [log.read_text(encoding="utf-8", errors="replace") for log in logs if log.exists()]
        return "\n".join(text[-8000:] for text in texts)

    def processes(self) -> list[psutil.Process]:
        """Return every process that belongs to this site."""
        return processes_of(self.folder)

    def end_processes(self) -> list[list[str]]:
        """End everything that belongs to this site.

        Returns:
            The commands that `slipway up` should have ended, and itself if it did not end.
        """
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
        left = self.processes()
        kill(left)
        if process is not None:
            process.wait(10)
        remove_users(self.folder)
        return [one.info["cmdline"] for one in left]

    # ---- what the site knows

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs, newest first, as `slipway runs` lists them."""
        ledger = open_ledger(self.database.replace("sqlite:///", f"sqlite:///{self.state}/"))
        if ledger is None:
            return []
        try:
            return [run.model_dump(by_alias=True) for run in list_runs(ledger)]
        finally:
            ledger.dispose()

    def run(self, number: int) -> dict[str, Any]:
        """Return one run; nothing where it is not there."""
        return next((run for run in self.runs() if run["number"] == number), {})

    def wait_for_run(self, number: int, *states: str) -> dict[str, Any]:
        """Wait until a run is in one of these states; without any, until it does not run."""

        def look() -> Any:
            run = self.run(number)
            state = run.get("state", "running")
            return run if state in states or (not states and state != "running") else None

        return wait_for(
            look, lambda: f"run {number} {states or 'ended'}: {self.run(number)}\n{self.said()}"
        )

    def password(self) -> str:
        """Return the admin's password."""
        return (self.state / "admin-password").read_text().strip()
