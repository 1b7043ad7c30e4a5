"""The pages' bodies are storage format, whatever a commit says; templates fail in one sentence."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.releases.outgoing import OutgoingRelease
from slipway.scripts.stages.publish.targets.confluence.pages import Pages, example

HOSTILE = (
    "]]>",
    "<![CDATA[ x ]]>",
    '<ac:structured-macro ac:name="html"><ac:plain-text-body>x</ac:plain-text-body>',
    "</p><script>alert(1)</script>",
    "&lt;&nbsp;&#0;&x;",
    "\x00\x01\x1b[2J\x7f\ufffe\ud800 \u202e",
    "x" * 10_000,
    '"\' onload="x',
    "{{ 7 * 7 }}{% raw %}",
)


def pages(template=None) -> Pages:
    return Pages("almanac", "{project} {version}", "{project}: newest", template)


def said(text: str, **changes) -> OutgoingRelease:
    """Return a release whose commit and stages say a text."""
    made = example("almanac", "1.0.0")
    stage = made.manifest.stages[0].model_copy(update={"summary": text, "stage": text})
    facts = {"subject": text, "author": text, "branch": text, "stages": (stage,)} | changes
    return OutgoingRelease(made.manifest.model_copy(update=facts), made.files)


def parsed(body: str) -> ET.Element:
    return ET.fromstring(f'<x xmlns:ac="ac" xmlns:ri="ri">{body}</x>')  # noqa: S314


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_commit_says_stays_text(text):
    page = parsed(pages().release(said(text)))
    plain = parsed(pages().release(said("plain")))
    assert [one.tag for one in page.iter()] == [one.tag for one in plain.iter()]
    assert all(len(one) < 1000 for one in page.itertext())


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_makes_a_page(text):
    parsed(pages().release(said(text)))


def test_an_authors_address_is_not_on_the_page():
    body = pages().release(said("plain", author="Ada <ada@example.org>"))
    assert "Ada" in body
    assert "ada@example.org" not in body


def test_a_release_of_a_working_tree_says_so():
    body = pages().release(said("plain", local=True, dirty=True))
    assert "Made from a working tree with changes that no commit has, without a site." in body


def test_names_of_files_are_attributes_that_stay_inside():
    made = example("almanac", "1.0.0")
    files = tuple(replace(made.files[0], name=name) for name in ('a".zip', "b&c.zip", "it's.zip"))
    page = parsed(pages().release(OutgoingRelease(made.manifest, files)))
    names = [one.get("{ri}filename") for one in page.iter("{ri}attachment")]
    assert names == ['a".zip', "b&c.zip", "it's.zip"]


def test_a_page_of_a_thousand_files_is_made():
    made = example("almanac", "1.0.0")
    files = tuple(replace(made.files[0], name=f"{n}.zip") for n in range(1000))
    body = pages().release(OutgoingRelease(made.manifest, files))
    assert body.count("<ri:attachment") == 1000
    assert len(body) < 500_000


def test_a_page_that_is_too_long_for_confluence_is_told():
    with pytest.raises(StageFailed, match=r"it has [\d,]+ bytes, and Confluence takes 5,000,000"):
        pages("{{ release.subject }}" * 600).release(said("x" * 10_000))


def test_a_template_of_ones_own_may_use_what_the_built_in_one_does():
    template = """{% from "macros.xml.j2" import file, page, panel, table %}
<p>{{ release.subject | cut(5) }}&nbsp;&mdash; {{ release.published_at | moment }}</p>
{% call panel("info") %}<p>{{ file(files[0].name) }}</p>{% endcall %}
{{ table(files) }}{{ page("Home", "to the top") }}"""
    body = pages(template).release(said("<b>bold</b>"))
    assert "&lt;b&gt;b\N{HORIZONTAL ELLIPSIS}&nbsp;&mdash; 1970-01-01 00:00 UTC" in body
    assert body.count("<ri:attachment") == 2


@pytest.mark.parametrize(
    ("template", "match"),
    [
        ("{{ nothing }}", "'nothing' is undefined"),
        ("{{ release.subject | safe }}", "No filter named 'safe'"),
        ("{{ release.__class__ }}", "access to attribute '__class__' of 'dict' object is unsafe"),
        ("{{ files.append(1) }}", "not safely callable|is unsafe|append"),
        ("{% for one in range(10**9) %}x{% endfor %}", "Range too big"),
        ("{{ 'x' * -1 + 1 }}", "page cannot be made"),
        ("{% include 'slipway.html/page.html.j2' %}", "page.html.j2"),
        ("<p>", "line 1: mismatched tag"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><p>&a;</p>", "is XML: line 1"),
        ("<p>&nothingsuch;</p>", "line 1: undefined entity"),
        ("<x:y/>", "line 1: unbound prefix"),
        ("<p>a & b</p>", "line 1: not well-formed"),
    ],
)
def test_a_template_that_fails_is_one_sentence(template, match):
    with pytest.raises(WrongInput, match=match) as caught:
        pages(template).release(said("text"))
    assert re.match(r"^template: [ -~]+; nothing was published there$", str(caught.value))


def test_the_newest_page_links_only_what_is_there():
    there = {"1.1.0": "almanac 1.1.0"}
    body = pages().newest(there, "1.1.0", {"beta": "1.1.0", "stable": "0.9.0"}, None)
    page = parsed(body)
    titles = [one.get("{ri}content-title") for one in page.iter("{ri}page")]
    assert titles == ["almanac 1.1.0", "almanac 1.1.0"]
    assert "0.9.0" in body
    assert "<ri:attachment" not in body


def test_titles_are_one_line_and_not_too_long():
    made = pages()
    assert made.title("1.0\u202e 2\u2003 3") == "almanac 1.0 2 3"
    with pytest.raises(WrongInput, match=r"page-title: .* at most 210: write a shorter one"):
        made.title("1" * 211)
