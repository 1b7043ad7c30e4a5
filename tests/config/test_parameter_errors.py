"""What is wrong with a parameter in a file is told with its key and a sentence."""

import pytest
from pydantic import Field, ValidationError

from slipway.config import error_sentences
from slipway.model.base import Name, Part
from slipway.model.kinds.stage import AnyStage
from slipway.model.parameter import Parameters


class Gate(Part):
    """What holds parameters."""

    parameters: Parameters = ()


class Gates(Part):
    """A file that has gates, and stages beside them."""

    gates: dict[Name, Gate] = Field(default_factory=dict)
    stages: dict[Name, AnyStage] = Field(default_factory=dict)


@pytest.fixture
def told(monkeypatch):
    """Return what tells all errors of one gate's parameters: "KEY: SENTENCE"."""
    monkeypatch.setattr(error_sentences, "Site", Gates)

    def tell(*parameters):
        data = {"gates": {"one": {"parameters": list(parameters)}}}
        with pytest.raises(ValidationError) as caught:
            Gates.model_validate(data)
        found = []
        for error in caught.value.errors():
            path = error_sentences.error_path(error, data)
            found.append(f"{error_sentences.dotted(path)}: {error_sentences.sentence(error, path)}")
        return found

    return tell


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({}, ': type is missing; write what is asked: "string", "text", "integer"'),
        (
            {"type": "strng"},
            '.type: unknown type of parameter: "strng" is not allowed; allowed: "string", ',
        ),
        ({"type": "string", "maxlength": 3}, '.maxlength: unknown key "maxlength". Did you mean'),
        ({"type": "string", "pattern": "(a"}, '.pattern: "(a" cannot be used as a regular expres'),
        ({"type": "string", "default": 3}, ".default: must be a text; 3 was given"),
        ({"type": "string", "default": {"from": "x"}}, '.default: from = "x" is not allowed for'),
        ({"type": "integer", "min": 3, "max": 1}, ": min 3 is more than max 1"),
        ({"type": "choice", "choices": [1]}, ".choices[0]: 1 is no choice; write a text between"),
        ({"type": "choice", "choices": [{"valu": "x", "value": "y"}]}, ".choices[0].valu: unknown"),
        ({"type": "environment", "choices": ["a"]}, '.choices: unknown key "choices". Allowed: de'),
        ({"type": "secret", "default": "hunter2"}, ".default: a secret has no default"),
        (
            {"type": "secret", "name": "A b"},
            '.name: "A b" does not fit ^[a-z][a-z0-9_-]*$ (lower-c',
        ),
    ],
)
def test_the_place_and_the_sentence(told, keys, sentence):
    (found,) = told({"name": "a", "type": "date"}, {"name": "one"} | keys)
    assert found.startswith(f"gates.one.parameters[1]{sentence}")
    assert "hunter2" not in found


@pytest.mark.parametrize("kind", ["string", "release", "environment", "date"])
def test_a_missing_key_is_told_where_it_is_missing(told, kind):
    assert told({"type": kind}) == [
        "gates.one.parameters[0].name: is missing; it cannot be guessed, write it down"
    ]


def test_two_names_that_are_one(told):
    (found,) = told({"name": "a-b", "type": "date"}, {"name": "a_b", "type": "date"})
    assert found == (
        'gates.one.parameters: "a_b" and "a-b" are both $SLIPWAY_PARAM_A_B; give one another name'
    )
