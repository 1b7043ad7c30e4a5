"""A master that is told to end while it still starts: it ends by itself, and nothing is lost."""

from __future__ import annotations

import signal
import socket
import subprocess

import pytest

from tests.live.conftest import LiveSite
from tests.support import rows
from tests.support.machine import wait_for
from tests.support.pair import Pair
from tests.support.site import command

pytestmark = [pytest.mark.live, pytest.mark.slow]

#: Which of its database's statements the signal comes with: from the first until what was open
#: goes on. All but the last few are before the start is over.
MOMENTS = range(1, 122, 20)
_PATIENCE = 90.0
#: Run in the master before all else. The mark tells that the moment was reached.
_AT_STATEMENT = """
import itertools, os, pathlib, signal
from sqlalchemy import event
from sqlalchemy.engine import Engine
_count = itertools.count(1)
@event.listens_for(Engine, "before_cursor_execute")
def _end(*_):
    if next(_count) == {moment}:
        pathlib.Path({mark!r}).touch()
        os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_master_ends_at_whatever_moment_of_its_start(site: LiveSite) -> None:
    """It leaves with exit code 0 and without a traceback; the next one does what it has not."""
    site.write(command("make", "print(1)") + command("use", "print(2)", "make"))
    pair = Pair(site)
    log = site.state / "master" / "twistd.log"
    for moment in MOMENTS:
        # The first poll has something to find.
        site.commit(f"at {moment}")
        before = log.stat().st_size
        code = _ended_at(pair, moment)
        said = log.read_text(encoding="utf-8")[before:]
        assert code == 0, f"at statement {moment}: {code}\n{said}"
        assert "Traceback" not in said, f"at statement {moment}: {said}"
    head = site.commit("the last")
    pair.preamble = ""
    pair.start("master", "worker")
    wait_for(lambda: any(run["revision"] == head for run in site.runs()), site.said)
    for run in site.runs():
        site.wait_for_run(run["number"], "passed")
    assert [run["revision"] for run in site.runs()].count(head) == 1
    pair.end(signal.SIGTERM, "worker", "master")


def test_a_master_ends_while_a_repository_does_not_answer(site: LiveSite) -> None:
    """Its poll is none: nothing is written down of it."""
    site.write(command("make", "print(1)"))
    pair = Pair(site)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        site.write(command("make", "print(1)"), f"git://127.0.0.1:{port}/source")
        before = rows.all_rows(site)["slipway_poll"]
        pair.start("master")
        server.settimeout(_PATIENCE)
        with server.accept()[0]:
            pair.end(signal.SIGTERM, "master")
            assert pair.process("master").returncode == 0
        assert rows.all_rows(site)["slipway_poll"] == before


def _ended_at(pair: Pair, moment: int) -> int:
    """Start a master that is told to end at a moment, and return its exit code."""
    mark = pair.site.folder / f"reached-{moment}"
    pair.preamble = _AT_STATEMENT.format(moment=moment, mark=str(mark))
    pair.start("master")
    master = pair.process("master")
    wait_for(lambda: mark.exists() or master.poll() is not None, pair.site.said)
    assert mark.exists(), f"the master has ended before statement {moment}: {pair.site.said()}"
    try:
        return master.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        pytest.fail(f"told to end at statement {moment}, it does not:\n{pair.site.said()}")
