"""The table of who may do what, and that the documentation shows it."""

import itertools
from pathlib import Path

import pytest

from slipway.model.access import (
    ACTIONS,
    LADDER,
    Person,
    gate_refusal,
    held,
    may,
    may_open,
    refusal,
    table,
)

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "access.md"


def somebody(*roles, name="ann"):
    return Person(name, held(roles))


def test_each_role_has_the_rights_of_those_before():
    for before, after in itertools.pairwise(LADDER):
        for action in ACTIONS:
            assert may(somebody(after), action) >= may(somebody(before), action)


def test_a_role_of_ones_own_may_look_and_nothing_else():
    allowed = {name for name in ACTIONS if may(somebody("qa"), name)}
    assert allowed == {"look", "notice.own", "token.own"}


def test_nobody_may_look_at_most():
    assert not any(may(Person(""), name) for name in ACTIONS)
    assert {name for name in ACTIONS if may(Person("", held(["viewer"])), name)} == {"look"}


def test_nobody_at_all_may_rebuild():
    assert not may(somebody(*LADDER), "build.rebuild")
    assert refusal(somebody("admin"), "build.rebuild").startswith("nobody may rebuild")


@pytest.mark.parametrize(
    ("roles", "allowed", "opens"),
    [
        (["developer"], [], True),
        (["viewer"], [], False),
        (["developer"], ["releaser"], False),
        (["releaser"], ["releaser"], True),
        (["admin"], ["qa"], True),
        (["qa"], ["qa", "releaser"], True),
        (["releaser"], ["qa"], False),
        ([], ["viewer"], False),
    ],
)
def test_a_gate_opens_to_the_roles_it_names(roles, allowed, opens):
    assert may_open(somebody(*roles), allowed) is opens
    assert not may_open(somebody(*roles, name=""), allowed or ["viewer"])


def test_refusals_say_what_it_takes_and_what_there_is():
    assert refusal(somebody("viewer"), "run.start") == (
        'to start a run you need to have role "developer"; ann has: viewer'
    )
    assert "sign in, or send a token" in refusal(Person(""), "look")
    assert '"qa" or "ops"' in gate_refusal(somebody("viewer"), ["qa", "ops"])


def test_the_documentation_shows_the_table():
    assert table() in PAGE.read_text("utf-8")
