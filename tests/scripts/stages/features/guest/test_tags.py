"""Old tag spellings mean in the new style what behave's own old parser made of them."""

from __future__ import annotations

import itertools
import random

import pytest
from behave.tag_expression.builder import TagExpressionProtocol, make_tag_expression
from behave.tag_expression.v1 import TagExpression

from slipway.scripts.stages.features.guest.slipway_behave import tags

pytestmark = pytest.mark.slow


TAGS = "abcd"
SUBSETS = [some for size in range(5) for some in itertools.combinations(TAGS, size)]


def old_term(dice):
    negated = dice.choice(["", "", "~", "-"])
    limit = dice.choice(["", "", "", ":3"])
    tag = dice.choice(TAGS)
    return f"{negated}{dice.choice('@@@ ').strip()}{tag}{limit}{dice.choice(['', '', ' '])}"


def old_values(dice):
    return [
        ",".join(old_term(dice) for _ in range(dice.randint(1, 3)))
        for _ in range(dice.randint(1, 3))
    ]


def test_two_thousand_old_expressions_mean_the_same_for_all_subsets_of_tags():
    dice = random.Random(20260401)
    differences = []
    for _ in range(2000):
        values = old_values(dice)
        arguments = tags.translate([f"--tags={one}" for one in values])
        old = TagExpression(values)
        text = tags.expression([one.partition("=")[2] for one in arguments])
        new = make_tag_expression(text, TagExpressionProtocol.V2)
        differences += [
            (values, arguments, some)
            for some in SUBSETS
            if bool(old.check(some)) != bool(new.check(some))
        ]
        assert tags.translate(arguments) == arguments
    assert differences == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--tags=~@javascript"], ["--tags=not @javascript"]),
        (["--tags", "~@a,~@b"], ["--tags=not @a or not @b"]),
        (["-t", "-@x", "features"], ["--tags=not @x", "features"]),
        (["-t-@x"], ["--tags=not @x"]),
        (["-qt", "~@x"], ["-q", "--tags=not @x"]),
        (["--tags=@a,@b", "-k", "--tags=~@c"], ["--tags=(@a or @b) and not @c", "-k"]),
        (["--tags=not @javascript"], ["--tags=not @javascript"]),
        (["--tags", "@a and not @b"], ["--tags=@a and not @b"]),
        (["--tags=@a.*"], ["--tags=@a.*"]),
        (["--tags=not @a", "--tags=~@b"], ["--tags=not @a and not @b"]),
        (["--tags=@a or @b", "--tags=~@c,@d"], ["--tags=(@a or @b) and (not @c or @d)"]),
        (["--tags=not @a and ~@slow"], ["--tags=not @a and not @slow"]),
        (["--tags=~(@a or @b)"], ["--tags=not (@a or @b)"]),
        (["--tags-help"], ["--tags-help"]),
        (["features", "--", "--tags=~@a"], ["features", "--", "--tags=~@a"]),
        (["-n", "a name", "-D", "t=1"], ["-n", "a name", "-D", "t=1"]),
        (["--tags="], ["--tags="]),
        ([], []),
    ],
)
def test_arguments(given, told):
    assert tags.translate(given) == told


def test_limit_is_dropped_and_told():
    assert tags.translate(["--tags=~@wip:3"]) == ["--tags=not (@wip or @wip:3)"]
    [told] = tags.notes(["--tags=~@wip:3"])
    assert "@wip:3" in told
    assert tags.notes(["--tags=~@wip", "--tags=@until:2026-12-31"]) == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--tags"], "has no value"),
        (["--tags=~"], "names no tag"),
        (["--tags=@a,-"], "names no tag"),
        (["--tags=@a @b"], 'write "@a and @b"'),
    ],
)
def test_wrong(given, told):
    with pytest.raises(tags.WrongTags, match=told):
        tags.translate(given)


def test_configured_tags_count_unless_others_are_given():
    assert tags.expression([], ["~@wip", "@a,@b"]) == "not @wip and (@a or @b)"
    assert tags.expression([], ["-@wip -@slow"]) == "not @wip and not @slow"
    assert tags.expression(["@a"], ["~@wip"]) == "@a"
    assert tags.expression(["@a and {config.tags}"], ["~@wip"]) == "@a and (not @wip)"
    assert tags.expression([""], []) == ""


FEATURE = """
    Feature: F
      @javascript
      Scenario: js
        Given it works
      @slow @wip
      Scenario: slow
        Given it works
      Scenario: plain
        Given it works
    """


@pytest.mark.parametrize("protocol", ["v1", "v2", "strict", "auto_detect"])
@pytest.mark.parametrize("spelling", ["~@javascript", "-@javascript", "not @javascript"])
def test_old_and_new_run_whatever_the_project_says(project, protocol, spelling):
    project.feature(FEATURE)
    project.write("behave.ini", f"[behave]\ntag_expression_protocol = {protocol}\n")
    ran = project.run(f"--tags={spelling}", "--tags=~@slow")
    assert ran.statuses() == {"plain": "passed"}
    assert ran.code == 0


def test_default_tags_of_behave_ini(project):
    project.feature(FEATURE)
    project.write("behave.ini", "[behave]\ndefault_tags = ~@javascript\n    ~@slow,~@wip\n")
    assert project.run().statuses() == {"plain": "passed"}
    assert set(project.run("--tags=@slow").statuses()) == {"slow"}
    assert set(project.run("--tags=@javascript or {config.tags}").statuses()) == {"js", "plain"}


def test_default_tags_of_pyproject(project):
    project.feature(FEATURE)
    text = '[tool.behave]\ndefault_tags = ["~@javascript", "not @slow"]\n'
    project.write("pyproject.toml", text)
    assert project.run().statuses() == {"plain": "passed"}


def test_wip_is_added_to_the_tags(project):
    project.feature(FEATURE)
    assert project.run("--wip", "--tags=~@javascript").statuses() == {"slow": "passed"}
