"""The whole way on PostgreSQL: runs, kills, a gate, a deployment taken back, tests, the trail."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.live.conftest import LiveSite
from tests.support.http import get
from tests.support.machine import find_below, read_files, wait_for
from tests.support.site import command

pytestmark = [pytest.mark.live, pytest.mark.slow]

API = "plugins/slipway/api/"
CASES = """
import time, unittest
class Cases(unittest.TestCase):
    def test_long(self): time.sleep(2.5)
    def test_quick(self): pass
"""
WRITE = "import pathlib; pathlib.Path('app.txt').write_text('made')"
SLOW = "import time, pathlib; pathlib.Path('ran').touch(); time.sleep(3)"
REST = """[project.demo.stages.tests]
uses = "tests"
[project.demo.stages.publish]
uses = "publish"
if-unchanged = "release"
needs = ["make", "tests", "slow"]
[project.demo.stages.staging]
uses = "deploy"
needs = ["publish"]
environment = "staging"
manual = true
parameters = [{ name = "key", type = "secret", required = true }]
[project.demo.keep]
runs = 5
[project.demo.environments.staging]
deployer = { kind = "command", argv = ["true"] }
"""


def test_the_whole_way(site: LiveSite, make_postgresql: Callable[[], str]) -> None:
    site.write(command("make", WRITE))
    once = site.run_slipway("up", "--once")
    assert once.returncode == 0, once.stdout + once.stderr
    # From here on another database, and an empty one.
    site.database = make_postgresql()
    (site.state / "state.sqlite").unlink()
    (site.repository / "test_it.py").write_text(CASES)
    site.commit("tests")
    site.write(command("make", WRITE, artefacts='["app.txt"]') + command("slow", SLOW) + REST)
    process = site.up()
    wait_for(lambda: find_below(site.folder / "state" / "workers" / "local", "ran"), site.said)
    site.master().kill()
    assert process.wait(30) == 3
    site.up()
    assert site.wait_for_run(1)["state"] == "waiting"
    with site.client(admin=True) as admin:
        for values in ({"key": ""}, {"key": "hush-hush", "more": "x"}):
            assert site.open_gate(admin, "staging", **values).status_code == 400
        assert site.open_gate(admin, "staging", key="hush-hush").status_code == 200
        site.wait_for_run(1, "passed")
        slowest = admin.get(f"{API}tests").json()["slowest"]
        (environment,) = admin.get(f"{API}environments").json()["items"]
    assert [one["name"].rpartition(".")[2] for one in slowest[:1]] == ["test_long"]
    assert 2.5 <= slowest[0]["seconds"] < 60
    assert environment["name"] == "staging"
    assert not (site.state / "state.sqlite").exists()

    told = site.run_slipway("audit", "--verify")
    assert told.returncode == 0, told.stdout + told.stderr
    rows = json.loads(site.run_slipway("audit", "--json", "--limit", "200").stdout)
    assert {"run", "gate", "deployment", "release"} <= {one["entity"] for one in rows}
    assert "hush-hush" not in json.dumps(rows)
    assert site.run_slipway("prune", "--dry-run").returncode == 0
    assert "staging" in site.run_slipway("environments").stdout
    made = site.run_slipway("token", "create", "--person", "admin", "--name", "script")
    assert made.returncode == 0, made.stdout + made.stderr
    token = {"authorization": f"Bearer {made.stdout.split()[-1]}"}
    assert get(f"{site.url}{API}me", headers=token).json()["anonymous"] is False
    assert "script" in site.run_slipway("token", "list").stdout
    assert site.run_slipway("token", "revoke", "1").returncode == 0
    assert get(f"{site.url}{API}me", headers=token).status_code == 401
    assert not [path for path, data in read_files(site.state) if b"hush-hush" in data]
