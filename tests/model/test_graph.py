"""The graph of stages: its order and its rules."""

import itertools

import pytest

from slipway.model.graph import able_workers, check, order
from slipway.model.spelling import did_you_mean


def command(*needs, **more):
    return {"uses": "command", "argv": ["true"], "needs": list(needs), **more}


def breaches(site):
    return {".".join(map(str, breach.path)): breach.message for breach in check(site)}


def test_order_keeps_what_was_written_and_puts_needs_first(make_site):
    site = make_site(
        {
            "d": command("b", "c"),
            "b": command("a"),
            "c": command("a"),
            "a": command(),
            "e": command(),
        }
    )
    stages = site.project["almanac"].stages
    assert order(stages) == ["a", "b", "c", "d", "e"]
    assert check(site) == []


def test_order_passes_over_needs_that_are_not_there(make_site):
    stages = make_site({"b": command("a", "nowhere"), "a": command()}).project["almanac"].stages
    assert order(stages) == ["a", "b"]


@pytest.mark.parametrize(
    ("needs", "at", "circle"),
    [
        ({"a": ["a"]}, "a", "a -> a"),
        ({"a": ["b"], "b": ["a"]}, "a", "a -> b -> a"),
        ({"z": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}, "a", "a -> b -> c -> a"),
    ],
)
def test_a_circle_is_told_as_a_path(make_site, needs, at, circle):
    site = make_site({name: command(*wanted) for name, wanted in needs.items()})
    assert breaches(site) == {
        f"project.almanac.stages.{at}.needs": (
            f"the needs go round in a circle: {circle}; take one of them out"
        )
    }


def test_an_unknown_need_is_told_with_what_was_meant(make_site):
    site = make_site({"tests": command(), "pack": command("test")})
    assert breaches(site) == {
        "project.almanac.stages.pack.needs": (
            'unknown stage "test"; there are tests, pack. Did you mean "tests"?'
        )
    }


@pytest.mark.parametrize("kind", ["archive", "installer", "publish"])
def test_what_packs_must_need_something(make_site, kind):
    (message,) = breaches(make_site({"pack": {"uses": kind}})).values()
    assert message == f'"{kind}" works on what other stages leave; name them with needs = [...]'
    assert not check(make_site({"a": command(), "pack": {"uses": kind, "needs": ["a"]}}))


def test_an_unknown_label_is_told_with_what_was_meant(make_site):
    site = make_site(
        {"a": command(**{"runs-on": ["window"]})},
        {"w": {"labels": ["windows"]}, "l": {"labels": ["linux", "arm"]}},
    )
    assert breaches(site) == {
        "project.almanac.stages.a.runs-on": (
            'no worker has the label "window"; the workers\' labels are arm, linux, windows. '
            'Did you mean "windows"?'
        )
    }
    bare = make_site({"a": command(**{"runs-on": ["gpu"]})})
    assert breaches(bare) == {
        "project.almanac.stages.a.runs-on": 'no worker has the label "gpu"; no worker has any.'
    }


def test_all_labels_must_be_on_one_worker(make_site):
    site = make_site(
        {"a": command(**{"runs-on": ["linux", "arm"]})},
        {"one": {"labels": ["linux"]}, "two": {"labels": ["arm"]}},
    )
    assert breaches(site) == {
        "project.almanac.stages.a": (
            'no worker can run it: none has linux and arm and serves the lane "default"'
        )
    }


def test_a_lane_must_be_served(make_site):
    site = make_site({"a": command(lane="bulk")}, {"one": {"lanes": ["interactive"]}})
    assert breaches(site) == {
        "project.almanac.stages.a": (
            'no worker can run it: none has any label and serves the lane "bulk"'
        )
    }


def test_able_workers_carry_the_labels_and_serve_the_lane(make_site):
    site = make_site(
        {"a": command(**{"runs-on": ["linux"], "lane": "bulk"}), "b": command()},
        {
            "all": {"labels": ["linux", "arm"]},
            "narrow": {"labels": ["linux"], "lanes": ["interactive"]},
            "other": {"labels": ["windows"]},
        },
    )
    stages = site.project["almanac"].stages
    assert able_workers(stages["a"], site.workers) == ["all"]
    assert able_workers(stages["b"], site.workers) == ["all", "other"]


def test_a_branch_is_named_once(make_site):
    site = make_site({"a": command()}, branches=["main", "main"])
    assert breaches(site) == {"project.almanac.branches": "names a branch more than once"}


def test_all_breaches_are_told_at_once(make_site):
    site = make_site(
        {"a": command("b"), "b": command("a"), "c": command("nowhere"), "d": {"uses": "archive"}}
    )
    assert len(check(site)) == 3


def test_a_chain_of_a_thousand_stages_is_no_trouble(make_site):
    names = [f"s{number}" for number in range(1000)]
    site = make_site(
        {name: command(need) for name, need in itertools.pairwise(names)} | {names[-1]: command()}
    )
    assert check(site) == []


@pytest.mark.parametrize(
    ("word", "told"),
    [("aprovals", ' Did you mean "approvals"?'), ("xyz", ""), ("", "")],
)
def test_did_you_mean(word, told):
    assert did_you_mean(word, ["approvals", "allowed"]) == told
