"""The whole way on a worker kept apart: build, publish, deploy, and back after a restart."""

from __future__ import annotations

import json
import signal

import pytest

from tests.attack.test_isolation import isolation, placed
from tests.live.conftest import LiveSite
from tests.live.test_following import STAGES

__all__ = ["placed"]
pytestmark = pytest.mark.live


def say(site: LiveSite, *words: str) -> str:
    done = site.run_slipway(*words)
    assert done.returncode == 0, (words, done.stdout, done.stderr, site.said())
    return done.stdout


def test_from_a_commit_to_a_deployment_and_back(placed: LiveSite) -> None:
    site = placed
    site.write(STAGES)
    site.up()
    assert isolation(site)["local"] != "none"
    site.wait_for_run(1, "waiting")
    say(site, "deploy", "staging", "--run", "1", "--set", "code=0")
    say(site, "trigger")
    say(site, "deploy", "staging", "--run", "2", "--set", "code=0")
    assert site.down(signal.SIGTERM) in {0, 130}
    site.up()
    say(site, "rollback", "staging", "--set", "code=1")
    found = json.loads(say(site, "environments", "--json"))
    assert "0.0.0+1" in json.dumps(found)
    for version in ("0.0.0+1", "0.0.0+2"):
        say(site, "verify", str(site.state / "releases" / "demo" / version))
