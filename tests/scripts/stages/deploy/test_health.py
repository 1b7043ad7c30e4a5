"""Whether it is healthy: pages that answer late, wrongly, slowly or never."""

import http.server
import os
import socket
import sys
import threading
import time

import pytest

from slipway.model.errors import StageFailed
from slipway.model.kinds.environment import HealthCheck
from slipway.scripts.stages.deploy.health import wait


class Pages(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        type(self).asked += 1
        if self.path == "/slow":
            self.slow()
            return
        status = {"/late": 200 if self.asked > 3 else 503, "/moved": 302}.get(self.path, 200)
        body = f"version 1.4 for {self.headers['Host']} {self.headers['X-Mine']}".encode()
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def slow(self):
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(100):
                self.wfile.write(b".")
                time.sleep(0.1)
        except OSError:
            pass

    def log_message(self, *words):
        pass


@pytest.fixture
def url():
    Pages.asked = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def ask(tmp_path):
    lines = []

    def go(**keys):
        check = HealthCheck(**{"patience": 2, **keys})
        return wait(check, tmp_path, dict(os.environ), lines.append)

    go.lines = lines
    return go


@pytest.mark.slow
def test_a_page_that_answers(ask, url):
    healthy = ask(url=f"{url}/")
    assert (healthy.tries, healthy.name) == (1, f"{url}/")


@pytest.mark.slow
def test_a_page_that_answers_late(ask, url):
    healthy = ask(url=f"{url}/late")
    assert healthy.tries == 4
    assert ask.lines == [f"not healthy yet: {url}/late answered 503 instead of 200"]


@pytest.mark.slow
def test_no_proxy_knows_this_machine(ask, url, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert ask(url=f"{url}/").tries == 1


@pytest.mark.slow
def test_what_a_page_must_say(ask, url):
    keys = {"headers": {"host": "app.example.org", "x-mine": "yes"}}
    assert ask(url=url, contains="1.4 for app.example.org yes", **keys).tries == 1
    assert ask(url=f"{url}/moved", status=302).tries == 1
    with pytest.raises(StageFailed, match=r'answered 200, but without "1.5"'):
        ask(url=url, contains="1.5", patience=1)
    with pytest.raises(StageFailed, match="answered 302 instead of 200"):
        ask(url=f"{url}/moved", patience=1)


@pytest.mark.slow
def test_nobody_listens(ask):
    with socket.socket() as lease:
        lease.bind(("127.0.0.1", 0))
        port = lease.getsockname()[1]
        with pytest.raises(StageFailed, match=r"does not answer: Connection refused \(tried"):
            ask(url=f"http://127.0.0.1:{port}/", patience=1)


@pytest.mark.slow
def test_one_that_never_answers(ask):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(5)
        began = time.monotonic()
        with pytest.raises(StageFailed, match=r"did not answer within|timed out"):
            ask(url=f"http://127.0.0.1:{mute.getsockname()[1]}/", patience=1, timeout=30)
        assert time.monotonic() - began < 4


@pytest.mark.slow
def test_one_that_answers_a_byte_at_a_time(ask, url):
    began = time.monotonic()
    with pytest.raises(StageFailed, match="did not answer within"):
        ask(url=f"{url}/slow", contains="x", patience=1, timeout=1)
    assert time.monotonic() - began < 4


@pytest.mark.slow
def test_programs(ask, tmp_path):
    mark = tmp_path / "mark"
    code = (
        f"import os, sys; p = {str(mark)!r}; e = os.path.exists(p); open(p, 'w'); sys.exit(not e)"
    )
    assert ask(argv=[sys.executable, "-c", code]).tries == 2
    with pytest.raises(StageFailed, match="ended with exit code 7: not yet"):
        ask(argv=[sys.executable, "-c", "print('not yet'); raise SystemExit(7)"], patience=1)
    with pytest.raises(StageFailed, match=r"did not hold: .* did not end within"):
        ask(argv=[sys.executable, "-c", "import time; time.sleep(60)"], patience=1, timeout=1)


def test_a_program_that_is_not_there_is_found_before_anything(deploy, make_release, place):
    done = deploy(
        make_release("1.0+1"), {"kind": "folder", "path": "place"}, [{"argv": ["nosuchprogram"]}]
    )
    assert done.code == 3
    assert "health: nosuchprogram is not on this worker" in done.error
    assert not place.exists()
