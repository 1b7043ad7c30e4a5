"""Whatever is asked and whatever is given: checked values, or sentences, and nothing else."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.model.answers import (
    WrongAnswers,
    as_environment,
    check_answers,
    spec,
)
from slipway.model.parameter import Choice, SecretParameter

from .gate import EVERY_TYPE, ask, moment

WORDS = ("a", "b", "soft", "north", "é", "1.4.0+7")
#: Text with what hurts: surrogates, controls, marks, bidi, quotes and brackets.
TEXT = st.text(
    st.one_of(st.characters(), st.sampled_from("\ud800\0\n\r\t\u202e\u200d\u0301\u0344[]{},\"'$ "))
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**40, 10**4000, -(2**53), 2**53]),
    st.floats(),
    TEXT,
    st.sampled_from([*WORDS, "2026-03-10", "1.50", "-0", "today", "true", '["a"]', "[" * 5000]),
    st.decimals(allow_nan=True).map(str),
    st.dates().map(date.isoformat),
)
ANYTHING = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=4),
    st.dictionaries(TEXT, SCALARS, max_size=2),
)
PATTERNS = st.sampled_from([{}, {"pattern": "[a-zé]*"}, {"pattern": "(a+)+"}])


@st.composite
def parameter(draw, name):
    """A parameter that a file may hold, with limits of all kinds."""
    kind = draw(st.sampled_from([one["type"] for one in EVERY_TYPE]))
    low, high = sorted([draw(st.integers(-50, 50)), draw(st.integers(-50, 50))])
    short, long = sorted([draw(st.integers(1, 20)), draw(st.integers(1, 20))])
    lengths = {"min-length": short, "max-length": long}
    keys = {
        "string": lengths | draw(PATTERNS),
        "text": lengths,
        "integer": {"min": low, "max": high},
        "decimal": {"min": low, "max": high} | draw(st.sampled_from([{}, {"places": 2}])),
        "choice": {"choices": WORDS[:3]},
        "multi-choice": {"choices": WORDS[:4], "min": draw(st.integers(0, 2))},
        "date": {"min": f"today{low:+d}d", "max": f"today{high:+d}d"},
        "secret": lengths,
    }.get(kind, {})
    source = {} if kind == "secret" else draw(st.sampled_from([{}, {"default": {"from": "last"}}]))
    return {"name": name, "type": kind, "required": draw(st.booleans()), **keys, **source}


@st.composite
def gates(draw, answers):
    """Parameters, answers to some of them and perhaps to unknown ones, and a moment."""
    names = draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=4))
    parameters = ask(*[draw(parameter(name)) for name in names])
    told = draw(st.dictionaries(st.sampled_from([*(names or "x"), "x\ud800"]), answers, max_size=4))
    if draw(st.integers(0, 3)):
        told = {name: value for name, value in told.items() if name in names}
    last = draw(st.dictionaries(st.sampled_from("abcdef"), ANYTHING, max_size=3))
    places = tuple(Choice(value=word) for word in WORDS[: draw(st.integers(0, 4))])
    return parameters, told, moment(last=last, environments=places)


def outcome(check, *arguments):
    """Return what a check returns, and what it refuses."""
    refused = None
    try:
        return check(*arguments), {}
    except WrongAnswers as wrong:
        refused = wrong
    assert refused.errors
    assert str(refused).encode()
    return None, refused.errors


def check_sentences(errors, parameters, told):
    """What is refused is told: a name that was asked or given, and one line on it."""
    shown = {name.encode(errors="backslashreplace").decode() for name in told}
    for name, sentence in errors.items():
        assert name in {one.name for one in parameters} | shown
        assert sentence
        assert "\n" not in sentence
        assert "\0" not in sentence


@pytest.mark.slow
@given(gates(ANYTHING))
def test_answers_are_values_or_sentences(gate):
    parameters, told, at = gate
    answers, errors = outcome(check_answers, parameters, told, at)
    check_sentences(errors, parameters, told)
    if answers is None:
        return
    secrets = {name: one.get_secret_value() for name, one in answers.secrets.items()}
    asked = {one.name for one in parameters if isinstance(one, SecretParameter)}
    assert set(answers.values) == {one.name for one in parameters} - asked
    assert set(secrets) <= asked
    stored = json.loads(json.dumps(answers.values, allow_nan=False).encode())
    assert stored == answers.values
    assert check_answers(parameters, stored | secrets, at) == answers
    for text in as_environment(answers.values, answers.secrets).values():
        text.encode()
        assert "\0" not in text


@pytest.mark.slow
@given(gates(ANYTHING))
def test_a_form_can_always_be_drawn(gate):
    parameters, _, at = gate
    drawn = json.loads(json.dumps(spec(parameters, at)))
    first = {one["name"]: one["default"] for one in drawn}
    assert [one["name"] for one in drawn] == [one.name for one in parameters]
    known = {name: value for name, value in first.items() if value is not None}
    _, errors = outcome(check_answers, parameters, known, at)
    assert not set(errors) & set(known)
