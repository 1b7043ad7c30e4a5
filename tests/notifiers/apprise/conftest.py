"""A receiver of Apprise's `json://`, and what sends to it."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
import time

import pytest

from slipway.model.notices.sending import Context, Recipient, SendingSite
from slipway.model.secrets.location import SecretPlace
from slipway.notifiers.apprise.notifier import AppriseNotifier
from slipway.notifiers.apprise.sender import AppriseSender

CONTEXT = Context(Recipient(), key="c0ffee" * 6)
TOKEN = "t0ken-that-nobody-sees"


class Receiver:
    """A server that keeps what it gets and answers as told: a status, headers, a body."""

    def __init__(self, trust=None):
        self.got, self.answers, self.sent = [], [], 0
        self.ended = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["content-length"])
                receiver.got.append((self.path, dict(self.headers), self.rfile.read(length)))
                answers = receiver.answers
                code, headers, body = answers.pop(0) if answers else (200, {}, b"ok")
                if code == 0:
                    receiver.ended.wait(30)
                    return
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):
                    for block in [body] if isinstance(body, bytes) else body:
                        self.wfile.write(block)
                        receiver.sent += len(block)
                self.close_connection = True

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if trust is not None:
            self.server.socket = trust.wrap_socket(self.server.socket, server_side=True)
        scheme = "json" if trust is None else "jsons"
        self.place = f"127.0.0.1:{self.server.server_port}"
        self.url = f"{scheme}://ann:{TOKEN}@{self.place}/hooks/{TOKEN}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def told(self):
        return [json.loads(body) for _, _, body in self.got]

    def end(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()


def drip():
    """Yield a byte now and then, so that no single wait is long."""
    for _ in range(600):
        yield b"."
        time.sleep(0.1)


@pytest.fixture
def serve():
    made = []

    def make(trust=None):
        made.append(Receiver(trust))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture
def receiver(serve):
    return serve()


@pytest.fixture
def sender(tmp_path):
    made = []

    def make(url, **keys):
        settings = AppriseNotifier(kind="apprise", url=SecretPlace(env="URL"), **keys)
        site = SendingSite(folder=tmp_path, secret=lambda *_: url)
        made.append(AppriseSender(settings, site))
        return made[-1]

    yield make
    for one in made:
        one.close()


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
