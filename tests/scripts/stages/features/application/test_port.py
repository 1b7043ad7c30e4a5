"""The application's port: leased, proven to be its own, and never an orphan's of yesterday."""

import contextlib
import http.client
import http.server
import os
import re
import socket
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.stages.features.application import ownership
from slipway.scripts.stages.features.application import port as application_port
from slipway.scripts.stages.features.application import process as application
from slipway.scripts.stages.features.application.port import (
    Lease,
    Owner,
    find_owner,
    is_taken,
    reports_taken_port,
)
from slipway.scripts.stages.features.application.process import Application, ApplicationSettings

pytestmark = pytest.mark.slow

SERVER = Path(__file__).parents[4] / "data" / "application" / "server.py"
PYTHON = (sys.executable, "-I", "-S", str(SERVER))


def ask(port, path="/"):
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        asked.request("GET", path)
        return asked.getresponse().read().decode()
    finally:
        asked.close()


class Orphan(http.server.ThreadingHTTPServer):
    """A server of yesterday's run, which shares its port if the system allows it."""

    daemon_threads = True
    status = 200

    def __init__(self, port):
        super().__init__(("127.0.0.1", port), Page, bind_and_activate=False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.server_bind()
        self.server_activate()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def end(self):
        self.shutdown()
        self.server_close()


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"orphan")

    def log_message(self, *_):
        pass


@pytest.fixture
def planted(monkeypatch):
    """Have every other leased port be an orphan's, or all of them, the moment it is given back."""
    orphans = []

    class Planted(Lease):
        every = 2
        count = 0
        status = 200

        def release(self):
            super().release()
            Planted.count += 1
            if Planted.count % Planted.every == 1 or Planted.every == 1:
                orphans.append(Orphan(self.port))
                orphans[-1].status = Planted.status

    monkeypatch.setattr(application, "Lease", Planted)
    Planted.orphans = orphans
    yield Planted
    for orphan in orphans:
        orphan.end()


@pytest.fixture
def settings(tmp_path):
    def make(*words, **more):
        return ApplicationSettings((*PYTHON, *words), log=tmp_path / "app.log", **more)

    return make


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="the orphan shares its port")
@pytest.mark.parametrize("token", [False, True])
@pytest.mark.parametrize("words", [(), ("wait=0.05",), ("reuseport",), ("reuseport", "wait=0.05")])
@pytest.mark.parametrize("status", [200, 503])
def test_an_orphan_on_the_port_is_never_tested(settings, planted, words, token, status):
    planted.status = status
    more = {"token_path": "/_token"} if token else {}
    app = Application(settings(*words, *(["token"] if token else []), **more))
    starts = 7
    try:
        for _ in range(starts):
            app.start()
            assert ask(app.port).startswith("mine ")
            assert app.port not in {orphan.server_port for orphan in planted.orphans}
            app._halt()
    finally:
        app.stop()
    assert len(planted.orphans) == starts
    assert planted.count == 2 * starts


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="the orphan shares its port")
@pytest.mark.parametrize("words", [(), ("idle",)])
@pytest.mark.parametrize("status", [200, 503])
def test_three_lost_ports_are_told(settings, planted, words, status):
    planted.every, planted.status = 1, status
    with pytest.raises(StageFailed, match=r"did not get its port, 3 times: .*does it listen on"):
        Application(settings(*words)).start()
    assert len({orphan.server_port for orphan in planted.orphans}) == 3


def test_an_application_that_shares_its_port_with_an_orphan_is_told(settings, planted):
    planted.every = 1
    with pytest.raises(StageFailed, match=rf"process {os.getpid()}, which is not the application"):
        Application(settings("idle")).start()


def test_a_token_is_proven(settings):
    with Application(settings("token", token_path="/_token")) as app:
        assert len(ask(app.port, "/_token")) >= 24


def test_each_start_has_a_token_of_its_own(settings):
    with Application(settings("token", token_path="/_token")) as app:
        first = ask(app.port, "/_token")
        app.restart()
        assert ask(app.port, "/_token") != first


