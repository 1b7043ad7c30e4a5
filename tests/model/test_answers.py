"""Answers to a gate: every kind of good and bad one, from JSON and from texts."""

import json

import pytest

from slipway.model.answers import (
    WrongAnswers,
    as_environment,
    check_answers,
    spec,
)

from .gate import EVERY_TYPE, ask, moment

STRING = {"type": "string"}
TEXT = {"type": "text"}
INTEGER = {"type": "integer", "min": 1, "max": 9}
DECIMAL = {"type": "decimal"}
CHOICE = {"type": "choice", "choices": ["a", "é"]}
MULTI = {"type": "multi-choice", "choices": ["a", "b", "c"], "max": 2}
DATE = {"type": "date", "min": "today", "max": "2026-04-01"}
RELEASE = {"type": "release"}
SECRET = {"type": "secret"}


def answer(value, /, at=None, **keys):
    """Return what becomes of one answer."""
    return check_answers(ask({"name": "one", **keys}), {"one": value}, at or moment()).values["one"]


def told(value, /, at=None, **keys):
    """Return the sentence about one wrong answer."""
    with pytest.raises(WrongAnswers) as caught:
        answer(value, at, **keys)
    assert list(caught.value.errors) == ["one"]
    assert str(caught.value) == f"one: {caught.value.errors['one']}"
    return caught.value.errors["one"]


@pytest.mark.parametrize(
    ("keys", "given", "kept"),
    [
        (STRING, "'; rm -rf $(x) `y` | & > \\ \"", "'; rm -rf $(x) `y` | & > \\ \""),
        (STRING, "e\u0301", "é"),
        (STRING, "日本語 🚢", "日本語 🚢"),
        (STRING, "", None),
        (STRING, " \u3000", None),
        (STRING, None, None),
        (TEXT, "a\r\n\tb", "a\n\tb"),
        (TEXT, "👩\u200d💻", "👩\u200d💻"),
        (INTEGER, 9, 9),
        (DECIMAL, "0.10", "0.10"),
        (DECIMAL, "-0", "0"),
        (DECIMAL, "+007.5", "7.5"),
        (DECIMAL, 3, "3"),
        (DECIMAL | {"places": 2}, "1.5", "1.50"),
        ({"type": "boolean"}, True, True),
        ({"type": "boolean"}, None, False),
        (CHOICE, "e\u0301", "é"),
        (MULTI, ["c", "a"], ["a", "c"]),
        (MULTI | {"min": 1}, [], []),
        (DATE, "2026-03-10", "2026-03-10"),
        (RELEASE, "1.3.0+5", "1.3.0+5"),
        ({"type": "environment"}, "staging", "staging"),
    ],
)
def test_what_is_accepted(keys, given, kept):
    assert answer(given, **keys) == kept


