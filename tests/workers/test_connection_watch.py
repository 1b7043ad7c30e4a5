"""A worker whose master is not there says why, once, and tries again."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from slipway.workers.connection_watch import speaks_tls
from slipway.workers.worker_tac import WorkerPlace, write_tac
from tests.support.machine import lease_ports, wait_for


@pytest.mark.slow
def test_a_master_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    [port] = lease_ports(1)
    secret = tmp_path / "password"
    secret.write_text("hush")
    place = WorkerPlace(tmp_path / "worker", "win1", "127.0.0.1", port, secret)
    place.folder.mkdir()
    tac = str(write_tac(place))
    twistd = "from twisted.scripts.twistd import run; run()"
    words = [sys.executable, "-c", twistd, "-n", "--no_save", "--pidfile", "", "--python", tac]
    with subprocess.Popen(words, cwd=place.folder, stdin=subprocess.DEVNULL) as worker:
        try:
            log = place.folder / "twistd.log"
            # Twisted says that it tries again, and not why.
            wait_for(lambda: log.exists() and "Scheduling retry 2" in log.read_text(), log.exists)
            told = f"127.0.0.1:{port} cannot be reached (Connection was refused by other side"
            assert log.read_text().count(told) == 1
            assert ": not connected. See that the master runs" in log.read_text()
        finally:
            worker.terminate()
            worker.wait()
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x02\x80\x02\x82pb"]
)
def test_what_speaks_no_tls_is_found_out(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            one, _ = server.accept()
            with one:
                one.recv(100)
                one.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert not speaks_tls("127.0.0.1", server.getsockname()[1])
        thread.join()


def test_what_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not speaks_tls("127.0.0.1", server.getsockname()[1], patience=0.2)
