"""Parameters as a file says them: what is accepted, what is refused and why."""

import re
import time
import tomllib
from datetime import date, datetime
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from slipway.model.kinds.time_window import Window, sentence
from slipway.model.parameter import PARAMETERS, read_choices, variable
from tests.model.gate import EVERY_TYPE, ask, dumped, moment, reloaded, schema

REFERENCE = Path(__file__).parents[3] / "docs/reference/parameters.md"


def refused(**keys):
    """Return what is told of a parameter that cannot be."""
    with pytest.raises(ValidationError) as caught:
        ask({"name": "one", **keys})
    error = caught.value.errors()[0]
    return str(error.get("ctx", {}).get("error", error["msg"]))


def test_every_type_can_be_asked():
    assert {parameter["type"] for parameter in EVERY_TYPE} == set(PARAMETERS)
    ask(*EVERY_TYPE)


def test_what_the_reference_shows_can_be_asked():
    page = REFERENCE.read_text(encoding="utf-8")
    inline = re.findall(r"^(\{ name = .*\})$", page, re.MULTILINE)
    shown = [tomllib.loads(f"shown = {table}")["shown"] for table in inline]
    assert {one["type"] for one in shown} == set(PARAMETERS)
    assert len(ask(*shown)) == len(shown)
    assert set(re.findall(r"^### `(.*)`$", page, re.MULTILINE)) == set(PARAMETERS)
    (block,) = re.findall(r"^```toml\n(window = .*?)^```$", page, re.MULTILINE | re.DOTALL)
    windows = [Window.model_validate(one) for one in tomllib.loads(block)["window"]]
    assert sentence(windows).startswith("Mon-Thu 09:00-16:30 Europe/Berlin or Sat 22:00-04:00")
    (block,) = re.findall(r"^```toml\n(\[\[.*?)^```$", page, re.MULTILINE | re.DOTALL)
    stages = tomllib.loads(block)["project"]["almanac"]["stages"]
    assert ask(*stages["production"]["parameters"])[0].required


def test_they_survive_the_trip_to_a_worker():
    parameters = ask(*EVERY_TYPE)
    assert reloaded(parameters) == parameters
    assert ask(*dumped(parameters)) == parameters


@pytest.mark.slow
def test_the_schema_accepts_what_the_model_accepts():
    jsonschema.Draft202012Validator(schema()).validate(EVERY_TYPE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a", "type": "string", "default": {"from": "nowhere"}},
        {"name": "a", "type": "date", "max-length": 3},
        {"name": "a", "type": "word"},
        {"name": "a"},
    ],
)
def test_the_schema_refuses_what_the_model_refuses(wrong):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate([wrong])
    with pytest.raises(ValidationError):
        ask(wrong)


def test_a_label_is_made_from_the_name():
    one, two = ask(
        {"name": "git-branch_name", "type": "string"},
        {"name": "b", "type": "string", "label": "Zweig"},
    )
    assert (one.title, two.title) == ("Git branch name", "Zweig")
    assert variable(one.name) == "SLIPWAY_PARAM_GIT_BRANCH_NAME"


