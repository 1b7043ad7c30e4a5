"""What `slipway gate open` says of a master's refusal: how to answer where an answer is wrong."""

import argparse
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from slipway.cli.lib.gate_answers import ask
from slipway.cli.remote.client import Remote
from slipway.model.errors import WrongInput

HINT = "answer with --set NAME=VALUE, a secret with --secret-file NAME=FILE"
GATE = {"form": [{"name": "replicas", "type": "integer"}], "token": "t", "ask": "gates/1/open"}


@pytest.fixture
def refused(monkeypatch):
    """Return what a command says of what a master answers: its status and its body."""
    answers = []

    class Master(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            status, body = answers.pop()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    monkeypatch.setenv("SLIPWAY_TOKEN", "made-up")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Master)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/"
    options = argparse.Namespace(url=url, token_file=None, set=[], secret_file=[], comment="")

    def say(status, told):
        answers.append((status, told if isinstance(told, bytes) else json.dumps(told).encode()))
        with Remote(options) as master, pytest.raises(WrongInput) as error:
            ask(master, GATE, options)
        return str(error.value).splitlines()

    yield say
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_a_wrong_answer(refused):
    told = refused(400, {"error": "some are wrong", "fields": {"replicas": "from 1 to 9"}})
    assert told == ["some are wrong", "  replicas: from 1 to 9", HINT]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("told", "said"),
    [
        # Not one of the parameters: no --set sets it.
        (
            {"error": "body: comment: too long", "fields": {"comment": "too long"}},
            ["body: comment: too long", "  comment: too long"],
        ),
        ({"error": "it is frozen:\nthe fair", "fields": {}}, ["it is frozen:", "the fair"]),
        ({"error": {"message": "of Buildbot\nits own"}}, ["of Buildbot", "its own"]),
        ({"error": "odd", "fields": ["replicas"]}, ["odd"]),
        (b"a proxy's\nown page", ["a proxy's", "own page"]),
    ],
)
def test_no_answer_is_wrong(refused, told, said):
    assert refused(409, told) == said


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        ("integer", "3.0", "a whole number"),
        ("boolean", "maybe", "true or false"),
        ("multi-choice", "[a", "a list"),
        ("multi-choice", "[" * 100_000, "a list"),
    ],
)
def test_a_text_that_is_not_of_its_parameter_s_type(kind, text, wanted):
    form = [{"name": "one", "type": kind}]
    options = argparse.Namespace(set=[f"one={text}"], secret_file=[])
    with pytest.raises(WrongInput) as error:
        ask(None, {"form": form, "token": "t"}, options)
    assert str(error.value) == f'--set one: "{text}" is not {wanted}'
