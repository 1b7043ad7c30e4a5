"""Environments: what they refuse, their way through JSON, and what the graph asks of deploys."""

import pytest
from pydantic import ValidationError

from slipway.model.graph import check
from slipway.model.kinds.environment import Environment
from slipway.model.protocol.job import Deployment

FOLDER = {"kind": "folder", "path": "here"}
SSH = {"kind": "ssh", "path": "there", "host": "app1.example.org"}
COMMAND = {"kind": "command", "argv": ["roll-out"]}


def environment(deployer=FOLDER, *health, **keys):
    return Environment.model_validate({"deployer": deployer, "health": health, **keys})


@pytest.mark.parametrize("deployer", [FOLDER, SSH, COMMAND])
def test_it_survives_json_with_all_that_was_left_out(deployer):
    made = environment(deployer, {"argv": ["true"]}, {"url": "http://a/", "contains": "x"})
    assert Environment.model_validate_json(made.model_dump_json(by_alias=True)) == made


@pytest.mark.parametrize(
    "keys",
    [
        {"host": "-oProxyCommand=touch x"},
        {"host": "a b"},
        {"host": "$(id)"},
        {"user": "-l"},
        {"user": "a b"},
        {"port": 0},
        {"python": "python3; id"},
        {"path": "a\nb"},
        {"path": ""},
        {"keep": 0},
        {"restart": [""]},
        {"stop": ["a", "\0"]},
        {"password": "x"},
    ],
)
def test_words_that_ssh_or_a_system_would_take_for_something_else(keys):
    with pytest.raises(ValidationError):
        environment(SSH | keys)


@pytest.mark.parametrize("host", ["app1", "10.0.0.1", "::1", "[::1]", "fe80::1%eth0"])
def test_names_and_addresses(host):
    assert environment(SSH | {"host": host}).deployer.host == host


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ({}, "write either url"),
        ({"url": "http://a/", "argv": ["true"]}, "write either url"),
        ({"argv": ["true"], "contains": "x"}, "contains is for a page"),
        ({"argv": ["true"], "status": 204}, "status is for a page"),
        ({"url": "http://a/", "headers": {"a b": "x"}}, "is no name of a header"),
        ({"url": "http://a/", "headers": {"a": "x\r\ny: z"}}, "pattern"),
        ({"url": "file:///etc/passwd"}, "pattern"),
        ({"url": "http://a/", "patience": 0}, "longer than zero"),
    ],
)
def test_checks_that_cannot_be_asked(check, why):
    with pytest.raises(ValidationError, match=why):
        environment(FOLDER, check)


def deployment(deployer):
    one = {"stage": "a", "uses": "archive", "path": "x", "sha256": "0" * 64, "size": 0}
    release = {"version": "2", "run": 2, "revision": "", "inputs": [one | {"name": "new"}]}
    before = {"version": "1", "run": 1, "revision": "", "inputs": [one | {"name": "old"}]}
    return Deployment.model_validate(
        {
            "number": 1,
            "name": "staging",
            "environment": {"deployer": deployer},
            "release": release,
            "previous": before,
            "secrets": {"key": "hush hush"},
        }
    )


def test_the_previous_release_is_fetched_for_programs_alone():
    assert [one.name for one in deployment(COMMAND).inputs] == ["new", "old"]
    assert [one.name for one in deployment(FOLDER).inputs] == ["new"]
    assert [one.name for one in deployment(SSH).inputs] == ["new"]


def test_secrets_are_in_no_representation():
    assert "hush" not in repr(deployment(FOLDER)) + str(deployment(FOLDER))


def stages(**deploy):
    return {
        "a": {"uses": "command", "argv": ["true"]},
        "publish": {"uses": "publish", "needs": ["a"]},
        "features": {"uses": "command", "argv": ["true"], "needs": ["publish"]},
        "staging": {"uses": "deploy", "environment": "staging", **deploy},
    }


def breaches(site):
    return {".".join(map(str, breach.path)): breach.message for breach in check(site)}


def test_a_deploy_needs_a_release_and_an_environment(make_site):
    known = {"staging": {"deployer": FOLDER}}
    assert not check(make_site(stages(needs=["publish"]), environments=known))
    assert not check(make_site(stages(needs=["features"]), environments=known))
    place = "project.almanac.stages.staging"
    (path,) = breaches(made := make_site(stages(needs=["a"]), environments=known))
    assert path == f"{place}.needs"
    assert "deploys a release, but none is made before it" in breaches(made)[path]
    wrong = stages(needs=["publish"], environment="stagin")
    assert breaches(make_site(wrong, environments=known)) == {
        f"{place}.environment": (
            'unknown environment "stagin"; there are: staging. Did you mean "staging"?'
        )
    }
    assert (
        "there are: none" in breaches(make_site(stages(needs=["publish"])))[f"{place}.environment"]
    )
