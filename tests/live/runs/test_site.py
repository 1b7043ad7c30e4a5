"""A site as its people use it: polls, forced runs and stages, gates, restarts, bad days."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.live.conftest import LiveSite
from tests.support.machine import read_files, wait_for
from tests.support.site import command

pytestmark = pytest.mark.live

WRITE = "import pathlib; pathlib.Path('out.txt').write_text('made')"
CHAIN = (
    command("make", WRITE, artefacts='["out.txt"]')
    + command("look", "print('looking')")
    + command("join", "import os; print(os.environ['SLIPWAY_INPUTS'])", "make", "look")
)


def test_polls_and_forces(site: LiveSite) -> None:
    """The first poll runs the head; without a change a poll makes nothing; people may force."""
    site.write(CHAIN)
    site.up()
    first = site.wait_for_run(1)
    assert first["state"] == "passed"
    assert [first["stages"][name]["state"] for name in ("make", "look", "join")] == ["passed"] * 3
    assert first["version"] == "0.0.0+1"

    nothing = site.run_slipway("poll")
    assert (nothing.returncode, nothing.stdout) == (0, "demo: nothing new on main\n")
    assert len(site.runs()) == 1

    site.commit("two")
    head = site.commit("three")
    polled = site.run_slipway("poll")
    assert polled.returncode == 0
    assert "2 new commits on main" in polled.stdout
    assert "run 2 started" in polled.stdout
    second = site.wait_for_run(2)
    assert (second["revision"], second["state"]) == (head, "passed")

    _refuses_strangers(site)
    _forces_as_admin(site, first["revision"])


def _refuses_strangers(site: LiveSite) -> None:
    """Anonymous may look and not touch."""
    with site.client(admin=False) as anyone:
        assert anyone.get("api/v2/builds").status_code == 200
        assert site.force(anyone, "demo-run", "make").status_code == 403
        assert site.force(anyone, "demo-stage", "make").status_code == 403
        assert anyone.post("api/v2/builds/1", json=_control("rebuild")).status_code == 403
        assert anyone.post("change_hook/poller").status_code == 401
        wrong = anyone.post("change_hook/poller", auth=("admin", "guess"))
        assert wrong.status_code == 401
    assert len(site.runs()) == 2


def _control(method: str) -> dict[str, object]:
    return {"id": 1, "jsonrpc": "2.0", "method": method, "params": {}}


def _forces_as_admin(site: LiveSite, old: str) -> None:
    """A run of an old revision, a stage of it once more, and clear words for what cannot be."""
    with site.client(admin=True) as admin:
        forced = site.force(admin, "demo-run", "look", revision=old, reason="look again")
        assert forced.status_code == 200, forced.text
        third = site.wait_for_run(3)
        assert (third["revision"], third["trigger"], third["owner"]) == (old, "force", "admin")

        again = site.force(admin, "demo-stage", "look", run=3)
        assert again.status_code == 200, again.text
        site.wait_for_stage(3, "look", "passed")
        wait_for(lambda: site.run(3)["stages"]["look"]["attempt"] == 2, site.said)

        missing = site.force(admin, "demo-run", "look", revision="no-such-thing")
        assert missing.status_code == 400
        told = missing.json()["error"]["message"]["revision"]
        assert 'has no branch, tag or commit "no-such-thing"; its branches are main' in told
        unknown = site.force(admin, "demo-stage", "look", run=99)
        assert (unknown.status_code, "has no run 99" in unknown.text) == (400, True)
    _triggers(site, old)
    # A poll compares with what polls have started: the old revision does not make the head new.
    assert site.run_slipway("poll").stdout == "demo: nothing new on main\n"


def _triggers(site: LiveSite, old: str) -> None:
    """The same from the command line."""
    done = site.run_slipway("trigger", "--revision", old, "--reason", "once more")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"demo: run 4 started, version 0.0.0+4, of {old[:10]} ")
    fourth = site.wait_for_run(4)
    assert (fourth["revision"], fourth["trigger"], fourth["owner"]) == (old, "force", "admin")
    wrong = site.run_slipway("trigger", "--branch", "mian")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert 'has no branch, tag or commit "mian"; its branches are main' in wrong.stderr


def test_failure_stops_dependents_and_a_rerun_goes_on(site: LiveSite) -> None:
    """A failed need stops what waits for it; when it passes at last, the run goes on."""
    flag = site.folder / "flag"
    check = f"import pathlib, sys; sys.exit(0 if pathlib.Path({str(flag)!r}).exists() else 7)"
    site.write(command("check", check) + command("after", "print(1)", "check"))
    site.up()
    run = site.wait_for_run(1)
    assert run["state"] == "failed"
    assert run["stages"]["check"]["exit_code"] == 1
    assert "exit" in run["stages"]["check"]["summary"]
    assert "after" not in run["stages"]

    flag.touch()
    with site.client(admin=True) as admin:
        refused = site.force(admin, "demo-stage", "after")
        assert (refused.status_code, "waits for check" in refused.text) == (400, True)
        assert site.force(admin, "demo-stage", "check").status_code == 200
    site.wait_for_run(1, "passed")
    assert site.run(1)["stages"]["after"]["state"] == "passed"


def test_a_gate_waits_for_its_person(site: LiveSite) -> None:
    """A manual stage starts when somebody opens its gate, never by itself or by another door."""
    asks = '[{ name = "why", type = "string" }, { name = "key", type = "secret" }]'
    told = "from os import environ as e; k = e['SLIPWAY_PARAM_KEY']; "
    told += "print(e['SLIPWAY_PARAM_WHY'], len(k), f'<{k}>')"
    site.write(
        command("make", WRITE) + command("hand-over", told, "make", manual="true", parameters=asks)
    )
    once = site.run_slipway("up", "--once")
    assert once.returncode == 0, once.stdout + once.stderr
    site.up()
    assert site.wait_for_run(1)["state"] == "waiting"
    assert site.run(1)["stages"]["hand-over"]["state"] == "gate"
    with site.client(admin=True) as admin:
        refused = site.force(admin, "demo-stage", "hand-over")
        assert (refused.status_code, "open its gate" in refused.text) == (400, True)
        unknown = site.open_gate(admin, "hand-over", nonsense=1)
        assert unknown.status_code == 400, unknown.text
        opened = site.open_gate(admin, "hand-over", why="the fair; rm -rf /", key="hush-hush")
        assert (opened.status_code, opened.json()["accepted"]) == (200, True), opened.text
        site.wait_for_run(1, "passed")
        log = admin.get("plugins/slipway/api/runs/demo/1/stages/hand-over/log").json()["text"]
    assert "the fair; rm -rf / 9 <****>" in log
    assert not [path for path, data in read_files(site.folder) if b"hush-hush" in data]


def test_a_hanging_stage_is_ended_with_its_tree(site: LiveSite) -> None:
    """The stage's own timeout ends it, and says so."""
    code = (
        "import subprocess, sys, time;"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'],"
        " start_new_session=True); time.sleep(300)"
    )
    site.write(command("hang", code, timeout='"2s"'))
    done = site.run_slipway("up", "--once")
    assert done.returncode == 1
    assert 'stage "hang" did not end within 2.0s and was stopped' in done.stdout
    assert not site.processes()


