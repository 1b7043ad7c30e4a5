"""The notifier `webhook`: signed, over TLS, and what a receiver may answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import re
import ssl
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from slipway.model.notices.events import Event
from slipway.model.notices.examples import example_of
from slipway.model.notices.sending import Context, Recipient, Refused, Retry, SendingSite
from slipway.model.secrets.location import SecretPlace
from slipway.notifiers.webhook.notifier import WebhookNotifier, WebhookSender, sign
from tests.support.dav_servers import certificate

ROOT = Path(__file__).resolve().parents[3]
NOTICE = example_of(Event.RUN_FAILED)
CONTEXT = Context(Recipient(), key="c0ffee" * 6)
SECRET, OLD = SecretPlace(env="NEW"), SecretPlace(env="OLD")
WORDS = {"NEW": "0123456789abcdef-new", "OLD": "whsec_" + base64.b64encode(b"o" * 24).decode()}


class Receiver:
    """A server that keeps what it gets, and answers as told."""

    def __init__(self, trust=None):
        self.got, self.answers = [], []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["content-length"])
                receiver.got.append((self.path, dict(self.headers), self.rfile.read(length)))
                code, headers, body = (
                    receiver.answers.pop(0) if receiver.answers else (204, {}, b"")
                )
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if trust is not None:
            self.server.socket = trust.wrap_socket(self.server.socket, server_side=True)
        scheme = "http" if trust is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_port}/hooks/t0ken"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def sender(self, folder=Path(), **keys):
        settings = {"kind": "webhook", "url": self.url, "secret": SECRET, "timeout": 2}
        site = SendingSite(folder=folder, secret=lambda place, _key: WORDS[place.env])
        return WebhookSender(WebhookNotifier.model_validate(settings | keys), site)


@pytest.fixture
def serve():
    made = []

    def make(trust=None):
        made.append(Receiver(trust))
        return made[-1]

    yield make
    for one in made:
        one.server.shutdown()
        one.server.server_close()


@pytest.fixture
def receiver(serve):
    return serve()


def verify(secret, headers, body):
    """Verify a message as the specification says, with nothing of ours."""
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")


def test_a_notice_arrives_signed(receiver):
    receiver.answers = [(200, {}, b"thank\nyou")]
    sender = receiver.sender()
    assert sender.send(NOTICE, CONTEXT) == "200 thank you"
    sender.close()
    [(path, headers, body)] = receiver.got
    assert path == "/hooks/t0ken"
    assert (headers["webhook-id"], headers["content-type"]) == (CONTEXT.key, "application/json")
    assert verify(WORDS["NEW"], headers, body)
    assert not verify(WORDS["NEW"], headers, body + b" ")
    assert not verify("another secret of some length", headers, body)
    told = json.loads(body)
    assert (told["schema"], told["event"], told["title"]) == (1, "run-failed", NOTICE.title)


def test_while_two_secrets_are_written_either_is_good(receiver):
    sender = receiver.sender(old_secret=OLD)
    sender.send(NOTICE, CONTEXT)
    sender.close()
    [(_, headers, body)] = receiver.got
    assert verify(WORDS["NEW"], headers, body)
    assert verify(WORDS["OLD"], headers, body)


def test_the_signature_is_that_of_the_specification():
    """The example of https://github.com/standard-webhooks/standard-webhooks's libraries."""
    found = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_receiver_of_the_docs_takes_what_is_sent_and_nothing_else(receiver):
    text = (ROOT / "docs" / "how-to" / "notice-channels.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(import base64.*?)```", text, re.DOTALL)
    names: dict = {}
    exec(compile(code, "receiver", "exec"), names)  # noqa: S102  it is our own
    sender = receiver.sender()
    sender.send(NOTICE, CONTEXT)
    sender.close()
    [(_, headers, body)] = receiver.got
    check, secret = names["is_from_slipway"], WORDS["NEW"]
    assert check(secret, headers, body)
    assert not check(secret, headers, body + b" ")
    assert not check(secret + "x", headers, body)
    old = str(int(headers["webhook-timestamp"]) - 301)
    late = headers | {"webhook-timestamp": old}
    late["webhook-signature"] = sign(secret, late["webhook-id"], int(old), body)
    assert not check(secret, late, body)


