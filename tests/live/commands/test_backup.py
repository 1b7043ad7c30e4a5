"""A backup of a site at work, restored as the how-to says."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.live.conftest import LiveSite
from tests.support.site import command

pytestmark = pytest.mark.live


def audited(site: LiveSite) -> dict[str, str]:
    """Return the hash of each row of the audit trail."""
    done = site.run_slipway("audit", "--json", "--limit", "100000")
    return {row["id"]: row["hash"] for row in json.loads(done.stdout)}


def test_a_backup_of_a_run_is_a_whole_site(site: LiveSite) -> None:
    """Every row of the trail is in it; the run goes on from it, with what it had left."""
    site.worker_tls = True
    site.write(
        command("make", "open('out.txt', 'w').write('made')", artefacts='["out.txt"]')
        + command("wait", "import time; time.sleep(20)")
        + command("join", "import os; print(os.environ['SLIPWAY_INPUTS'])", "make", "wait")
    )
    site.up()
    site.wait_for_stage(1, "make", "passed")
    site.wait_for_stage(1, "wait", "running")
    token = ("token", "create", "--person", "admin", "--name")
    assert site.run_slipway(*token, "first").returncode == 0
    before = audited(site)
    # Somebody writes meanwhile, besides the run.
    with ThreadPoolExecutor() as pool:
        writing = [pool.submit(site.run_slipway, *token, f"{number}") for number in range(2)]
        done = site.run_slipway("backup", "kept", "--all")
    assert {one.result().returncode for one in writing} == {0}
    assert done.returncode == 0, done.stdout + done.stderr
    after = audited(site)
    certificate = site.state / "worker-certificate.pem"
    known = certificate.read_bytes()
    assert site.down() == 130
    shutil.rmtree(site.state)
    shutil.copytree(site.folder / "kept", site.state, symlinks=True)
    # Workers elsewhere know this certificate, and would connect to no other.
    assert certificate.read_bytes() == known
    assert certificate.stat().st_mode & 0o777 == 0o600
    restored = audited(site)
    assert before.items() <= restored.items() <= after.items()
    assert len(before) > 1
    assert len(after) > len(before)
    done = site.run_slipway("audit", "--verify")
    assert done.returncode == 0, done.stdout
    site.up()
    run = site.wait_for_run(1)
    assert {name: stage["state"] for name, stage in run["stages"].items()} == {
        "make": "passed",
        "wait": "passed",
        "join": "passed",
    }
    assert run["stages"]["make"]["attempt"] == 1
    assert site.run_slipway("audit", "--verify").returncode == 0
