"""Mails over real sessions: encrypted, signed in, one to each person, and told when refused."""

from __future__ import annotations

import pytest

from slipway.model.notices.events import Event
from slipway.model.notices.examples import example_of
from slipway.model.notices.sending import Refused, Retry
from tests.notifiers.email.conftest import SECRET, context
from tests.support.dav_servers import certificate
from tests.support.machine import lease_ports

pytestmark = pytest.mark.slow
NOTICE = example_of(Event.RUN_FAILED)


@pytest.mark.parametrize("how", ["starttls", "tls", "none"])
def test_a_mail_arrives_once_for_each_person(serve, how):
    server = serve(how=how)
    sender = server.sender()
    for name in ("ben", "cleo"):
        said = sender.send(NOTICE, context(address=f"{name}@example.com"))
        assert said == "250 2.0.0 queued as 4711"
    sender.close()
    assert server.post.to == [["ben@example.com"], ["cleo@example.com"]]
    mail = server.post.mails[0]
    assert (mail["to"], mail["from"]) == ("Ben <ben@example.com>", "Slipway <ci@example.org>")
    assert mail["message-id"] == f"<{'c0ffee' * 6}@example.org>"
    assert mail["references"] == f"<{'7' * 40}@example.org>"
    # One session is enough for both: EHLO once more where it becomes encrypted.
    assert server.post.sessions == (2 if how == "starttls" else 1)


def test_a_session_that_the_server_has_ended_is_made_anew(server):
    sender = server.sender()
    sender.send(NOTICE, context())
    sender._smtp.sock.shutdown(2)
    sender.send(NOTICE, context())
    sender.close()
    assert len(server.post.mails) == 2


@pytest.mark.parametrize(("user", "secret"), [("ann", "word"), ("ann", "wörd")])
def test_who_signs_in_does_so_encrypted(server, user, secret):
    sender = server.sender(secret, user=user, password=SECRET)
    assert sender.check() == (
        f"127.0.0.1:{server.port} answers, encrypted by STARTTLS; ann has signed in"
    )
    sender.close()
    assert server.post.logins
    assert server.post.mails == []


def test_a_token_signs_in(server):
    sender = server.sender("good", user="ann", token=SECRET)
    assert "ann has signed in" in sender.check()
    sender.close()
    assert [one[0] for one in server.post.logins] == ["XOAUTH2"]


def test_a_token_that_is_over_is_told_and_not_shown(server):
    with pytest.raises(Retry, match=r'refuses the sign-in of "ann": 5') as raised:
        server.sender("stale-token", user="ann", token=SECRET).send(NOTICE, context())
    assert "stale-token" not in str(raised.value)
    assert server.post.mails == []


def test_a_wrong_password_holds_the_channel_and_is_not_shown(server):
    sender = server.sender("wrong-word", user="ann", password=SECRET)
    with pytest.raises(Retry, match=r'refuses the sign-in of "ann": 535 .*correct user') as raised:
        sender.send(NOTICE, context())
    assert raised.value.channel
    assert "wrong-word" not in str(raised.value)
    assert sender._smtp is None


@pytest.mark.parametrize(
    ("answer", "kind", "channel", "told"),
    [
        ("450 4.2.0 Greylisted, come back", Retry, False, "does not take ben@example.com: 450"),
        ("550 5.1.1 No such user", Refused, None, "does not take ben@example.com: 550 5.1.1 No"),
        ("421 4.3.2 Going down", Retry, True, "421 4.3.2 Going down"),
        ("550 \x1b[31mred\x07", Refused, None, r"\[31mred"),
    ],
    ids=["greylisted", "unknown", "closing", "control"],
)
def test_a_recipient_that_is_refused_is_told_and_others_get_theirs(
    server, answer, kind, channel, told
):
    server.post.rcpt = [answer]
    sender = server.sender()
    with pytest.raises(kind, match=told) as raised:
        sender.send(NOTICE, context())
    assert "\x1b" not in str(raised.value)
    if channel is not None:
        assert raised.value.channel is channel
    assert sender.send(NOTICE, context(address="cleo@example.com"))
    sender.close()
    assert server.post.to == [["cleo@example.com"]]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("452 4.3.1 Full", Retry), ("554 5.7.1 Spam", Refused)],
    ids=["full", "spam"],
)
def test_a_mail_that_is_refused_is_told(server, answer, kind):
    server.post.data = [answer]
    sender = server.sender()
    with pytest.raises(kind, match=rf"the mail to ben@example.com: {answer[:3]}"):
        sender.send(NOTICE, context())
    sender.send(NOTICE, context())
    sender.close()
    assert len(server.post.mails) == 1


# ---- certificates


@pytest.mark.parametrize("how", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("made", "told"),
    [({"days": -1}, "expired"), ({"host": "127.0.0.9"}, "doesn't match|mismatch")],
    ids=["expired", "another-host"],
)
def test_a_certificate_that_is_not_good_is_refused(serve, tmp_path, how, made, told):
    server = serve(how=how, made=certificate(tmp_path, name="mail", **made))
    with pytest.raises(Retry, match=rf"is not trusted, so nothing was sent: .*({told})"):
        server.sender().send(NOTICE, context())
    assert server.post.mails == []


@pytest.mark.parametrize("how", ["starttls", "tls"])
def test_an_unknown_authority_is_refused(serve, how):
    server = serve(how=how)
    with pytest.raises(Retry, match=r"self.signed certificate.*name its authority"):
        server.sender(authorities=None).send(NOTICE, context())
    assert server.post.mails == []


def test_a_file_of_authorities_that_is_none_is_told(server, tmp_path):
    (tmp_path / "none.pem").write_text("no certificate")
    with pytest.raises(Retry, match=r"authorities: .*none.pem cannot be used"):
        server.sender(authorities="none.pem").send(NOTICE, context())


def test_without_starttls_nothing_is_said(serve):
    """As if somebody on the way had taken the word out of the server's answer."""
    server = serve(how="none")
    sender = server.sender("word", security="starttls", user="ann", password=SECRET)
    with pytest.raises(Retry, match=r"offers no STARTTLS, so nothing was sent"):
        sender.send(NOTICE, context())
    assert (server.post.logins, server.post.mails) == ([], [])


def test_a_name_that_the_server_cannot_take_is_told(serve):
    server = serve(how="none", enable_SMTPUTF8=False)
    with pytest.raises(Refused, match="no addresses but of ASCII letters"):
        server.sender().send(NOTICE, context(address="björn@example.com"))
    other = serve(how="none", enable_SMTPUTF8=True)
    sender = other.sender()
    sender.send(NOTICE, context(address="björn@müller.example"))
    sender.close()
    assert other.post.to == [["björn@xn--mller-kva.example"]]


def test_a_server_that_is_down_holds_the_channel(server):
    sender = server.sender(port=lease_ports(1)[0])
    with pytest.raises(Retry, match="cannot be used: Connection refused") as raised:
        sender.send(NOTICE, context())
    assert raised.value.channel
