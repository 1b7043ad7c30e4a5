"""A real SMTP server for tests of mails, whose every answer a test decides."""

from __future__ import annotations

import base64
import ssl
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from slipway.model.notices.sending import Context, Recipient, SendingSite
from slipway.model.secrets.location import SecretPlace
from slipway.notifiers.email.notifier import EmailNotifier
from slipway.notifiers.email.sender import EmailSender
from tests.support.dav_servers import certificate
from tests.support.machine import lease_ports

SECRET = SecretPlace(env="WORD")


class Post:
    """What the server does with mails."""

    def __init__(self):
        self.mails, self.raw, self.to, self.logins, self.sessions = [], [], [], [], 0
        #: Answers to the next recipients and the next mails; all others are taken.
        self.rcpt, self.data = [], []

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        self.sessions += 1
        session.host_name = hostname
        return responses

    async def auth_XOAUTH2(self, server, args):  # noqa: N802
        """Take a token as Google and Microsoft do: a refusal comes as a challenge first."""
        said = base64.b64decode(args[1]).decode()
        self.logins.append(("XOAUTH2", said))
        if said == "user=ann\1auth=Bearer good\1\1":
            return AuthResult(success=True, auth_data=said)
        answer = await server.challenge_auth('{"status":"400"}')
        assert answer == b""
        return AuthResult(success=False, handled=False)

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if self.rcpt and (answer := self.rcpt.pop(0)):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.data and (answer := self.data.pop(0)):
            return answer
        self.to.append(envelope.rcpt_tos)
        self.raw.append(envelope.content)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 2.0.0 queued as 4711"


class Server:
    """The server and a sender for it."""

    def __init__(self, folder, *, how="starttls", made=None, **keys):
        self.folder, self.how, self.post = folder, how, Post()
        self.certificate = made or certificate(folder, name="mail")
        trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        trust.load_cert_chain(*self.certificate)
        [port] = lease_ports(1)
        tls = {"tls_context": trust} if how == "starttls" else {}
        self.controller = Controller(
            self.post,
            "127.0.0.1",
            port,
            authenticator=self._sign_in,
            auth_required=False,
            auth_require_tls=how == "starttls",
            **({"ssl_context": trust} if how == "tls" else {}),
            **tls,
            **keys,
        )
        self.port = port
        self.controller.start()

    def _sign_in(self, _server, _session, _envelope, mechanism, data):
        said = (data.login, data.password) if hasattr(data, "login") else data
        self.post.logins.append((mechanism, said))
        right = said in {(b"ann", "wörd".encode()), (b"ann", b"word")}
        return AuthResult(success=right, handled=False)

    def sender(self, secret="word", **keys):  # noqa: S107  the server's own
        given = {
            "kind": "email",
            "host": "127.0.0.1",
            "port": self.port,
            "security": self.how,
            "sender": "Slipway <ci@example.org>",
            "authorities": "mail.pem",
            "timeout": 5,
        }
        site = SendingSite(folder=self.folder, secret=lambda *_: secret)
        return EmailSender(EmailNotifier.model_validate(given | keys), site)


@pytest.fixture
def serve(tmp_path):
    """Return a maker of servers."""
    made = []

    def make(**keys):
        made.append(Server(tmp_path, **keys))
        return made[-1]

    yield make
    for one in made:
        one.controller.stop()


@pytest.fixture
def server(serve):
    return serve()


def context(**keys):
    person = Recipient("ben", keys.pop("address", "ben@example.com"), keys.pop("name", "Ben"))
    given = {"key": "c0ffee" * 6, "thread_key": "7" * 40, "rules_url": "https://ci/#/notices"}
    return Context(person, **(given | keys))