@pytest.mark.parametrize(
    ("keys", "given", "sentence"),
    [
        (STRING | {"required": True}, None, "must be answered"),
        (STRING | {"required": True}, " ", "must be answered"),
        (STRING, 5, "must be a text; 5 was given"),
        (STRING, ["a"], "must be a text; a list was given"),
        (STRING, {"a": 1}, "must be a text; a table was given"),
        (STRING, object(), "must be a text; something else was given"),
        (STRING, "x" * 256, "must be at most 255 characters long; 256 were given"),
        (STRING, "x" * 10**6, "must be at most 255 characters long; 1000000 were given"),
        (STRING | {"min-length": 3}, "ab", "must be at least 3 characters long; 2 were given"),
        (STRING | {"pattern": "a|b"}, "ab", '"ab" does not match a|b'),
        (STRING, "a\nb", "holds U+000A as character 2; it must be a single line, without tabs"),
        (STRING, "a\0", "holds U+0000 as character 2; control characters are not allowed"),
        (STRING, "\x1b[31m", "holds U+001B as character 1; control characters are not allowed"),
        (STRING, "\ud800", "holds U+D800 as character 1; half of a surrogate pair is no character"),
        (
            STRING,
            "a\u202eb",
            "holds U+202E (RIGHT-TO-LEFT OVERRIDE) as character 2; invisible characters are",
        ),
        (STRING, "\u200b", "holds U+200B (ZERO WIDTH SPACE) as character 1; invisible char"),
        (STRING, "\u3164", "holds U+3164 (HANGUL FILLER) as character 1; invisible characters"),
        (STRING, "a\u2028b", "holds U+2028 (LINE SEPARATOR) as character 2; it must be a single"),
        (STRING, "e" + "\u0301" * 31, "has more than 30 combining marks on one character"),
        (TEXT, "a\0", "holds U+0000 as character 2"),
        (TEXT, "a\u2066b", "holds U+2066 (LEFT-TO-RIGHT ISOLATE) as character 2"),
        (TEXT, "x" * 10_001, "must be at most 10000 characters long"),
        (INTEGER, True, "must be a whole number; true was given"),
        (INTEGER, "3", 'must be a whole number; "3" was given'),
        (INTEGER, 3.0, "must be a whole number; 3.0 was given"),
        (INTEGER, 10, "must be a whole number from 1 to 9; 10 was given"),
        pytest.param(
            INTEGER,
            10**5000,
            "must be a whole number from 1 to 9; a huge number was given",
            id="huge",
        ),
        (DECIMAL, 0.1, "must be a decimal number between quotes, so that it stays exact; 0.1"),
        (DECIMAL, float("nan"), "must be a decimal number between quotes"),
        (DECIMAL, "NaN", 'must be a decimal number such as "1.50"; "NaN" was given'),
        (DECIMAL, "Infinity", 'must be a decimal number such as "1.50"; "Infinity" was given'),
        (DECIMAL, "1e999999999", 'must be a decimal number such as "1.50"; "1e999999999" was'),
        (DECIMAL, "\u0661", 'must be a decimal number such as "1.50"'),
        (DECIMAL, True, 'must be a decimal number such as "1.50"; true was given'),
        (DECIMAL | {"min": "0.1"}, "0.09", "must be at least 0.1; 0.09 was given"),
        (DECIMAL | {"min": 0, "max": 1}, "2", "must be at least 0 and at most 1; 2 was given"),
        ({"type": "boolean"}, "true", 'must be true or false; "true" was given'),
        ({"type": "boolean"}, 1, "must be true or false; 1 was given"),
        ({"type": "boolean", "required": True}, None, "must be answered"),
        (CHOICE, "b", '"b" cannot be chosen; allowed: "a", "é".'),
        (CHOICE, "", '"" cannot be chosen; allowed: "a", "é".'),
        (CHOICE, ["a"], "must be one of the choices; a list was given"),
        (MULTI, "a", 'must be a list of at most 1000 choices; "a" was given'),
        (MULTI, ["a", "a"], '"a" is chosen more than once'),
        (MULTI, ["a", "b", "c"], "must be 0 to 2 of the choices; 3 were chosen"),
        (MULTI, ["a", 1], "must be one of the choices; 1 was given"),
        (MULTI, ["a"] * 1001, "must be a list of at most 1000 choices; a list was given"),
        (DATE, "2026-3-10", 'must be a date such as 2026-03-31; "2026-3-10" was given'),
        (DATE, "2026-03-09", "must be a date from 2026-03-10 to 2026-04-01; 2026-03-09 was given"),
        (DATE, "today", 'must be a date such as 2026-03-31; "today" was given'),
        (RELEASE, "1.2.0", '"1.2.0" cannot be chosen; allowed: "1.4.0+7", "1.3.0+5".'),
        (SECRET | {"required": True}, "", "must be answered"),
        (SECRET, 12345, "must be a text"),
        (SECRET, "a\0b", "holds U+0000, which cannot be handed to a program"),
        (SECRET | {"min-length": 8}, "hunter2", "must be at least 8 characters long; 7 were given"),
    ],
)
def test_what_is_refused(keys, given, sentence):
    assert told(given, **keys).startswith(sentence)


def test_a_long_list_of_choices_is_told_in_part():
    sentence = told("x", type="choice", choices=[f"c{n}" for n in range(100)])
    assert sentence.endswith('"c11" and 88 more.')


def test_all_errors_at_once_and_unknown_ones_refused():
    parameters = ask({"name": "reason", **STRING, "required": True}, {"name": "count", **INTEGER})
    with pytest.raises(WrongAnswers) as caught:
        check_answers(parameters, {"count": 0, "raeson": "x", "\ud800": 1}, moment())
    assert caught.value.exit_code == 2
    assert caught.value.errors == {
        "raeson": 'is no parameter; this gate asks for reason, count. Did you mean "reason"?',
        "\\ud800": "is no parameter; this gate asks for reason, count.",
        "reason": "must be answered",
        "count": "must be a whole number from 1 to 9; 0 was given",
    }
    assert str(caught.value).encode().count(b"\n") == 3


def test_a_gate_without_parameters_takes_none():
    with pytest.raises(WrongAnswers, match="this gate asks for nothing"):
        check_answers((), {"a": 1}, moment())
    assert check_answers((), {}, moment()).values == {}


def test_defaults_stand_in_for_what_is_left_out():
    values = check_answers(ask(*EVERY_TYPE), {"token": "12345678"}, moment()).values
    assert values == {
        "ticket": "OPS-1",
        "notes": "a\nb",
        "count": 3,
        "share": "0.50",
        "quick": True,
        "tone": None,
        "region": "north",
        "parts": ["a"],
        "day": "2026-03-11",
        "release": "1.4.0+7",
        "place": "staging",
    }


