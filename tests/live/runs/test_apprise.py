"""Apprise in a real site: told at last, and its address in no log, no answer and no row."""

from __future__ import annotations

import json

import pytest

from tests.notifiers.apprise.conftest import TOKEN, Receiver
from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.end()


def holders(folder):
    """Return the files in which the token stands."""
    files = (one for one in folder.rglob("*") if one.is_file())
    return {one.name for one in files if TOKEN.encode() in one.read_bytes()}


def test_a_service_is_told_and_its_address_is_nowhere(site, receiver):
    address = site.folder / "team-url"
    address.write_text(f"{receiver.url}\n")
    address.chmod(0o600)
    keys = 'kind = "apprise"\nurl = { file = "team-url" }\nevents = ["run-passed"]\n'
    site.write(command("look", "print('seen')") + f"[notify.team]\n{keys}")
    done = site.run_slipway("notify", "test", "team")
    assert "JSON has taken it (200)" in done.stdout
    evil = f"what is {TOKEN}?".encode()
    receiver.answers = [(401, {}, evil)]
    done = site.run_slipway("notify", "test", "team")
    assert done.returncode == 1
    assert "JSON does not accept the user, password or token in url (401)" in done.stderr
    assert TOKEN not in done.stdout + done.stderr

    receiver.answers = [(500, {}, evil), (401, {}, evil)]
    site.up()
    site.wait_for_run(1)
    wait_for(lambda: len(receiver.got) == 5, site.said, 60)
    last = json.loads(receiver.got[-1][2])
    assert last["title"].endswith("passed")
    assert last["message"].endswith(f"{site.url}#/pipelines/demo/1")

    def told():
        listed = site.run_slipway("outbox", "list", "--json")
        rows = json.loads(listed.stdout)
        rows = rows.get("deliveries", rows) if isinstance(rows, dict) else rows
        return listed.stdout if [one["state"] for one in rows] == ["sent"] else None

    assert TOKEN not in wait_for(told, site.said)
    assert "JSON answers 500" in site.said()
    assert holders(site.folder) == {"team-url"}
