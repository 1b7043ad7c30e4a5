"""Keys stay where no program of a project can read them."""

import pytest

from slipway.model.graph import check
from slipway.model.kept_keys import check_keys

SECRETS = {"SIGNING_CERTIFICATE": {"file": "chain.pem"}, "SIGNING_KEY": {"file": "key.pem"}}
FREEZE = {"uses": "freeze"}


def sign(**keys):
    return {"uses": "sign", "needs": ["freeze"], "secrets": SECRETS, **keys}


def breaches(site):
    return {".".join(map(str, breach.path)): breach.message for breach in check_keys(site)}


ELSEWHERE = {"password": {"file": "password"}}


@pytest.mark.parametrize(
    ("workers", "freeze", "keys"),
    [
        ({"local": {}}, {}, {}),
        ({"local": {"labels": ["here"]}, "win": ELSEWHERE}, {}, {"runs-on": ["here"]}),
        (
            {"safe": {**ELSEWHERE, "labels": ["safe"]}, "win": {**ELSEWHERE, "labels": ["win"]}},
            {"runs-on": ["win"]},
            {"runs-on": ["safe"]},
        ),
        (
            {"safe": {**ELSEWHERE, "lanes": ["interactive"]}, "win": {"lanes": ["default"]}},
            {},
            {"lane": "interactive"},
        ),
    ],
)
def test_a_key_that_is_kept_apart(make_site, workers, freeze, keys):
    assert breaches(make_site({"freeze": FREEZE | freeze, "sign": sign(**keys)}, workers)) == {}


@pytest.mark.parametrize(
    "workers",
    [
        {"win": ELSEWHERE},
        {"local": {}, "win": ELSEWHERE},
        {"win": {"isolated": False}},
    ],
)
def test_a_key_beside_programs_of_a_project(make_site, workers):
    found = breaches(make_site({"freeze": FREEZE, "sign": sign()}, workers))
    assert found == {
        "project.almanac.stages.sign.runs-on": (
            'the worker "win" may be given it and its key, and also freeze of almanac, whose '
            "programs could read the key there; let it run on a worker that none of these may "
            "use, or on the master's own, which keeps them apart: by runs-on and lane"
        )
    }


def test_a_cell_of_a_matrix_counts(make_site):
    workers = {"local": {"labels": ["a"]}, "win": {**ELSEWHERE, "labels": ["b"]}}
    stages = {
        "freeze": FREEZE | {"matrix": {"runs-on": [["a"], ["b"]]}},
        "sign": sign(**{"runs-on": ["b"]}),
    }
    assert list(breaches(make_site(stages, workers))) == ["project.almanac.stages.sign.runs-on"]


def test_secrets_that_are_missing_or_unknown(make_site):
    site = make_site({"freeze": FREEZE, "sign": sign(secrets={"SIGNIN_KEY": {"env": "KEY"}})})
    assert breaches(site) == {
        "project.almanac.stages.sign.secrets.SIGNIN_KEY": (
            '"sign" takes no such secret; it takes SIGNING_CERTIFICATE, SIGNING_KEY, '
            'SIGNING_PASSWORD. Did you mean "SIGNING_KEY"?'
        ),
        "project.almanac.stages.sign.secrets": (
            '"sign" needs the secret SIGNING_CERTIFICATE; write where it is kept: '
            '[project.almanac.stages.sign.secrets] SIGNING_CERTIFICATE = { file = "path" }'
        ),
    }


@pytest.mark.parametrize(
    ("certificate", "missing"),
    [("/etc/shelf.p12", None), ("C:\\keys\\shelf.PFX", None), ("/etc/shelf.pem", "SIGNING_KEY")],
)
def test_what_is_needed_depends_on_the_certificate(make_site, certificate, missing):
    site = make_site({"freeze": FREEZE, "sign": sign(certificate=certificate, secrets={})})
    assert [missing in one for one in breaches(site).values()] == ([True] if missing else [])


def test_a_program_of_ones_own_gets_secrets_of_any_name(make_site):
    secrets = {"SIGNING_CERTIFICATE": {"file": "chain.pem"}, "TOKEN_PIN": {"env": "PIN"}}
    keys = {"program": ["jsign", "{file}"], "secrets": secrets}
    assert breaches(make_site({"freeze": FREEZE, "sign": sign(**keys)})) == {}


SHOP = {"kind": "command", "argv": ["to-the-shop"], "secrets": ["SHOP_TOKEN"]}


def publish(*targets, **keys):
    return {"uses": "publish", "needs": ["freeze"], "targets": targets, **keys}


def test_what_a_target_needs_is_a_secret_of_the_stage(make_site):
    targets = SHOP, {"kind": "folder", "path": "www"}
    site = make_site({"freeze": FREEZE, "publish": publish(*targets)})
    (message,) = breaches(site).values()
    assert message.startswith('"publish" needs the secret SHOP_TOKEN; write where it is kept')
    fine = {"SHOP_TOKEN": {"env": "SHOP"}}
    assert breaches(make_site({"freeze": FREEZE, "publish": publish(*targets, secrets=fine)})) == {}
    other = {**fine, "SHOP_TOKE": {"env": "SHOP"}}
    site = make_site({"freeze": FREEZE, "publish": publish(*targets, secrets=other)})
    (message,) = breaches(site).values()
    assert message == (
        '"publish" takes no such secret; it takes SHOP_TOKEN. Did you mean "SHOP_TOKEN"?'
    )


def test_a_target_with_a_token_is_kept_from_programs_of_a_project(make_site):
    secrets = {"SHOP_TOKEN": {"env": "SHOP"}}
    keys = publish(SHOP, secrets=secrets)
    found = breaches(make_site({"freeze": FREEZE, "publish": keys}, {"win": ELSEWHERE}))
    assert list(found) == ["project.almanac.stages.publish.runs-on"]
    # Without secrets there is nothing to keep.
    plain = publish({"kind": "folder", "path": "www"})
    assert breaches(make_site({"freeze": FREEZE, "publish": plain}, {"win": ELSEWHERE})) == {}


@pytest.mark.parametrize("kind", ["archive", "publish"])
def test_a_stage_gets_what_was_signed_once(make_site, kind):
    pack = {"uses": kind, "needs": ["freeze", "sign"]}
    site = make_site({"freeze": FREEZE, "sign": sign(), "pack": pack})
    assert [(".".join(map(str, one.path)), one.message) for one in check(site)] == [
        (
            "project.almanac.stages.pack.needs",
            '"sign" leaves what "freeze" has left again, under the same names; take "freeze" out',
        )
    ]
    fine = make_site({"freeze": FREEZE, "sign": sign(), "pack": {"uses": kind, "needs": ["sign"]}})
    assert check(fine) == []


@pytest.mark.parametrize("kind", ["tests", "features"])
def test_what_leaves_only_reports_may_be_needed_beside_what_was_signed(make_site, kind):
    stages = {
        "freeze": FREEZE,
        "check": {"uses": kind},
        "sign": sign(needs=["freeze", "check"]),
        "publish": {"uses": "publish", "needs": ["sign", "check"]},
    }
    assert check(make_site(stages)) == []