def test_null_is_no_answer_and_not_the_default():
    assert answer(None, type="string", default="x") is None
    assert told(None, type="string", default="x", required=True) == "must be answered"


@pytest.mark.parametrize(
    ("source", "value"),
    [("last", "before"), ("version", "1.4.0+7"), ("revision", "c0ffee"), ("branch", "main")],
)
def test_defaults_that_are_looked_up(source, value):
    parameters = ask({"name": "one", "type": "string", "default": {"from": source}})
    at = moment(last={"one": "before"})
    assert check_answers(parameters, {}, at).values == {"one": value}
    assert spec(parameters, at)[0]["default"] == value


def test_before_the_first_deployment_there_is_no_last_value():
    parameters = ask({"name": "one", "type": "integer", "default": {"from": "last"}})
    assert check_answers(parameters, {}, moment()).values == {"one": None}


def test_a_default_that_is_no_longer_allowed_is_asked_for():
    parameters = ask(
        {"name": "one", "type": "choice", "choices": ["a"], "default": {"from": "last"}}
    )
    at = moment(last={"one": "gone"})
    assert spec(parameters, at)[0]["default"] is None
    with pytest.raises(WrongAnswers, match=r"must be answered, since its default .* \"gone\""):
        check_answers(parameters, {}, at)


def test_choices_of_a_program():
    keys = {"name": "region", "type": "choice", "choices-from": ["regions"]}
    parameters = ask(keys)
    assert check_answers(parameters, {"region": "south"}, moment()).values == {"region": "south"}
    with pytest.raises(WrongAnswers, match="there is nothing to choose from now"):
        check_answers(parameters, {"region": "south"}, moment(choices={}))


def test_secrets_are_kept_apart_and_never_written():
    parameters = ask({"name": "pw", **SECRET}, {"name": "other", **SECRET})
    answers = check_answers(parameters, {"pw": "e\u0301 hunter2\n"}, moment())
    assert answers.values == {}
    assert answers.secrets["pw"].get_secret_value() == "e\u0301 hunter2\n"
    assert list(answers.secrets) == ["pw"]
    assert "hunter2" not in repr(answers) + str(answers) + repr(answers.secrets)
    at = moment(last={"pw": "hunter2"})
    assert "hunter2" not in json.dumps(spec(parameters, at))
    with pytest.raises(WrongAnswers) as caught:
        check_answers(ask({"name": "pw", **SECRET, "max-length": 3}), {"pw": "hunter2"}, moment())
    assert "hunter2" not in str(caught.value)


def test_the_environment_of_a_program():
    parameters = ask(*EVERY_TYPE)
    answers = check_answers(parameters, {"token": "12345678", "parts": ["a", "b"]}, moment())
    made = as_environment(answers.values, answers.secrets)
    assert made == {
        "SLIPWAY_PARAM_TICKET": "OPS-1",
        "SLIPWAY_PARAM_NOTES": "a\nb",
        "SLIPWAY_PARAM_COUNT": "3",
        "SLIPWAY_PARAM_SHARE": "0.50",
        "SLIPWAY_PARAM_QUICK": "true",
        "SLIPWAY_PARAM_TONE": "",
        "SLIPWAY_PARAM_REGION": "north",
        "SLIPWAY_PARAM_PARTS": '["a", "b"]',
        "SLIPWAY_PARAM_DAY": "2026-03-11",
        "SLIPWAY_PARAM_RELEASE": "1.4.0+7",
        "SLIPWAY_PARAM_PLACE": "staging",
        "SLIPWAY_PARAM_TOKEN": "12345678",
    }


def test_what_a_form_is_told():
    at = moment(last={"count": 5, "token": "12345678"})
    told = {one["name"]: one for one in spec(ask(*EVERY_TYPE), at)}
    assert json.loads(json.dumps(told)) == told
    assert told["count"] == {
        "name": "count",
        "type": "integer",
        "label": "Count",
        "help": None,
        "required": False,
        "default": 3,
        "last": 5,
        "choices": None,
        "limits": {"min": 1, "max": 9},
    }
    assert told["tone"]["choices"] == [
        {"value": "soft", "label": "soft"},
        {"value": "l", "label": "Loud"},
    ]
    assert told["day"]["limits"] == {"min": "2026-03-10", "max": "2026-03-17"}
    assert told["share"]["limits"] == {"min": "0", "max": "1.00", "places": 2}
    assert told["release"]["choices"][1]["label"] == "1.3.0+5, of May"
    assert told["token"]["last"] is None
