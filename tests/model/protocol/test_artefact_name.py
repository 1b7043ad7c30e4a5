"""What an artefact may be called: nothing that leads another machine's file astray."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from slipway.model.protocol.artefact_name import as_allowed, name_problem, name_refusal
from slipway.model.protocol.event import ArtefactLeft
from slipway.model.protocol.job import Input

GOOD = [
    "a",
    "almanac-1.4.0+7-linux-x86_64.tar.zst",
    "evidence/a-3-1-1.png",
    ".hidden",
    "a b (1).txt",
    "żółw ✓.zip",
    "日本語.txt",
    "console.log",
    "com.txt",
    "com10",
    "nullable",
    "x" * 200,
]
BAD = [
    "",
    ".",
    "..",
    "...",
    "../x",
    "../../../../home/deploy/.ssh/authorized_keys",
    "/etc/passwd",
    "a/b",
    "evidence/../x",
    "evidence/",
    "evidence/..",
    "evidence/a/b",
    "/evidence/a",
    "evidence//a",
    "EVIDENCE/a",
    "..\\x",
    "a\\b",
    "C:\\x",
    "C:x",
    "\\\\server\\share\\x",
    "a:b",
    "file.txt::$DATA",
    "a\0",
    "a\nb",
    "a\x1eb",
    "a\x7f",
    "a\u202egnp.exe",
    "a\u200b",
    "a\ud800",
    "a.",
    "a ",
    "con",
    "CON",
    "nul.txt",
    "Nul .txt",
    "com1",
    "COM9.tar.gz",
    "lpt1",
    "LPT¹.x",
    "aux.h",
    "PRN",
    "conin$",
    "evidence/nul",
    "a*",
    "what?",
    "a|b",
    "<a>",
    'a"b',
    "x" * 201,
    "é" * 199,
]


@pytest.mark.parametrize("name", GOOD)
def test_a_plain_name_is_allowed(name):
    assert name_problem(name) == name_refusal(name) == ""
    assert ArtefactLeft(path="p", name=name, sha256="0" * 64, size=1).name == name


@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_another_is_refused_in_one_sentence(name):
    assert name_problem(name)
    told = name_refusal(name)
    assert told.isascii()
    assert told.isprintable()
    assert len(told) < 3000
    with pytest.raises(ValidationError):
        ArtefactLeft(path="p", name=name, sha256="0" * 64, size=1)
    with pytest.raises(ValidationError):
        Input(stage="a", uses="freeze", name=name, path="p", sha256="0" * 64, size=1)


@pytest.mark.slow
@given(st.text(max_size=300))
def test_any_text_becomes_a_name_that_is_allowed(text):
    assert name_problem(as_allowed(text)) == ""
    assert name_problem(f"evidence/99999-{as_allowed(text)}") == ""


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/wrk/output/evidence/a-3-1-1.png", "a-3-1-1.png"),
        ("C:\\wrk\\a.txt", "a.txt"),
        ("/wrk/what?.png", "what_.png"),
        ("/wrk/nul", "_nul"),
        ("/wrk/..", "file"),
    ],
)
def test_what_matters_to_nobody_is_named_after_its_file(path, name):
    assert as_allowed(path) == name
