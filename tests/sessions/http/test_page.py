"""Pages over plain HTTP of any kind, encoding, size and quality: what a person sees of them."""

from __future__ import annotations

import html
import time

import pytest

from slipway.sessions.errors import NotThere
from slipway.sessions.http.session import HttpSession


@pytest.fixture
def session(application):
    opened = HttpSession(application.url, timeout=60)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a <b>b</b>c<p>d</p>e<br>f", "a bc d e f"),
        ("<script>x</script><style>x</style><template>x</template><!-- x -->a<?x x?>", "a"),
        ("<noscript>No <b>script</b></noscript>", "No script"),
        ("<p hidden>x</p><p style='color:red; DISPLAY : none'>x</p>a<dialog>x</dialog>", "a"),
        ("<dialog open>a</dialog><details open><summary>b</summary>c</details>", "a b c"),
        ("<details>x<summary>a</summary><p>x</p></details>b", "x a b"),
        ("<ul><li>1<li>2</ul><table><tr><td>3<td>4</table>", "1 2 3 4"),
        ("<textarea>x</textarea><input value=x><select><option>a<option>b</select>", "a b"),
        ("a&nbsp;&nbsp;b&#8203;", "a b\u200b"),
        ("<pre>a\n  b</pre>", "a b"),
        ("&lt;b&gt; &amp; &euro; &bogus;", "<b> & € &bogus;"),
        ("<iframe>x</iframe><video>x</video><object>a</object>", "a"),
    ],
)
def test_the_text_is_what_a_person_sees(session, application, markup, text):
    application.add("/t", markup)
    session.visit("/t")
    assert session.text == text


def test_what_is_hidden_is_not_visible(session, application):
    application.add("/h", "<div hidden><a id=a href=/>A</a></div><a id=b href=/>B</a>"
                    "<input id=c type=hidden><input id=d style='visibility:hidden'><input id=e>"
                    "<details><summary id=f>F</summary><i id=g>g</i></details>")  # fmt: skip
    session.visit("/h")
    seen = [one for one in "abcdefg" if session.find("id", one).visible]
    assert seen == ["b", "e", "f"]


UMLAUT = "<p>Käse €</p>"


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (UMLAUT.encode(), "text/html; charset=utf-8"),
        (UMLAUT.encode(), "text/html"),
        (UMLAUT.encode(), "text/html; charset=bogus"),
        (UMLAUT.encode("utf-8-sig"), "text/html; charset=iso-8859-1"),
        (UMLAUT.encode("utf-16"), "text/html"),
        (UMLAUT.encode("cp1252"), "text/html"),
        (UMLAUT.encode("cp1252"), "text/html; charset=ISO-8859-1"),
        (UMLAUT.encode("iso-8859-15"), 'text/html; charset="iso-8859-15"'),
        (b"<meta charset='iso-8859-15'>" + UMLAUT.encode("iso-8859-15"), "text/html"),
        (b"<meta http-equiv=Content-Type content='text/html; charset=iso-8859-15'>"
         + UMLAUT.encode("iso-8859-15"), "text/html"),
        (b"<meta charset=utf-16>" + UMLAUT.encode(), "text/html"),
        (b"<?xml version='1.0' encoding='utf-8'?><html xmlns='http://www.w3.org/1999/xhtml'><body>"
         + UMLAUT.encode() + b"</body></html>", "application/xhtml+xml"),
        (UMLAUT.encode(), ""),
    ],
)  # fmt: skip
def test_encodings(session, application, raw, kind):
    application.add("/e", raw=raw, kind=kind)
    session.visit("/e")
    assert session.text == "Käse €"
    assert "Käse €" in session.html
    assert session.find("xpath", "//p").text == "Käse €"


def test_a_page_of_the_wrong_encoding_still_shows_the_rest(session, application):
    application.add("/e", raw=b"<p>K\xe4se</p><p>Brot</p>", kind="text/html; charset=utf-8")
    session.visit("/e")
    session.see("K\ufffdse Brot")


