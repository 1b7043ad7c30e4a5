"""The page that refuses somebody: it says why, and what it says does nothing."""

from html import unescape

import pytest
from twisted.web.test.requesthelper import DummyRequest

from slipway.master.access.gateway import _Refusal

NASTY = "</p></section><script>alert(1)</script>\"'\0\u202e\ud800 may not"


def told(accept: bytes, sentence: str = NASTY) -> tuple[DummyRequest, str]:
    request = DummyRequest([b""])
    request.requestHeaders.setRawHeaders(b"accept", [accept])
    return request, _Refusal(403, sentence).render(request).decode()


@pytest.mark.parametrize("accept", [b"text/html", b"text/html,application/xhtml+xml;q=0.9"])
def test_a_browser_gets_a_page(accept):
    request, page = told(accept)
    assert request.responseCode == 403
    assert request.responseHeaders.getRawHeaders("content-type") == ["text/html; charset=utf-8"]
    assert "<script" not in page
    assert "</p></section><script>alert(1)</script>\"'    may not" in unescape(page)
    assert '<a href="/auth/login">Sign in</a>' in page
    assert "default-src 'none'" in page


def test_a_program_gets_json():
    request, answer = told(b"application/json", "ann may not")
    assert request.responseHeaders.getRawHeaders("content-type")[0].startswith("application/json")
    assert answer == '{"error": "ann may not"}'