@pytest.mark.parametrize(
    ("code", "headers", "kind", "after", "told"),
    [
        (503, {}, Retry, None, "answers 503: busy"),
        (429, {"retry-after": "120"}, Retry, 120.0, "answers 429"),
        (429, {"retry-after": "9" * 30}, Retry, 86400.0, "answers 429"),
        (429, {"retry-after": "soon"}, Retry, None, "answers 429"),
        (401, {}, Retry, None, "correct url or secret"),
        (302, {"location": "http://127.0.0.1:1/"}, Retry, None, "sent nowhere else"),
        (400, {}, Refused, None, "answers 400: busy"),
        (413, {}, Refused, None, "answers 413"),
    ],
    ids=["503", "429", "429-for-ever", "429-soon", "401", "302", "400", "413"],
)
def test_what_a_receiver_may_answer(receiver, code, headers, kind, after, told):
    receiver.answers = [(code, headers, b"busy")]
    sender = receiver.sender()
    with pytest.raises(kind, match=told) as raised:
        sender.send(NOTICE, CONTEXT)
    assert getattr(raised.value, "after", None) == after
    assert "t0ken" not in str(raised.value)
    assert sender.send(NOTICE, CONTEXT) == "204"
    sender.close()


def test_of_a_long_answer_little_is_read(receiver):
    receiver.answers = [(200, {}, b"\x1b[31m" + b"x" * 5_000_000)]
    sender = receiver.sender()
    said = sender.send(NOTICE, CONTEXT)
    assert len(said) <= 210
    assert "\x1b" not in said
    sender.close()


def test_a_receiver_that_is_away_holds_the_channel(receiver):
    receiver.server.shutdown()
    receiver.server.server_close()
    with pytest.raises(Retry, match=r"127.0.0.1:\d+/... cannot be reached") as raised:
        receiver.sender().send(NOTICE, CONTEXT)
    assert raised.value.channel


def test_the_certificate_is_verified(serve, tmp_path):
    paths = certificate(tmp_path, name="hook")
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(*paths)
    receiver = serve(trust)
    sender = receiver.sender(tmp_path, authorities="hook.pem")
    assert sender.send(NOTICE, CONTEXT) == "204"
    sender.close()
    with pytest.raises(Retry, match="certificate verify failed"):
        receiver.sender(tmp_path).send(NOTICE, CONTEXT)
    assert len(receiver.got) == 1


def test_a_check_verifies_the_certificate_and_posts_nothing(serve, tmp_path, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(*certificate(tmp_path, name="hook"))
    receiver = serve(trust)
    assert receiver.sender(tmp_path, authorities="hook.pem").check().endswith("/... answers")
    with pytest.raises(Retry, match="its certificate is not trusted"):
        receiver.sender(tmp_path).check()
    assert receiver.got == []


def test_a_short_secret_sends_nothing(receiver, monkeypatch):
    for word in ("brief", "whsec_c2hvcnQ=", "whsec_!!"):
        monkeypatch.setitem(WORDS, "NEW", word)
        with pytest.raises(Retry, match="too short to be safe") as raised:
            receiver.sender().send(NOTICE, CONTEXT)
        assert word not in str(raised.value)
    assert receiver.got == []


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://chat.example.org/x", "is not https://"),
        ("https://ann:word@chat.example.org/x", "holds a user or a password"),
        ("ftp://127.0.0.1/x", "is not https://"),
        ("chat.example.org", "is no address"),
        ("https://chat.example.org/a b", "is no address"),
        ("https:///x", "is no address"),
    ],
    ids=range(6),
)
def test_an_address_that_cannot_be_is_refused(url, told):
    with pytest.raises(ValidationError, match=told):
        WebhookNotifier(kind="webhook", url=url, secret=SECRET)
