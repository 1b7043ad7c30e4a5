"""From a run's end to the mail at the server: ours, and that of Buildbot's own MailNotifier."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from slipway.ledger.tables.runs import Run

__all__ = ["OURS", "THEIRS", "measure", "start_server"]

T = TypeVar("T")
OURS, THEIRS = "slipway@example.org", "buildbot@example.org"
_PATIENCE = 120.0
_CFG = """
from buildbot.plugins import reporters

c["services"].append(reporters.MailNotifier(
    fromaddr="{theirs}", relayhost="127.0.0.1", smtpPort={port}, useTls=False,
    sendToInterestedUsers=False, extraRecipients=["ann@example.org"]))
"""
_TOML = """[site]
title = "bench"
url = "http://127.0.0.1:{web}/"
worker-port = {workers}
[project.demo]
repository = "source"
poll = "12h"
[project.demo.stages.one]
uses = "command"
argv = ["true"]
[workers.local]
isolated = false
[people.ann]
email = "ann@example.org"
[notify.mail]
kind = "email"
host = "127.0.0.1"
port = {port}
security = "none"
sender = "{ours}"
events = ["run-passed"]
people = ["ann"]
"""


def start_server(port: int, file: Path, seconds: float) -> subprocess.Popen[bytes]:
    """Start the SMTP server, and wait until it listens."""
    server = Path(__file__).with_name("smtp.py")
    argv = [sys.executable, str(server), str(port), str(file), str(seconds)]
    process = subprocess.Popen(argv)

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    _wait(listens)
    return process


def measure(folder: Path, rounds: int) -> dict[str, float]:
    """Return the median seconds from a run's end to each mail."""
    folder.mkdir()
    ports = []
    for _ in range(3):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    web, workers, port = ports
    _write(folder, web, workers, port)
    taken = folder / "taken"
    server = start_server(port, taken, 0)
    env = {**os.environ, "SLIPWAY_STATE": str(folder / "state")}
    with (folder / "up.log").open("wb") as log:
        argv = [sys.executable, "-m", "slipway.cli"]
        up = subprocess.Popen([*argv, "up"], cwd=folder, env=env, stdout=log, stderr=log)
        try:
            # The first poll starts a run; its mails are there when all is loaded.
            _wait(lambda: _count(taken) >= 2)  # noqa: PLR2004  ours, and theirs
            for number in range(rounds):
                done = [*argv, "trigger", "--no-wait"]
                subprocess.run(done, cwd=folder, env=env, check=True, stdout=log, stderr=log)
                _wait(lambda number=number: _count(taken) >= 2 * number + 4)  # type: ignore[misc]
            return _medians(folder, taken)
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(60)
            server.kill()
            server.wait()


def _write(folder: Path, web: int, workers: int, port: int) -> None:
    text = _TOML.format(web=web, workers=workers, port=port, ours=OURS)
    (folder / "pipeline.toml").write_text(text)
    own = (Path(__file__).parents[2] / "master.cfg").read_text()
    (folder / "master.cfg").write_text(own + _CFG.format(theirs=THEIRS, port=port))
    git = ["git", "-c", "user.name=b", "-c", "user.email=b@localhost"]
    subprocess.run([*git, "init", "-q", "-b", "main", str(folder / "source")], check=True)
    commit = [*git, "commit", "-q", "--allow-empty", "-m", "one"]
    subprocess.run(commit, cwd=folder / "source", check=True)


def _count(taken: Path) -> int:
    return len(taken.read_text().splitlines()) if taken.exists() else 0


def _medians(folder: Path, taken: Path) -> dict[str, float]:
    """Each kind's mails come in the order of the runs, which come one after the other."""
    engine = sa.create_engine(f"sqlite:///{folder / 'state' / 'state.sqlite'}")
    with engine.connect() as connection:
        query = sa.select(Run.finished_at).where(Run.finished_at.is_not(None))
        ends = [one for one in connection.scalars(query.order_by(Run.id)) if one is not None]
    engine.dispose()
    found = {}
    for sender in (OURS, THEIRS):
        lines = [one.split() for one in taken.read_text().splitlines()]
        came = [float(one[0]) for one in lines if one[2] == sender]
        waits = [at - end for at, end in zip(came[1:], ends[1:], strict=True)]
        found[sender] = statistics.median(waits)
    return found


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("the bench's site did nothing for two minutes")
        time.sleep(0.02)
