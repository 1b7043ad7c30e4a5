"""Each event as text and as a page: all of it is there, and nothing that others wrote is obeyed."""

from __future__ import annotations

import re
import struct
import zlib

import pytest

from slipway.model.notices.events import Event
from slipway.model.notices.examples import example_of
from slipway.model.notices.notice import Notice
from slipway.notifiers.rendering.page import as_page
from slipway.notifiers.rendering.text import as_text

EVIL = '<script>alert(1)</script>"onmouseover="x <img src=x onerror=y> \u202e'


@pytest.mark.parametrize("event", list(Event), ids=str)
def test_each_event_is_shown_whole(event):
    notice = example_of(event)
    text, page = as_text(notice), as_page(notice, rules_url="http://x/#/notices")
    assert text.startswith(notice.title)
    assert text.rstrip().endswith(notice.url)
    assert notice.text in text
    for one in notice.tests:
        assert one.place in text
        assert one.place in page
    assert f"<h1>{notice.title}</h1>" in page
    assert "<script" not in page


def test_html_in_what_others_wrote_stays_text():
    fields = example_of(Event.RUN_FAILED).model_dump(by_alias=True)
    fields |= dict.fromkeys(("title", "subject", "author", "text", "branch", "person"), EVIL)
    fields |= {"tests": [{"stage": EVIL, "name": EVIL, "place": EVIL, "message": EVIL}]}
    fields |= {"logs": [{"stage": EVIL, "text": EVIL}], "url": "javascript:alert(1)"}
    page = as_page(Notice.model_validate(fields))
    assert "<script" not in page
    assert "<img" not in page
    assert "javascript:" not in page
    assert not re.search(r"<[^>]*onmouseover", page)


def png():
    def part(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    rest = part(b"IDAT", zlib.compress(b"\0\0\0\0")) + part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + rest


def test_pictures_are_inside_if_they_are_some_and_not_too_large():
    fields = example_of(Event.RUN_FAILED).model_dump(by_alias=True)
    picture = {"sha256": "a" * 64, "name": "step 3.png", "media_type": "image/png", "size": 9}
    notice = Notice.model_validate(fields | {"pictures": [picture]})
    asked = []

    def read(sha256, most):
        asked.append((sha256, most))
        return png()

    assert 'src="data:image/png;base64,' in as_page(notice, read_artefact=read)
    assert asked == [("a" * 64, 500_000)]
    assert "<img" not in as_page(notice, read_artefact=lambda *_: b"<svg onload=x>")
    assert "<img" not in as_page(notice)
