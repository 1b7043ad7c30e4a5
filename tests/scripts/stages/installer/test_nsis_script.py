"""Scripts of makensis: nothing that a commit says is taken for a command of theirs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.scripts.stages.installer.nsis import literal


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", '"plain"'),
        ("${NSISDIR}", '"${D}{NSISDIR}"'),
        ("$%HOME% $$ $", '"${D}%HOME% ${D}${D} ${D}"'),
        ('a"b', '"a$\\"b"'),
        ('"$\\"', '"$\\"${D}\\$\\""'),
        ("a\\n", '"a\\n"'),
    ],
)
def test_a_text_is_quoted(text, quoted):
    assert literal(text) == quoted


@given(st.text(alphabet="${}%\"\\NSIDR()[]`' abc!", max_size=40))
def test_no_dollar_and_no_quote_is_the_texts_own(text):
    quoted = literal(text)
    inside = quoted[1:-1].replace("${D}", "")
    assert re.sub(r'\$\\"', "", inside).count("$") == 0
    assert '"' not in re.sub(r'\$\\"', "", inside)
    assert quoted[1:-1].replace('$\\"', '"').replace("${D}", "$") == text
