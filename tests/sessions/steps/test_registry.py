"""The ready steps as behave knows them: each told, none ambiguous, none said twice."""

from __future__ import annotations

import re
from contextlib import contextmanager

import behave
import pytest
from behave.step_registry import AmbiguousStep, StepRegistry

from slipway.sessions.steps import STEPS, list_steps, use_steps
from slipway.sessions.steps.registry import StepClash, check_clashes


def test_every_step_is_told_with_an_example_that_it_matches():
    told = list_steps()
    assert len(told) > 60
    matched = set()
    registry = StepRegistry()
    with _registry(registry):
        use_steps()
    for step in told:
        assert step.kind in {"given", "when", "then"}
        assert re.fullmatch(r"[A-Z].*\.", step.help), step
        keyword, _, text = step.example.partition("\n")[0].partition(" ")
        assert keyword.lower() == step.kind
        found = [one for one in registry.steps["step"] if one.matches(text)]
        assert len(found) == 1, f"{text} is ambiguous: {found}"
        matched.add(found[0].func)
    assert matched == {one.func for one in registry.steps["step"]}


def test_a_quote_inside_an_argument():
    registry = StepRegistry()
    with _registry(registry):
        use_steps()
    found = _match(registry, r'I fill in "Na\"me" with "C:\new \"x\""')
    assert found == {"field": 'Na"me', "text": r'C:\new "x"'}
    found = _match(registry, r'within the table row "x", I press "a \"b\""')
    assert found is None
    found = _match(registry, r'within the file field "x", I press "a \"b\""')
    assert found == {"kind": "file field", "name": "x", "step": r'I press "a \"b\""'}


def _match(registry, text):
    found = [one.match(text) for one in registry.steps["step"]]
    found = [one for one in found if one]
    assert len(found) <= 1
    return {a.name: a.value for a in found[0].arguments} if found else None


@contextmanager
def _registry(registry):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(behave, "step", registry.make_decorator("step"))
        yield


def test_the_star_makes_steps_known_each_time_and_once():
    for _ in range(2):
        registry = StepRegistry()
        with _registry(registry):
            exec("from slipway.sessions.steps import *", {})  # noqa: S102  as behave reads files
            exec("from slipway.sessions.steps import *", {})  # noqa: S102
        assert len(registry.steps["step"]) == len(list_steps())


def test_steps_left_out():
    registry = StepRegistry()
    with _registry(registry):
        use_steps(without=['I press "{button}"'])
        with pytest.raises(ValueError, match="no ready step 'I jump'"):
            use_steps(without=["I jump"])
    assert not any(one.matches('I press "Save"') for one in registry.steps["step"])


@pytest.mark.parametrize(
    ("kind", "pattern", "clashes"),
    [
        ("when", 'I press "{name}"', True),
        ("step", "I press {name}", True),
        ("then", 'I should see "Welcome"', True),
        ("given", "I am on the login page", False),
        ("then", 'I should see the text "{text}"', False),
    ],
)
def test_own_steps_that_say_the_same_are_refused(kind, pattern, clashes):
    def own(context, **_):
        pass

    def all_steps(first):
        registry = StepRegistry()
        with _registry(registry):
            if first:
                registry.add_step_definition(kind, pattern, own)
            use_steps()
            if not first:
                registry.add_step_definition(kind, pattern, own)
        check_clashes(STEPS, registry)

    if not clashes:
        all_steps(first=True)
        all_steps(first=False)
        return
    told = (
        r"the project's step .* at .*test_registry.py:\d+ says the same as the ready step .*: word"
    )
    with pytest.raises(StepClash, match=told):
        all_steps(first=True)
    # Of two steps of one keyword, the second of which says the same, behave itself tells.
    with pytest.raises((StepClash, AmbiguousStep)):
        all_steps(first=False)
