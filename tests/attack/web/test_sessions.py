"""Cookies that somebody makes who has read the database, and those of people who have gone."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from slipway.master.access.passwords import hash_password
from tests.live.conftest import LiveSite
from tests.support.http import open_client
from tests.support.site import command

pytestmark = pytest.mark.live

PASSWORD = "a long word of hers"


@pytest.fixture
def open_site(site: LiveSite) -> tuple[LiveSite, str]:
    """A running site with an admin of its own, whose hash stands in pipeline.toml."""
    hashed = hash_password(PASSWORD)
    site.write(command("make", "print(1)"))
    people = f'\n[people.ada]\nroles = ["admin"]\npassword = {json.dumps(hashed)}\n'
    file = site.folder / "pipeline.toml"
    file.write_text(file.read_text() + people)
    site.up()
    return site, hashed


def user(site: LiveSite, cookie: str) -> dict[str, Any]:
    with open_client(base_url=site.url, cookies={"TWISTED_SESSION": cookie}) as c:
        found: dict[str, Any] = c.get("config").json()["user"]
        return found


def secret_in_database(state: Path) -> str:
    with sqlite3.connect(f"file:{state / 'state.sqlite'}?mode=ro", uri=True) as database:
        query = "select value_json from object_state where name = 'session_secret'"
        (row,) = database.execute(query).fetchall()
    found: str = json.loads(row[0])
    return found


def forged(secret: str, **told: str) -> str:
    return jwt.encode({"user_info": told, "exp": time.time() + 3600}, secret, algorithm="HS256")


def test_the_database_and_pipeline_toml_sign_nobody_in(open_site: tuple[LiveSite, str]) -> None:
    """Buildbot keeps the secret of its cookies in the database; it must prove nothing."""
    site, hashed = open_site
    secret = secret_in_database(site.state)
    mark = hashlib.sha256(f"slipway session {hashed}".encode()).hexdigest()[:32]
    for told in (
        {"username": "ada", "email": "ada", "mark": mark},
        {"username": "ada", "email": "ada", "mark": mark, "session": f"{int(time.time())}-x"},
        {"username": "admin", "email": "admin", "mark": ""},
    ):
        assert user(site, forged(secret, **told)) == {"anonymous": True}


def test_a_cookie_somebody_kept_is_worth_nothing_after_the_sign_out(
    open_site: tuple[LiveSite, str],
) -> None:
    site, _ = open_site
    with open_client(base_url=site.url) as client:
        client.get("auth/login", auth=("ada", PASSWORD))
        kept = client.cookies["TWISTED_SESSION"]
        assert user(site, kept)["username"] == "ada"
        client.get("auth/logout")
    assert user(site, kept) == {"anonymous": True}


def test_nobody_else_may_look_into_the_state_folder(open_site: tuple[LiveSite, str]) -> None:
    site, _ = open_site
    assert site.state.stat().st_mode & 0o777 == 0o700
    for name in ("state.sqlite", "session-key", "admin-password", "master/twistd.log"):
        assert (site.state / name).stat().st_mode & 0o077 == 0, name
