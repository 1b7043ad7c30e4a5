"""The mail itself: both forms readable, its headers true, and nothing that others wrote obeyed."""

from __future__ import annotations

import struct
import zlib

import pytest
from pydantic import ValidationError

from slipway.html import templates
from slipway.model.notices.events import Event
from slipway.model.notices.examples import example_of
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Refused, SendingSite
from slipway.notifiers.email.message import write_mail
from slipway.notifiers.email.notifier import EmailNotifier
from tests.notifiers.email.conftest import SECRET, context

EVIL = 'x\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script>\x00 \u202egnp.exe "; rm -rf /'
SETTINGS = {"kind": "email", "host": "mail.example.org", "sender": "Slipway <ci@example.org>"}


def written(notice, site=None, **keys):
    return write_mail(EmailNotifier(**SETTINGS), site or SendingSite(), notice, context(**keys))


def png():
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + body


@pytest.mark.parametrize("event", list(Event), ids=str)
def test_each_event_is_a_mail_in_two_forms(event):
    notice = example_of(event)
    mail = written(notice)
    text, page = mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()
    assert text.startswith(notice.title)
    assert notice.url in text
    assert f">{notice.title}</h1>" in page
    assert "https://ci/#/notices" in text
    assert mail["subject"] == notice.title
    assert mail["auto-submitted"] == "auto-generated"


def test_what_others_wrote_is_no_header_and_no_html():
    fields = example_of(Event.RUN_FAILED).model_dump(by_alias=True)
    fields |= dict.fromkeys(("title", "subject", "author", "text", "person", "version"), EVIL)
    fields |= {"tests": [{"stage": EVIL, "name": EVIL, "place": EVIL, "message": EVIL}]}
    fields |= {"logs": [{"stage": "s", "text": EVIL}], "url": "javascript:alert(1)"}
    mail = written(Notice.model_validate(fields), name=EVIL)
    raw = mail.as_bytes()
    head = raw.partition(b"\r\n\r\n")[0]
    assert b"\r\nBcc:" not in raw
    assert mail["bcc"] is None
    assert b"\0" not in head
    assert [line for line in head.split(b"\r\n") if len(line) > 998] == []
    page = mail.get_body(("html",)).get_content()
    assert "<script" not in page
    assert "javascript:" not in page.replace("javascript:alert(1)</", "")
    assert 'href="javascript' not in page


def test_the_longest_title_is_a_subject():
    fields = example_of(Event.RUN_FAILED).model_dump(by_alias=True)
    mail = written(Notice.model_validate(fields | {"title": "\u00e9\U0001f600" * 5000}))
    assert len(mail["subject"]) <= 200
    assert mail.as_bytes()


def test_pictures_are_inside_and_only_pictures():
    fields = example_of(Event.RUN_FAILED).model_dump(by_alias=True)
    told = {"media_type": "image/png", "size": 9}
    fields["pictures"] = [
        told | {"sha256": "a" * 64, "name": "The page"},
        told | {"sha256": "b" * 64, "name": "A script"},
        told | {"sha256": "c" * 64, "name": "Gone"},
    ]
    files = {"a" * 64: png(), "b" * 64: b"<svg onload=alert(1)>"}
    mail = written(
        Notice.model_validate(fields), read_artefact=lambda sha, most: files.get(sha, b"")[:most]
    )
    images = [one for one in mail.walk() if one.get_content_maintype() == "image"]
    assert [one.get_content() for one in images] == [png()]
    identity = images[0]["content-id"].strip("<>")
    assert f'src="cid:{identity}"' in mail.get_body(("html",)).get_content()


def test_one_click_ends_it_where_that_is_safe():
    mail = written(example_of(Event.DEPLOYED), unsubscribe="https://ci/unsubscribe?t=x")
    assert mail["list-unsubscribe"] == "<https://ci/unsubscribe?t=x>"
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert "End these mails: https://ci/unsubscribe?t=x" in mail.get_body(("plain",)).get_content()
    assert 'href="https://ci/unsubscribe?t=x"' in mail.get_body(("html",)).get_content()
    plain = written(example_of(Event.DEPLOYED), unsubscribe="http://ci/unsubscribe?t=x")
    assert plain["list-unsubscribe-post"] is None


def test_a_template_that_fails_costs_the_page_alone(monkeypatch):
    def fail(*_words, **_keys):
        raise ValueError("no such filter")

    monkeypatch.setattr(templates, "render", fail)
    mail = written(example_of(Event.RUN_FAILED))
    assert mail.get_content_type() == "text/plain"
    assert "could not be made: ValueError: no such filter" in mail.get_content()
    assert "test_low_water" in mail.get_content()


@pytest.mark.parametrize(
    "address", ["", "ben", "ben@", "a b@x.org", "a@x.org, b@x.org", "ben@x..y"]
)
def test_an_address_that_is_none_is_told(address):
    with pytest.raises(Refused, match="no mail address"):
        written(example_of(Event.DEPLOYED), address=address)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"sender": "nobody"}, "is no address"),
        ({"sender": "a@b\nBcc: c@d"}, "one line"),
        ({"sender": "a@müller.de"}, "is no address"),
        ({"host": "mail.example.org/x"}, "pattern"),
        ({"user": "ann"}, "by a password or a token"),
        ({"password": SECRET}, "write user"),
        ({"user": "ann", "password": SECRET, "token": SECRET}, "write one of them"),
        ({"user": "ann", "password": SECRET, "security": "none"}, "not sent in plain"),
        ({"security": "ssl"}, "starttls"),
        ({"port": 0}, "greater than"),
    ],
    ids=range(10),
)
def test_settings_that_cannot_be_are_refused(keys, told):
    with pytest.raises(ValidationError, match=told):
        EmailNotifier.model_validate(SETTINGS | keys)
    assert EmailNotifier.model_validate(SETTINGS).server_port == 587


def test_a_file_of_authorities_that_is_not_there_is_found(tmp_path):
    settings = EmailNotifier.model_validate(SETTINGS | {"authorities": "ca.pem"})
    assert list(settings.problems(tmp_path)) == ['authorities: there is no file "ca.pem"']
    (tmp_path / "ca.pem").touch()
    assert list(settings.problems(tmp_path)) == []
