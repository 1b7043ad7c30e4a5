"""An application that somebody else runs: it answers or it does not, and is never ended."""

import base64
import http.server
import socket
import ssl
import subprocess
import threading

import pytest

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.stages.features.application.external import Elsewhere


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.signed_in = self.headers["Authorization"]
        self.send_response(500 if self.path == "/bad" else 302)
        self.send_header("Location", "/for-ever")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def staging():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("path", ["", "/", "/bad"])
def test_any_answer_will_do(staging, path):
    with Elsewhere(f"http://127.0.0.1:{staging.server_port}{path}") as place:
        assert place.url == f"http://127.0.0.1:{staging.server_port}{path.rstrip('/')}"
        place.check()
        place.mark()
        place.restore()
        assert place.log_tail() == ""
    place.check()


@pytest.mark.slow
def test_nobody_there(staging):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(StageFailed) as caught:
        Elsewhere(f"http://ann:secret@127.0.0.1:{port}/app/", patience=0.7).start()
    text = str(caught.value)
    assert text.startswith(f"http://127.0.0.1:{port}/app did not answer within 0.7s: ")
    assert text.endswith("; is it up, and is base-url right?")
    assert "secret" not in text
    with pytest.raises(StageFailed, match="answers no more"):
        Elsewhere(f"http://127.0.0.1:{port}").check()


@pytest.mark.slow
def test_nobody_says_a_word():
    with socket.create_server(("127.0.0.1", 0)) as dumb:
        place = Elsewhere(f"http://127.0.0.1:{dumb.getsockname()[1]}", patience=0.5)
        with pytest.raises(StageFailed, match=r"no answer within 0.5s"):
            place.start()


@pytest.mark.slow
def test_a_certificate_that_nobody_vouches_for(staging, tmp_path):
    key, made = tmp_path / "key.pem", tmp_path / "made.pem"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    subprocess.run(
        [*words, "-keyout", str(key), "-out", str(made)], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    staging.socket = context.wrap_socket(staging.socket, server_side=True)
    url = f"https://localhost:{staging.server_port}"
    with pytest.raises(StageFailed, match=r"not trusted; trust-any-certificate = true takes any"):
        Elsewhere(url, patience=0.5).start()
    Elsewhere(url, trust_any_certificate=True).start()


def test_a_name_and_password_in_the_address_sign_in(staging):
    place = Elsewhere(f"http://ann:se%20cret@127.0.0.1:{staging.server_port}/")
    place.start()
    assert base64.b64decode(staging.signed_in.removeprefix("Basic ")) == b"ann:se cret"


@pytest.mark.parametrize(
    "url",
    ["", "staging", "ftp://a", "http://", "http://a:b", "http://a:0", "http://a b", "http://[::"],
)
def test_what_is_no_address(url):
    with pytest.raises(WrongInput, match=r"base-url .* is no address; write one such as"):
        Elsewhere(url)