def test_an_altered_artefact_stops_the_run(site: LiveSite) -> None:
    """What lies in the store is hashed again on the worker before it is used."""
    site.write(CHAIN.replace("needs = []", "needs = []\nlane = 'default'"))
    site.up()
    site.wait_for_run(1)
    stored = next(path for path in site.state.glob("store/??/*"))
    stored.chmod(0o644)
    stored.write_bytes(b"evil")
    with site.client(admin=True) as admin:
        assert site.force(admin, "demo-stage", "join", run=1).status_code == 200
    failed = site.wait_for_stage(1, "join", "failed")
    assert 'artefact "out.txt" of "make"' in failed["summary"] or "out.txt" in failed["summary"]
    assert "4 bytes" not in failed["summary"] or "altered" in failed["summary"]


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="mounts a small disk: needs root"
)
def test_a_full_disk_in_the_store_is_told(site: LiveSite) -> None:
    """The stage fails with a sentence, and nothing half-written is left."""
    store = site.state / "store"
    store.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(store)], check=False
    )
    if mounted.returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        code = "import os; open('big.bin', 'wb').write(os.urandom(300_000))"
        site.write(command("big", code, artefacts='["big.bin"]'))
        done = site.run_slipway("up", "--once")
        assert done.returncode == 1
        assert "full" in done.stdout or "space" in done.stdout
        assert not list(store.glob("**/*.part"))
        assert not list(store.glob("??/*"))
    finally:
        subprocess.run(["umount", str(store)], check=True)
