"""Passwords that `slipway up` makes for people of a site that is tried out."""

import pytest

from slipway.cli.commands.site.up import _Session
from slipway.master.access.passwords import same
from slipway.master.access.users import Users
from slipway.model.people import PersonSettings
from slipway.model.site import Site
from slipway.state_folder import Home


def site(**person):
    return Site.model_validate(
        {
            "project": {"demo": {"repository": "x", "stages": {"a": {"uses": "tests"}}}},
            "workers": {"local": {}},
            "people": {"ann": {"roles": ["developer"], **person}},
        }
    )


def users(home, **person):
    return Users.of(site(**person), home.root, home.admin_password)


def test_it_is_made_once_and_only_its_hash_is_compared(tmp_path):
    home = Home(tmp_path / ".slipway")
    assert users(home, **{"made-password": True}).hashes == {}
    starting = _Session(
        site(**{"made-password": True}), tmp_path / "pipeline.toml", home, once=True
    )
    starting._make_passwords()
    kept = home.person_password("ann").read_text().strip()
    first = users(home, **{"made-password": True}).hashes
    assert same(kept, first["ann"])
    assert not same("another password", first["ann"])
    starting._make_passwords()
    assert users(home, **{"made-password": True}).hashes == first
    for file in (home.person_password("ann"), home.person_hash("ann")):
        assert file.stat().st_mode & 0o777 == 0o600


def test_nobody_else_gets_one(tmp_path):
    home = Home(tmp_path / ".slipway")
    _Session(site(), tmp_path / "pipeline.toml", home, once=True)._make_passwords()
    assert not home.person_password("ann").exists()


def test_a_hash_that_is_none_signs_nobody_in(tmp_path):
    home = Home(tmp_path / ".slipway")
    home.person_hash("ann").parent.mkdir(parents=True)
    home.person_hash("ann").write_text("ann")
    assert users(home, **{"made-password": True}).hashes == {}


def test_one_way_to_a_password():
    with pytest.raises(ValueError, match="write one of password, password-from and made-password"):
        PersonSettings.model_validate(
            {"made-password": True, "password-from": {"env": "ANNS_PASSWORD"}}
        )
