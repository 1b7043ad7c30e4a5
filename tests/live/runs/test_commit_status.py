"""Statuses of commits from a real site: each stage and the run, at the service, with links."""

from __future__ import annotations

import json

import pytest

from tests.support.forges.statuses import GITEA_TOKEN, GiteaStatuses, latest
from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.fixture
def gitea(tmp_path):
    with GiteaStatuses(tmp_path / "gitea").running() as server:
        yield server


def notifier(site, gitea):
    token = site.folder / "token"
    token.write_text(f"{GITEA_TOKEN}\n")
    token.chmod(0o600)
    return f"""[notify.gitea]
kind = "commit-status"
service = "gitea"
url = {json.dumps(gitea.url)}
repository = "example/almanac"
projects = ["demo"]
token = {{ file = "token" }}
"""


def test_stages_and_runs_are_told_to_the_end(site, gitea):
    code = "import os, sys; sys.exit(os.path.exists('bad'))"
    stages = command("look", code) + command("pack", "print('packed')", "look")
    site.write(stages + notifier(site, gitea))
    first = site.git("rev-parse", "HEAD").strip()
    (site.repository / "bad").write_text("")
    site.commit("Break it @everyone \x1b[31m")
    second = site.git("rev-parse", "HEAD").strip()
    gitea.commits = {first, second}
    assert site.run_slipway("notify", "test", "gitea").returncode == 0
    assert gitea.statuses == []

    site.up()
    site.wait_for_run(1)

    def of(revision):
        return latest(one for one in gitea.statuses if one["sha"] == revision)

    wait_for(lambda: of(second).get("slipway", ("",))[0] == "failure", lambda: gitea.statuses, 30)
    seen = of(second)
    assert seen["slipway/look"][0] == "failure"
    assert "slipway/pack" not in seen
    urls = {one["context"]: one["target_url"] for one in gitea.statuses}
    assert urls["slipway/look"] == f"{site.url}#/pipelines/demo/1?stage=look"
    assert urls["slipway"] == f"{site.url}#/pipelines/demo/1"

    (site.repository / "bad").unlink()
    site.commit("Mend it")
    third = site.git("rev-parse", "HEAD").strip()
    # It is known there only later, as where a mirror follows.
    assert site.run_slipway("trigger", "--no-wait").returncode == 0
    site.wait_for_run(2)
    assert of(third) == {}
    gitea.commits.add(third)
    wait_for(lambda: of(third).get("slipway", ("",))[0] == "success", lambda: gitea.statuses, 90)
    seen = of(third)
    assert (seen["slipway/look"][0], seen["slipway/pack"][0]) == ("success", "success")
    assert set(seen) == {"slipway", "slipway/look", "slipway/pack"}