@pytest.mark.parametrize("raw", [b"", b"  \n", b"<!-- nothing -->", b"<!doctype html>", b"\0"])
def test_empty_pages(session, application, raw):
    application.add("/empty", raw=raw)
    session.visit("/empty")
    assert session.title == ""
    assert session.text in {"", "\ufffd"}
    with pytest.raises(NotThere):
        session.find("field", "x")
    assert session.evidence()[0].name == "page.html"


@pytest.mark.parametrize(
    "markup",
    [
        "<p>a<div><b>Seen</p></i></b><table><td><form><input title=Field><tr></form></table>",
        "</body></html><p>Seen <input title=Field><b",
        "<form><form><input title=Field></form></form>Seen<<>>&&#xFFFFFFF;",
        "Seen \0<input title='Field' title=Twice =x \"y'>",
        "<svg><a href=x>Seen</a></svg><fb:like a:b=c><input title=Field></fb:like>",
        "<div>" * 1000 + "Seen<input title=Field>",
    ],
)
def test_invalid_pages(session, application, markup):
    application.add("/bad", raw=markup.encode())
    session.visit("/bad")
    session.see("Seen")
    session.fill("Field", "x")
    assert session.value("Field") == "x"


def test_texts_and_data_are_shown_as_text(session, application):
    session.visit("/json")
    session.see('{"name": "Ann"}')
    assert session.find("content", "Ann").tag == "pre"
    application.add("/plain", raw=b"<p>a\n b \x0c\x01", kind="text/plain")
    session.visit("/plain")
    session.see("<p>a b")
    application.add("/feed", raw=b"<feed><t>News</t></feed>", kind="application/atom+xml")
    session.visit("/feed")
    session.see("<t>News</t>")


def test_what_is_no_text_is_told(session, application):
    session.visit("/pixel.png")
    session.see("(image/png, 8 bytes: no page and no text)")
    assert session.content.startswith(b"\x89PNG")
    assert session.html == ""
    assert [one.name for one in session.evidence()] == ["http.txt"]
    application.add("/raw", raw=b"\0\1\2", kind="")
    session.visit("/raw")
    session.see("unknown type, 3 bytes")


def test_a_long_form_is_quick(session, application):
    rows = "".join(
        f"<tr><td><label for=n{n}>Number {n}</label></td><td><input id=n{n} name=n{n}></td></tr>"
        for n in range(2000)
    )
    application.add(
        "/long", f"<form action=/echo method=post><table>{rows}</table><button>Go</button>"
    )
    session.visit("/long")
    began = time.monotonic()
    session.fill("Number 1999", "x")
    session.press("Go")
    assert application.last.fields()[1999] == ("n1999", "x")
    assert time.monotonic() - began < 3


@pytest.mark.slow
def test_a_page_of_fifty_megabytes_can_be_used(session, application):
    words = b"some words to fill it " * 40
    row = b'<tr><td>Cell</td><td><a href="/x">Open this</a></td><td>' + words + b"</td></tr>\n"
    form = b"<form action=/echo><label>Query <input name=q></label><button>Go</button></form>"
    raw = form + b"<table>" + row * (50_000_000 // len(row)) + b"</table>last words"
    application.add("/big", raw=raw)
    session.visit("/big")
    session.see("last words")
    session.fill("Query", "x")
    session.press("Go")
    session.see("q=x")


def test_labels_of_any_text_lead_to_their_fields_alone(session, application):
    texts = ["a ] b", "@id = //label[1]", 'it\'s "x"', "[", "/@for"]
    fields = "".join(
        f"<label for='f{n}'>{html.escape(text)}</label><input id=f{n}>"
        for n, text in enumerate(texts)
    )
    many = "".join(f"<label for=m{n}>Many</label><input id=m{n}>" for n in range(60))
    application.add(
        "/labels", fields + many + "<label for='\"odd\"'>Odd</label><input id='\"odd\"'>"
    )
    session.visit("/labels")
    for number, text in enumerate(texts):
        assert session.find("field", text).attribute("id") == f"f{number}"
    assert session.find("field", "Many").attribute("id") == "m0"
    assert session.find("field", "Odd").attribute("id") == '"odd"'
