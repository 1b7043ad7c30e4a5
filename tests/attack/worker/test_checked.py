"""The check of a worker that is kept apart: it is done in there, and finds all right."""

from __future__ import annotations

import json

import pytest

from tests.attack.worker.test_isolation import placed
from tests.live.conftest import LiveSite
from tests.support.site import command

__all__ = ["placed"]

pytestmark = [pytest.mark.live, pytest.mark.attack]


def test_a_worker_apart_is_checked(placed: LiveSite) -> None:
    placed.write(command("make", "print('made')"))
    placed.up()
    assert placed.wait_for_run(1)["state"] == "passed", placed.said()
    done = placed.run_slipway("worker", "check", "--name", "local", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["right"]) == (0, True), done.stdout
    lines = {one["check"]: one for one in found["lines"]}
    assert lines["account"]["state"] == "good", done.stdout
    assert "slipway up starts it" in lines["service"]["found"]
