"""Texts of hostile people in notices: one line stays one line, and all is bounded."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, strategies

from slipway.model.notices.cleaning import clean_line, clean_lines
from slipway.model.notices.events import EVENTS, Event
from slipway.model.notices.notice import Notice
from slipway.model.notices.titles import title_of

ATTACKS = {
    "crlf": "subject\r\nBcc: everybody@example.org\r\n\r\nbody",
    "lf": "subject\nQUIT :gone",
    "nul": "sub\0ject",
    "rtl": "\u202egnp.exe\u202c \u2066hidden\u2069",
    "irc": "\x0304red\x0f \x02bold\x16",
    "escape": "\x1b]0;title\x07\x1b[2J",
    "separators": "one\u2028two\u2029three\x85four\x0bfive",
    "half": "half \ud800 of a pair",
    "marks": "e" + "\u0301" * 5000,
    "long": "x" * 10_000,
    "tags": "\U000e0041\U000e0042 \ufeffbom \u200bzero",
}


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_line_stays_one_line_that_shows_all_it_holds(text):
    made = clean_line(text, 300)
    assert len(made) <= 300
    assert made.splitlines() in ([made], [])
    assert not {unicodedata.category(one) for one in made} & {"Cc", "Cs", "Zl", "Zp", "Cf"}
    made.encode()


@given(strategies.text(strategies.characters(codec=None), max_size=400))
def test_whatever_is_given_is_clean_and_stays_as_it_is_when_it_is_cleaned_again(text):
    line, lines = clean_line(text, 100), clean_lines(text, 200)
    assert len(line) <= 100
    assert len(lines) <= 200
    assert clean_line(line, 100) == line
    assert "\r" not in lines
    assert not {unicodedata.category(one) for one in lines.replace("\n", "")} & {"Cc", "Cs"}
    lines.encode()


def test_lines_keep_their_end_and_a_huge_text_costs_nothing():
    began = time.process_time()
    made = clean_lines("a\r\n" * 5_000_000 + "the error", 8000)
    assert time.process_time() - began < 2
    assert made.startswith("...\n")
    assert made.endswith("a\nthe error")


def test_every_text_of_a_notice_is_cleaned_where_it_is_made():
    bad = "a\r\nb\0\u202e" + "c" * 10_000
    fields = {"id": "run-1", "event": "run-failed", "at": 1.0, "url": bad, "title": bad}
    texts = ("project", "version", "branch", "subject", "author", "stage", "person", "text")
    fields |= dict.fromkeys(texts, bad) | {"values": {bad: bad}, "places": [bad]}
    fields["tests"] = [{"stage": bad, "name": bad, "place": bad, "message": bad}]
    fields["blamed"] = [{"name": bad, "email": bad}]
    made = Notice.model_validate(fields)
    shown = made.model_dump_json(by_alias=True)
    assert len(shown) < 30_000
    assert "\\r" not in shown
    assert "\\u0000" not in shown
    assert "\u202e" not in shown
    assert "\\n" not in shown.replace("...\\n", "").replace("a\\nb", "")
    assert Notice.model_validate_json(shown) == made


@pytest.mark.parametrize("name", ["id", "thread", "revision"])
def test_what_names_a_notice_is_no_text_of_others(name):
    fields = {"id": "run-1", "event": "run-failed", "at": 1.0, "url": "", "title": ""}
    with pytest.raises(ValueError, match=name):
        Notice.model_validate(fields | {name: "a\r\nX-Header: 1"})


@pytest.mark.parametrize("event", list(Event), ids=str)
def test_each_event_has_its_facts_and_a_title(event):
    facts = {"project": "almanac", "version": "1.4.0+7", "branch": "main", "stage": "tests"}
    title = title_of(event, facts | {"environment": "live", "worker": "far", "person": "ada"})
    assert EVENTS[event].what
    assert "{" not in title
    assert len(title) > 10
