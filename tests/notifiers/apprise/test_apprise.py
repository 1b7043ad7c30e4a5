"""The notifier `apprise` at real receivers: what is told, and what is never told to anybody."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.model.notices.details import LogEnd
from slipway.model.notices.events import ALL, Event
from slipway.model.notices.examples import example_of
from slipway.model.notices.sending import Retry
from slipway.notifiers.apprise import notifier
from slipway.notifiers.apprise import sender as sender_module
from slipway.notifiers.apprise.notifier import AppriseNotifier
from slipway.notifiers.apprise.texts import quiet, texts_of
from tests.notifiers.apprise.conftest import CONTEXT, TOKEN, closed_port, drip
from tests.support.dav_servers import certificate
from tests.support.machine import wait_for
from tests.support.matrix import Matrix

pytestmark = pytest.mark.slow
NOTICE = example_of(Event.RUN_FAILED)


@pytest.fixture
def matrix(tmp_path):
    with Matrix(tmp_path / "matrix").running() as server:
        yield server


def refused(made, notice=NOTICE):
    with pytest.raises(Retry) as raised:
        made.send(notice, CONTEXT)
    assert TOKEN not in str(raised.value)
    assert "\n" not in str(raised.value)
    return raised.value


# ---- what is told


def test_a_service_gets_title_text_and_address(receiver, sender):
    made = sender(receiver.url)
    assert made.send(NOTICE, CONTEXT) == "JSON has taken it (200)"
    assert made.send(example_of(Event.GATE_WAITS), CONTEXT)
    first, second = receiver.told
    assert (first["title"], first["type"]) == (NOTICE.title, "failure")
    assert first["message"].startswith("2 of 214 tests failed\n")
    assert first["message"].endswith(f"\n\n{NOTICE.url}")
    assert first["message"].count(NOTICE.title) == 0
    assert second["type"] == "warning"
    assert "authorization" in {name.lower() for name in receiver.got[0][1]}


def test_a_room_of_matrix_is_told(matrix, sender):
    made = sender(f"matrix://ci:word@127.0.0.1:{matrix.port}/%23almanac:localhost")
    assert made.send(NOTICE, CONTEXT) == "Matrix has taken it (200)"
    (said,) = matrix.said
    assert NOTICE.title in said["body"].splitlines()[0]
    assert said["body"].endswith(NOTICE.url)
    wait_for(lambda: not matrix.tokens, lambda: matrix.tokens)


def test_matrix_refuses_a_password_and_a_room(matrix, sender):
    error = refused(sender(f"matrix://ci:{TOKEN}@127.0.0.1:{matrix.port}/%23almanac:localhost"))
    assert "Matrix does not accept the user, password or token in url (403)" in str(error)
    assert error.channel
    error = refused(sender(f"matrix://ci:word@127.0.0.1:{matrix.port}/%23other:localhost"))
    assert "Matrix has no such place; correct url (404)" in str(error)
    assert matrix.said == []


def test_a_text_fits_into_what_the_service_takes(receiver, sender):
    ends = [LogEnd(stage=name, text="y" * 8000) for name in ("tests", "freeze")]
    long = NOTICE.model_copy(update={"logs": tuple(ends)})
    made = sender(f"ntfy://{receiver.place}/almanac?format=text")
    made.send(long, CONTEXT)
    (told,) = receiver.told
    assert len(told["message"]) + len(told["title"]) <= 7800
    assert told["message"].endswith(f"...\n\n{NOTICE.url}")


@pytest.mark.parametrize("text", ["y <&> *_  " * 4000, "  a\n" * 9000, "short"], ids=range(3))
def test_the_address_stays_whatever_a_service_makes_of_the_text(text):
    link = "http://localhost:8010/#/pipelines/almanac/7?stage=tests"
    order = json.dumps({"title": "t < & " * 8, "text": text, "link": link, "type": "failure"})
    words = [sys.executable, Path(__file__).with_name("fitting.py"), order]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=100)
    lines = [json.loads(one) for one in done.stdout.splitlines()]
    assert len(lines) == 11, done.stderr
    for one in lines:
        assert one["parts"] == 1
        assert len(one["body"]) <= one["most"]
        assert one["body"].replace("\\", "").endswith(link), one["service"]


@pytest.mark.parametrize("event", [*ALL, Event.DIGEST, Event.STAGE_CHANGED])
def test_each_event_has_a_title_and_a_text(event):
    title, text = texts_of(example_of(event))
    assert title
    assert not text.startswith("\n")
    assert "\n\n\n" not in text


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("@everyone look", "@everyone"),
        ("see @here, @ann and (@ben)", "@"),
        ("<@U123> <!channel> <#C1> <@&42>", "<@"),
        ("@room", "@room"),
    ],
    ids=range(4),
)
def test_people_are_not_called_by_what_is_in_a_commit(text, calls):
    assert calls in text
    found = quiet(text)
    assert found.replace("\N{WORD JOINER}", "") == text
    for one in ("@everyone", "@here", "@ann", "@ben", "@room", "<@", "<!", "<#", "@&"):
        assert one not in found


def test_addresses_of_people_stay_as_they_are():
    assert quiet("Ann <ann@example.org> a.b+c@example.org") == (
        "Ann <ann@example.org> a.b+c@example.org"
    )


# ---- what a service may answer


@pytest.mark.parametrize(
    ("code", "headers", "told", "channel", "after"),
    [
        (500, {}, "JSON answers 500", True, None),
        (503, {"Retry-After": "30"}, "JSON answers 503", True, 30.0),
        (429, {"Retry-After": "120"}, "JSON answers 429", True, 120.0),
        (401, {}, "does not accept the user, password or token in url (401)", True, None),
        (404, {}, "JSON has no such place; correct url (404)", True, None),
        (400, {}, "JSON refuses this notice (400)", False, None),
        (302, {}, "leads elsewhere (302), and is not followed", True, None),
    ],
    ids=range(7),
)
def test_what_a_service_answers_is_one_sentence(
    receiver, sender, capfd, code, headers, told, channel, after
):
    evil = f"\x1b[31m{TOKEN} gone\r\n".encode()
    receiver.answers = [(code, headers, evil)]
    made = sender(receiver.url)
    error = refused(made)
    assert told in str(error)
    assert (error.channel, error.after) == (channel, after)
    assert "gone" not in str(error)
    assert made.send(NOTICE, CONTEXT)
    assert capfd.readouterr() == ("", "")


def test_a_redirect_is_not_followed(receiver, serve, sender):
    other = serve()
    where = {"Location": f"http://{other.place}/elsewhere"}
    made = sender(f"{receiver.url}?redirect=yes")
    for code in (301, 302, 307, 308):
        receiver.answers = [(code, where, b"")]
        assert "leads elsewhere" in str(refused(made))
    assert other.got == []


def test_a_service_that_is_away_or_silent(receiver, sender):
    assert str(refused(sender(f"json://127.0.0.1:{closed_port()}/x"))) == "JSON cannot be reached"
    receiver.answers = [(0, {}, b"")]
    made = sender(receiver.url, timeout=1)
    assert str(refused(made)) == "JSON did not answer within 1 seconds"
    assert made.send(NOTICE, CONTEXT)


def test_of_a_huge_answer_little_is_read(receiver, sender):
    receiver.answers = [(500, {}, (b"x" * 100_000 for _ in range(2000)))]
    assert str(refused(sender(receiver.url))) == "JSON answers 500"
    assert receiver.sent < 50_000_000


def test_an_answer_that_never_ends_is_given_up(receiver, sender, monkeypatch):
    monkeypatch.setattr(sender_module, "_LOADING", 6.0)
    monkeypatch.setattr(sender_module, "_REQUESTS", 1)
    receiver.answers = [(200, {}, drip())]
    made = sender(receiver.url, timeout=1)
    assert "did not answer within 7 seconds" in str(refused(made))
    assert made.send(NOTICE, CONTEXT)


def test_the_certificate_is_verified(serve, sender, tmp_path):
    paths = certificate(tmp_path, name="chat")
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(*paths)
    receiver = serve(trust)
    assert "a certificate that is not trusted" in str(refused(sender(receiver.url)))
    assert receiver.got == []
    assert sender(receiver.url, authorities="chat.pem").send(NOTICE, CONTEXT)
    assert "cannot be used" in str(refused(sender(receiver.url, authorities="none.pem")))


# ---- the address


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("slakc://{token}", "Apprise knows no slakc://; see https://"),
        ("slack://{token}", "this is no whole address of Slack (slack://)"),
        ("{token}", "begins with NAME://"),
        ("{token} {token}://x", "begins with NAME://"),
        ("json://example.org/{token}", "json:// is not encrypted, so others could read"),
        ("json://example.org/{token}", "write jsons://"),
        ("jsons://127.0.0.1/{token}?verify=no", "verify=no lets anybody"),
        ("", "begins with NAME://"),
    ],
    ids=range(8),
)
def test_an_address_that_cannot_be_used_is_told_without_it(sender, url, told):
    made = sender(url.format(token=TOKEN))
    error = refused(made)
    assert told in str(error)
    assert error.channel
    with pytest.raises(Retry) as raised:
        made.check()
    assert str(raised.value) == str(error)


def test_a_check_names_the_service_and_tells_nobody(receiver, sender):
    assert sender(receiver.url).check() == "the address is one of JSON; nobody was told"
    assert receiver.got == []


def test_without_apprise_one_sentence_says_so(sender, monkeypatch, tmp_path):
    monkeypatch.setattr(notifier.importlib.util, "find_spec", lambda _: None)
    made = sender("json://127.0.0.1/x")
    assert "uv pip install 'slipway[apprise]'" in str(refused(made))
    (problem,) = made.settings.problems(tmp_path)
    assert problem in str(refused(made))


# ---- its process


def test_its_process_knows_no_secret_but_on_its_input(receiver, sender, monkeypatch):
    monkeypatch.setenv("ALMANAC_PASSWORD", TOKEN)
    made = sender(receiver.url)
    made.send(NOTICE, CONTEXT)
    process = Path("/proc") / str(made._child._process.pid)
    assert TOKEN.encode() not in (process / "environ").read_bytes()
    assert TOKEN.encode() not in (process / "cmdline").read_bytes()
    made.close()
    assert not process.exists()
    assert "apprise" not in sys.modules


def test_a_process_that_was_killed_is_started_again(receiver, sender):
    made = sender(receiver.url)
    made.send(NOTICE, CONTEXT)
    os.kill(made._child._process.pid, 9)
    assert "has ended" in str(refused(made))
    assert made.send(NOTICE, CONTEXT)
    assert len(receiver.got) == 2


def test_its_process_ends_with_whoever_started_it(receiver):
    code = f"""
import time
from slipway.model.notices.sending import SendingSite
from slipway.model.secrets.location import SecretPlace
from slipway.notifiers.apprise.notifier import AppriseNotifier
from slipway.notifiers.apprise.sender import AppriseSender
settings = AppriseNotifier(kind="apprise", url=SecretPlace(env="URL"))
made = AppriseSender(settings, SendingSite(secret=lambda *_: {receiver.url!r}))
made.check()
print(made._child._process.pid, flush=True)
time.sleep(60)
"""
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as started:
        process = Path("/proc") / started.stdout.readline().strip()
        assert process.exists()
        started.kill()
    wait_for(lambda: not process.exists(), lambda: process)


def test_a_netrc_and_plugins_of_the_user_are_not_read(receiver, sender, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login ann password {TOKEN}\n")
    sender(f"json://{receiver.place}/x").send(NOTICE, CONTEXT)
    assert "authorization" not in {name.lower() for name in receiver.got[0][1]}


def test_settings_hold_a_place_and_no_address():
    with pytest.raises(ValueError, match="url"):
        AppriseNotifier.model_validate({"kind": "apprise", "url": "json://127.0.0.1/x"})