@pytest.mark.parametrize(
    ("words", "gave"), [(("token=yesterday",), "another text"), ((), "status 404 X")]
)
def test_an_application_without_its_token_is_told(settings, words, gave):
    began = time.monotonic()
    with pytest.raises(StageFailed) as caught:
        Application(settings(*words, token_path="/_token")).start()
    assert str(caught.value) == (
        f"the application must answer its token at /_token, and gave: {gave}; have it answer the "
        f"value of SLIPWAY_TOKEN there, or leave token-path out"
    )
    assert time.monotonic() - began < 10


def test_a_system_that_does_not_tell_is_noticed(settings, monkeypatch):
    monkeypatch.setattr(ownership, "find_owner", lambda *_: (Owner.UNKNOWN, None))
    said = []
    with Application(settings(), notice=said.append) as app:
        assert ask(app.port).startswith("mine ")
    (only,) = said
    assert re.fullmatch(
        r"the system does not tell whose process .*; set token-path to be sure", only
    )


@pytest.mark.slow
def test_starts_side_by_side_never_meet(tmp_path):
    ports, wrong = [], []

    def start(number):
        made = ApplicationSettings(
            (*PYTHON, f"body=number {number}"), log=tmp_path / f"{number}.log"
        )
        app = Application(made)
        try:
            for _ in range(10):
                app.start()
                ports.append(app.port)
                if ask(app.port) != f"number {number}":
                    wrong.append(number)
                app._halt()
        finally:
            app.stop()

    threads = [threading.Thread(target=start, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ports) == 40
    assert wrong == []


def test_leases_never_meet_and_hold():
    leases = [Lease("127.0.0.1") for _ in range(300)]
    try:
        assert len({lease.port for lease in leases}) == 300
        port = leases[0].port
        assert is_taken("127.0.0.1", port)
        with pytest.raises(OSError, match="in use"):
            Lease("127.0.0.1", port)
    finally:
        for lease in leases:
            lease.release()
    assert not is_taken("127.0.0.1", port)


def test_a_port_with_connections_in_time_wait_is_free():
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)) as client:
        server.accept()[0].close()
        client.recv(1)
    server.close()
    assert not is_taken("127.0.0.1", port)


def test_owners_are_told_apart():
    me = psutil.Process()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert find_owner("127.0.0.1", port, [me]) == (Owner.OURS, None)
        assert find_owner("127.0.0.1", port, []) == (Owner.OTHER, me.pid)
    assert find_owner("127.0.0.1", port, [me]) == (Owner.NOBODY, None)


def test_owners_where_the_system_tells_root_alone(monkeypatch):
    def denied(_kind):
        raise psutil.AccessDenied

    monkeypatch.setattr(application_port.psutil, "net_connections", denied)
    me = psutil.Process()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert find_owner("127.0.0.1", port, [me]) == (Owner.OURS, None)
        assert find_owner("127.0.0.1", port, []) == (Owner.UNKNOWN, None)


@pytest.mark.parametrize(
    ("host", "listens", "answers"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "0.0.0.0", True),  # noqa: S104
        ("127.0.0.1", "::", True),
        ("127.0.0.1", "::ffff:127.0.0.1", True),
        ("127.0.0.1", "::1", False),
        ("127.0.0.1", "192.0.2.7", False),
        ("::1", "::1", True),
        ("localhost", "127.0.0.1", True),
    ],
)
def test_who_answers_at_an_address(host, listens, answers):
    assert application_port._answers(host, 80, (listens, 80)) is answers
    assert not application_port._answers(host, 81, (listens, 80))
    assert not application_port._answers(host, 80, ())


@pytest.mark.parametrize(
    ("log", "taken"),
    [
        ("OSError: [Errno 98] Address already in use", True),
        ("Error: listen EADDRINUSE: address already in use :::3000", True),
        ("Error: That port is already in use.", True),
        ("Port 5000 is in use by another program.", True),
        ("[WinError 10048] Only one usage of each socket address", True),
        ("listening on port 5000", False),
        ("Errno 980", False),
    ],
)
def test_what_programs_say_of_a_taken_port(log, taken):
    assert reports_taken_port(log) is taken


def test_an_ipv6_host(settings):
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        made = ApplicationSettings(
            (sys.executable, "-m", "http.server", "{port}", "--bind", "{host}"),
            log=settings().log,
            host="::1",
        )
        with Application(made) as app:
            assert app.url == f"http://[::1]:{app.port}"
            app.check()
