"""Who did what to a real site, through Buildbot's own doors, is in its audit trail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import LiveSite
from tests.support.site import command

pytestmark = pytest.mark.live

PUBLISH = """[project.demo.stages.publish]
uses = "publish"
if-unchanged = "release"
needs = ["make"]
"""
SLEEP = "import time; time.sleep(60)"
WRITE = "import pathlib; pathlib.Path('out.txt').write_text('made')"


def _control(method: str, **params: Any) -> dict[str, object]:
    return {"id": 1, "jsonrpc": "2.0", "method": method, "params": params}


def test_control_is_recorded_and_releases_are_anchors(site: LiveSite) -> None:
    """Force, stop, rebuild, pause, refused or allowed; a release holds the trail's head."""
    site.write(
        command("make", WRITE, artefacts='["out.txt"]')
        + PUBLISH
        + command("wait", SLEEP, manual="true")
    )
    nothing = site.run_slipway("audit", "--verify")
    assert (nothing.returncode, nothing.stdout) == (
        0,
        "the audit trail is empty; start the site: slipway up\n",
    )
    site.up()
    site.wait_for_stage(1, "publish", "passed")
    with site.client(admin=False) as anyone:
        assert anyone.post("api/v2/builds/1", json=_control("stop")).status_code == 403
    with site.client(admin=True) as admin:
        assert site.open_gate(admin, "wait").status_code == 200
        site.wait_for_stage(1, "wait", "running")
        (build,) = admin.get("api/v2/builds?complete=false").json()["builds"]
        stop = admin.post(f"api/v2/builds/{build['buildid']}", json=_control("stop", reason="no"))
        assert stop.status_code == 200
        site.wait_for_stage(1, "wait", "cancelled")
        assert admin.post("api/v2/builds/1", json=_control("rebuild")).status_code == 403
        assert admin.post("api/v2/workers/1", json=_control("pause")).status_code == 200

    rows = json.loads(site.run_slipway("audit", "--json", "--limit", "100").stdout)
    asked = [
        (one["actor"], one["action"], one["summary"], one["new"]["allowed"])
        for one in reversed(rows)
        if one["entity"] == "control"
    ]
    assert asked[0][:2] == ("anonymous", "stop")
    assert asked[0][2].startswith("refused: stop build 1 of demo.")
    assert asked[0][3] is False
    assert asked[1:] == [
        ("admin", "stop", "stop build 1 of demo.wait", True),
        ("admin", "rebuild", asked[2][2], False),
        ("admin", "pause", "pause local", True),
    ]
    opened = [one for one in rows if one["entity"] == "gate" and one["actor"] == "admin"]
    assert {"approved"} <= {one["new"].get("state") for one in opened}
    _verifies(site, rows)


def _verifies(site: LiveSite, rows: list[dict[str, Any]]) -> None:
    release = json.loads(site.run_slipway("releases", "--json").stdout)[0]["place"]
    manifest = json.loads((Path(release) / "release.json").read_text())
    assert manifest["audit_head"] in {one["hash"] for one in rows}
    whole = site.run_slipway("audit", "--anchor", release)
    assert (whole.returncode, whole.stderr) == (0, "")
    assert "the audit trail is whole: " in whole.stdout
    assert "1 anchors found" not in whole.stdout
    foreign = site.run_slipway("audit", "--verify", "--anchor", "f" * 64)
    assert foreign.returncode == 1
    assert "which --anchor saw" in foreign.stdout
