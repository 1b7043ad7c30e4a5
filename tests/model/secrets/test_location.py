"""Secrets of stages as pipeline.toml names them: places, branches, names, kinds of stage."""

import pytest
from pydantic import ValidationError

from slipway.model.kinds.stage import STAGES
from slipway.model.secrets.location import StageSecret

LEAST = {
    "tests": {},
    "freeze": {"script": "app.py"},
    "databases": {},
    "features": {},
    "archive": {},
    "installer": {},
    "publish": {},
    "promote": {"channel": "stable"},
    "publish-check": {},
    "sign": {},
    "command": {"argv": ["true"]},
    "deploy": {"environment": "staging"},
}


def stage(kind="command", **keys):
    return STAGES.members[kind].model_validate({"uses": kind, **LEAST[kind], **keys})


@pytest.mark.parametrize("kind", STAGES.members)
def test_every_kind_that_starts_a_program_may_have_secrets(kind):
    given = {"secrets": {"TOKEN": {"env": "A"}}}
    if kind in {"archive", "installer", "promote", "publish", "publish-check"}:
        with pytest.raises(ValidationError, match="takes none"):
            stage(kind, **given)
    else:
        assert stage(kind, **given).secrets["TOKEN"].env == "A"


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "Ä", "A" * 101, "A\0"])
def test_a_name_is_one_of_an_environment_variable(name):
    with pytest.raises(ValidationError):
        stage(secrets={name: {"env": "A"}})


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"secrets": {"SLIPWAY_RUN": {"env": "A"}}}, "Slipway's own"),
        ({"secrets": {"slipway_x": {"env": "A"}}}, "Slipway's own"),
        ({"secrets": {"a": {"env": "A"}, "A": {"env": "B"}}}, "upper and lower case"),
        ({"secrets": {"A": {"env": "A"}}, "env": {"A": "1"}}, "in env and in secrets"),
        ({"secrets": {"A": {"env": "A", "branches": ["-x"]}}}, "branch"),
        ({"secrets": {"A": {"command": ["a", "b\0"]}}}, "NUL"),
    ],
)
def test_what_cannot_be_is_refused(keys, told):
    with pytest.raises(ValidationError, match=told):
        stage(**keys)


def test_a_secret_may_be_for_some_branches_alone():
    some = StageSecret(env="A", branches=("main", "release/*"))
    assert [some.is_for(one) for one in ("main", "release/1", "mainly", "x/release/1", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert StageSecret(env="A").is_for("anything")


def test_a_place_is_told_without_what_follows_the_program():
    assert StageSecret(command=("pass", "show", "hunter2")).description == "the command pass"
    assert StageSecret(file="a/b").description == "the file a/b"
    assert StageSecret(env="B").description == "the environment variable B"