def test_dates_may_be_those_of_toml():
    (day,) = ask(
        {"name": "day", "type": "date", "min": date(2026, 1, 1), "default": date(2026, 1, 2)}
    )
    assert (day.min, day.default) == ("2026-01-01", "2026-01-02")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"type": "string", "pattern": "(a"}, "unclosed group"),
        ({"type": "string", "pattern": "a)(b"}, "unopened group"),
        ({"type": "string", "pattern": "(?x)a # never closed"}, "cannot be used as a regular"),
        ({"type": "string", "pattern": "(?=a)b"}, "look-around"),
        ({"type": "string", "pattern": "(a{1000}){1000}"}, "exceeds size limit"),
        ({"type": "string", "pattern": "[0-9]+", "default": "12x"}, '"12x" does not match [0-9]+'),
        ({"type": "string", "min-length": 5, "max-length": 4}, "min-length 5 is more than max"),
        ({"type": "string", "max-length": 3, "default": "four"}, "at most 3 characters long; 4"),
        ({"type": "string", "max-length": 0}, "greater than or equal to 1"),
        ({"type": "string", "label": "a\u202eb"}, "U+202E (RIGHT-TO-LEFT OVERRIDE) as character 2"),
        ({"type": "string", "required": "yes"}, "valid boolean"),
        ({"type": "string", "default": 3}, "must be a text; 3 was given"),
        ({"type": "string", "default": {"from": "lst"}}, 'Did you mean "last"?'),
        ({"type": "string", "default": {"form": "last"}}, 'has the key "from" alone'),
        ({"type": "string", "default": {"from": ["last"]}}, "from = a list is not allowed"),
        ({"type": "integer", "default": {"from": "version"}}, 'allowed: "last".'),
        ({"type": "integer", "default": True}, "must be a whole number; true was given"),
        ({"type": "integer", "default": 2**53}, "must be a whole number from"),
        ({"type": "integer", "min": 2, "max": 1}, "min 2 is more than max 1"),
        ({"type": "decimal", "default": 1.5}, "between quotes"),
        ({"type": "decimal", "min": "1e5"}, 'such as "1.50"; "1e5" was given'),
        ({"type": "decimal", "max": float("nan")}, "between quotes"),
        ({"type": "decimal", "places": 1, "default": "1.25"}, "at most 1 digits after the point"),
        ({"type": "decimal", "min": "0.3", "max": "0.2"}, "min 0.3 is more than max 0.2"),
        ({"type": "boolean", "default": "true"}, 'must be true or false; "true" was given'),
        ({"type": "choice"}, 'write either choices = ["a", "b"] or choices-from'),
        ({"type": "choice", "choices": ["a"], "choices-from": ["b"]}, "write either choices"),
        ({"type": "choice", "choices-from": ["a\0b"]}, "no system can start that"),
        ({"type": "choice", "choices": ["a", "b", "a"]}, 'names "a" more than once'),
        ({"type": "choice", "choices": [1]}, "1 is no choice; write a text between quotes"),
        ({"type": "choice", "choices": ["a\u200bb"]}, "U+200B (ZERO WIDTH SPACE)"),
        ({"type": "choice", "choices": ["yes"], "default": "yess"}, 'Did you mean "yes"?'),
        ({"type": "multi-choice", "choices": ["a"], "default": "a"}, "must be a list of at most"),
        ({"type": "multi-choice", "choices": ["a"], "min": 2}, "more than the 1 choices"),
        ({"type": "multi-choice", "choices": ["a", "b"], "min": 2, "default": ["a"]}, "2 to all"),
        ({"type": "date", "min": "tomorrow"}, '"tomorrow" is no day'),
        ({"type": "date", "min": datetime(2026, 1, 1)}, "is no day"),
        ({"type": "date", "default": "2026-02-30"}, '"2026-02-30" was given'),
        (
            {"type": "date", "min": "2026-02-01", "max": "2026-01-01"},
            "is later than max 2026-01-01",
        ),
        ({"type": "date", "max": "2026-01-01", "default": "2026-01-02"}, "a date to 2026-01-01"),
        ({"type": "secret", "default": {"from": "last"}}, "a secret has no default"),
        ({"type": "secret", "min-length": 9, "max-length": 8}, "min-length 9 is more than"),
    ],
)
def test_what_cannot_be_asked(keys, told):
    assert told in refused(**keys)


def test_a_secret_in_the_file_is_not_told_again():
    assert "hunter2" not in refused(type="secret", default="hunter2")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("a-b", "a_b"), '"a_b" and "a-b" are both $SLIPWAY_PARAM_A_B'),
        (("a", "b", "a"), '"a" comes twice'),
    ],
)
def test_two_parameters_are_two_variables(names, told):
    with pytest.raises(ValidationError) as caught:
        ask(*({"name": name, "type": "string"} for name in names))
    assert told in str(caught.value)


def test_no_pattern_is_slow():
    """Python's re needs longer than the universe for this one."""
    (one,) = ask({"name": "a", "type": "string", "pattern": "(a+)+b", "max-length": 1000})
    began = time.perf_counter()
    with pytest.raises(ValueError, match="does not match"):
        one.check("a" * 1000, moment())
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("printed", "values"),
    [
        ("a\nb\n", [("a", None), ("b", None)]),
        ("a\tThe first\r\n\n  b \n", [("a", "The first"), ("b", None)]),
    ],
)
def test_choices_a_program_printed(printed, values):
    assert [(one.value, one.label) for one in read_choices(printed)] == values


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("", "0 choices were printed"),
        ("a\nb\na\n", 'line 3 of the choices: "a" comes twice'),
        ("a\nb\u202e\n", "line 2 of the choices: holds U+202E"),
        ("x" * 300, "line 1 of the choices: String should have at most 255"),
        ("\n".join(map(str, range(1001))), "1001 choices were printed"),
    ],
)
def test_choices_that_cannot_be(printed, told):
    with pytest.raises(ValueError, match=told.replace("+", r"\+")):
        read_choices(printed)
