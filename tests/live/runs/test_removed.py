"""What a target's `keep` lets go is said to be removed, and comes again when it is published."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest

from slipway.scripts.releases.verify import verify
from tests.live.conftest import LiveSite
from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = [pytest.mark.live, pytest.mark.slow]

WRITE = "import pathlib; pathlib.Path('app.txt').write_text(pathlib.Path('notes.txt').read_text())"
PUBLISH = """[project.demo.stages.publish]
uses = "publish"
needs = ["make"]
targets = [{ kind = "folder", path = "www", keep = { latest = 1 } }]
"""


def told(site: LiveSite, version: str) -> dict[str, Any]:
    """Return what the ledger has of a release at its only target."""
    done = site.run_slipway("release", "show", version, "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["publications"]
    return dict(found)


def test_a_release_is_removed_and_comes_again(site: LiveSite) -> None:
    site.write(command("make", WRITE, artefacts='["app.txt"]') + PUBLISH)
    site.up()
    site.wait_for_run(1)
    first, second = "0.0.0+1", "0.0.0+2"
    target = site.state / "www" / "demo"
    assert told(site, first)["state"] == "public"
    site.commit("fix: the tides")
    assert site.run_slipway("trigger").returncode == 0
    site.wait_for_run(2)
    assert not (target / first).exists()
    gone = told(site, first)
    assert (gone["state"], gone["public"], gone["place"]) == ("removed", 0, "")
    assert told(site, second)["state"] == "public"
    assert "folder: removed" in site.run_slipway("release", "list").stdout
    assert '"removed"' in site.run_slipway("audit", "--json", "--limit", "200").stdout

    assert site.run_slipway("rerun", "1", "publish").returncode == 0
    wait_for(lambda: told(site, first)["state"] == "public", lambda: str(told(site, first)))
    again = told(site, first)
    assert (again["public"], again["files"]) == (gone["files"], gone["files"])
    assert verify(target / first) == []
    assert told(site, second)["state"] == "public"
    pages_go(site)


def pages_go(site: LiveSite) -> None:
    """See that what was rendered for the target goes after a day, without any `keep` of runs."""
    listed = site.state / "store" / "rendered"
    names = [one.name for one in listed.iterdir()]
    assert "latest.json" not in names
    assert len(names) > 3
    store = site.state / "store"
    blobs = [store / name[:2] / name[2:] for name in names]
    assert all(one.is_file() for one in blobs)
    assert site.down() == 130
    long_ago = time.time() - 90_000
    for path in (*blobs, *listed.iterdir()):
        os.utime(path, (long_ago, long_ago))
    site.up()
    wait_for(lambda: not list(listed.iterdir()), lambda: str(list(listed.iterdir())))
    assert not any(one.exists() for one in blobs)
