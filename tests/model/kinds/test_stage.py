"""The kinds of stages: their defaults, and what they refuse."""

import pytest
from pydantic import TypeAdapter, ValidationError

from slipway.model.kinds.stage import STAGES, AnyStage

ADAPTER = TypeAdapter(AnyStage)
LEAST = {
    "tests": {},
    "freeze": {"script": "app/__main__.py"},
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


def make(uses, **keys):
    return ADAPTER.validate_python({"uses": uses, **LEAST[uses], **keys})


def test_every_kind_is_tried_here():
    assert set(LEAST) == set(STAGES.members)


@pytest.mark.parametrize("kind", STAGES.members)
def test_what_all_kinds_have_in_common(kind):
    stage = make(kind)
    assert type(stage) is STAGES.members[kind]
    assert (stage.uses, stage.needs, stage.runs_on) == (kind, (), ())
    assert (stage.lane, stage.timeout, stage.manual, stage.env) == ("default", 3600, False, {})
    assert stage.needs_source is (
        kind not in {"archive", "deploy", "promote", "publish", "publish-check", "sign"}
    )


@pytest.mark.parametrize("kind", STAGES.members)
def test_every_kind_survives_json_by_its_kebab_case_names(kind):
    stage = make(kind, **{"runs-on": ["linux"], "timeout": "15m"})
    text = ADAPTER.dump_json(stage, by_alias=True).decode()
    assert '"runs-on":["linux"]' in text
    assert ADAPTER.validate_json(text) == stage
    assert stage.timeout == 900


@pytest.mark.parametrize("kind", STAGES.members)
def test_a_stage_is_frozen_and_knows_no_other_keys(kind):
    stage = make(kind)
    with pytest.raises(ValidationError, match="frozen"):
        stage.lane = "bulk"
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        make(kind, colour="red")


def test_defaults_of_each_kind():
    freeze = make("freeze")
    assert (freeze.smoke, freeze.smoke_timeout, freeze.gui) == (None, 60, False)
    assert (freeze.name, freeze.dialects) == (None, None)
    databases = make("databases")
    assert databases.targets == ("sqlite", "postgresql")
    archive = make("archive")
    assert (archive.formats, archive.pass_on) == (None, ("*.dump", "*-roles.sql"))
    assert make("publish").folder == "releases"
    assert (make("command").artefacts, make("command").environment) == ((), False)
    assert make("tests").suites == ()


def test_one_fixture_may_be_written_without_a_list():
    assert make("databases", fixtures="seed/*.csv").fixtures == ("seed/*.csv",)
    assert make("databases", fixtures=["a.csv", "b.sql"]).fixtures == ("a.csv", "b.sql")


def test_suites():
    suite = {"runner": "pytest", "arguments": ["tests", "-q"], "name": "quick"}
    (made,) = make("tests", suites=[suite]).suites
    assert (made.runner, made.arguments, made.name) == ("pytest", ("tests", "-q"), "quick")


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("tests", {"needs": ["a", "a"]}),
        ("tests", {"runs-on": ["linux", "linux"]}),
        ("tests", {"needs": ["Not A Name"]}),
        ("tests", {"needs": ["a" * 41]}),
        ("tests", {"needs": "a"}),
        ("tests", {"lane": "fast"}),
        ("tests", {"timeout": "soon"}),
        ("tests", {"timeout": 0}),
        ("tests", {"env": {"A": 1}}),
        ("tests", {"suites": [{"runner": "nose"}]}),
        ("tests", {"suites": [{}]}),
        ("freeze", {"script": "a.py", "entry": "a:b"}),
        ("freeze", {"entry": []}),
        ("freeze", {"smoke": True}),
        ("freeze", {"smoke": "--version"}),
        ("freeze", {"smoke": [{"expects": "x"}]}),
        ("freeze", {"name": "no spaces"}),
        ("freeze", {"name": "../up"}),
        ("freeze", {"smoke-timeout": "0s"}),
        ("databases", {"metadata": "almanac.models"}),
        ("databases", {"targets": ["mysql"]}),
        ("databases", {"name": "Almanac"}),
        ("databases", {"read-only-role": "a-b"}),
        ("databases", {"alembic": 3}),
        ("archive", {"formats": ["rar"]}),
        ("archive", {"name": "-x"}),
        ("command", {"argv": []}),
        ("command", {"argv": "make all"}),
        ("command", {"artefacts": [""]}),
    ],
)
def test_what_is_refused(kind, keys):
    with pytest.raises(ValidationError) as caught:
        make(kind, **keys)
    assert caught.value.error_count() == 1


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValidationError, match="does not match any of the expected tags"):
        ADAPTER.validate_python({"uses": "test"})


def test_targets_of_a_stage_have_different_names():
    one, other = {"kind": "folder", "path": "a"}, {"kind": "folder", "path": "b"}
    with pytest.raises(ValidationError, match='two targets are called "folder"; give each its own'):
        make("publish", targets=[one, other])
    with pytest.raises(ValidationError, match='two targets are called "folder"'):
        make("publish", targets=[one, {"kind": "command", "argv": ["x"], "name": "folder"}])
    named = make("publish", targets=[one, {**other, "name": "mirror"}])
    assert [target.title for target in named.targets] == ["folder", "mirror"]
