"""What a person at another machine can ask: with a URL and a token, without a pipeline.toml."""

import hashlib
import json
import os
import pty
import subprocess

import pytest

from slipway.artefacts.store import Store
from tests.live.conftest import LiveSite
from tests.support.elsewhere import BINARY, Elsewhere, furnish, read_all
from tests.support.machine import wait_for
from tests.support.site import SLIPWAY, command

pytestmark = pytest.mark.live

DIGEST = hashlib.sha256(b"packed").hexdigest()


@pytest.fixture(scope="module")
def furnished(shared_site: LiveSite):
    furnish(shared_site)
    return shared_site


@pytest.fixture
def elsewhere(furnished: LiveSite, tmp_path):
    return Elsewhere(furnished, tmp_path / "elsewhere")


def test_lists_are_what_the_master_s_own_machine_tells(elsewhere):
    here = elsewhere.site.run_slipway
    for words in (["runs"], ["releases"], ["audit", "--limit", "500"], ["token", "list"]):
        told = json.loads(here(*words, "--json").stdout)
        found = elsewhere.json(*words)
        for one in [*told, *found]:
            one.pop("last_used_at", None)
        assert found == told, words
        assert found
    assert elsewhere.json("runs", "--limit", "1") == elsewhere.json("runs")[:1]
    assert "✓ demo" not in elsewhere.say("runs")
    assert "demo 1" in elsewhere.say("runs")
    assert elsewhere.json("audit", "--verify")["problem"] == ""
    release = elsewhere.json("releases")[-1]
    anchor = json.loads(
        (
            elsewhere.site.state / "releases" / "demo" / release["version"] / "release.json"
        ).read_text()
    )
    head = anchor["audit_head"]
    assert "1 anchor found" in elsewhere.say("audit", "--anchor", head)
    assert "is not in it any more" in elsewhere.say("audit", "--anchor", "0" * 64, code=1)
    assert 'Did you mean "demo"?' in elsewhere.refused("runs", "--project", "demmo")
    for words in (["environments"], ["gate", "list"], ["workers"], ["poll"]):
        assert isinstance(elsewhere.json(*words), list)
        assert elsewhere.say(*words)
    workers = {one["name"]: one for one in elsewhere.json("workers")}
    assert (workers["local"]["connected"], workers["win1"]["connected"]) == (True, False)
    assert "win1    not connected  windows" in elsewhere.say("workers")


def test_a_run_whole_and_its_logs(elsewhere):
    told = elsewhere.say("show", "1")
    for word in ("demo run 1", "✓ pack", "slow[b]", "◆ gate", "waits for a person", "demo.txt"):
        assert word in told
    found = elsewhere.json("show", "1")
    assert [one["name"] for one in found["stages"]] == ["pack", "slow", "publish", "gate", "away"]
    assert "token" not in str(found).replace("'token'", "token").lower() or not any(
        "token" in str(one["gate"]) for one in found["stages"]
    )
    assert "demo has no run 9" in elsewhere.refused("show", "9")

    # As it was printed, in a pipe.
    log = elsewhere.say("logs", "1", "pack")
    assert "\x1b[31mline one\nline two\n" in log
    lines = elsewhere.json("logs", "1", "pack")["lines"]
    assert lines == log.splitlines()
    assert elsewhere.say("logs", "1", "pack", "--lines", "1") == f"{lines[-1]}\n"
    assert "begun" in elsewhere.say("logs", "1", "slow", "--cell", "b")
    assert 'demo has no stage "pak"' in elsewhere.refused("logs", "1", "pak")
    told = elsewhere.refused("logs", "1", "slow", "--cell", "c")
    assert told == 'slow of run 1 has no cell "c"; it has a, b.\n'
    told = elsewhere.refused("logs", "1", "pack", "--cell", "c")
    assert told == 'pack of run 1 has no cell "c": it has no cells; leave --cell out\n'
    told = elsewhere.refused("logs", "1", "slow", "--cell", "a", "--attempt", "7")
    assert "slow has no attempt 7 in this run; it has 1" in told
    done = elsewhere.run("logs", "1", "slow")
    assert done.stderr == "slow has the cells a, b; this is a, another: --cell NAME\n"
    assert "begun" in done.stdout
    assert elsewhere.run("logs", "1", "slow", "--cell", "a").stderr == ""
    assert "slow has no cell" in elsewhere.refused("cancel", "1", "slow", "--cell", "c")
    done = elsewhere.run("logs", "1", "gate")
    assert (done.stdout, "gate of run 1 has no log: gate" in done.stderr) == ("", True)

    # While it goes on, from before it began.
    number = elsewhere.json("trigger", "--no-wait")["run"]
    followed = elsewhere.say("logs", str(number), "slow", "-f", "--cell", "a")
    assert followed.index("begun") < followed.index("done")
    assert followed.count("begun\n") == 1
    # Why a queued stage waits is told.
    away = next(one["id"] for one in elsewhere.json("gate", "list") if one["stage"] == "away")
    waits = "no worker with the label windows is connected (win1)"
    told = elsewhere.say("gate", "open", str(away), "--timeout", "3s", code=4)
    assert f"queued: {waits}" in told
    assert waits in elsewhere.say("show", str(number))
    assert waits in str(elsewhere.json("runs"))
    elsewhere.json("cancel", str(number))
    assert waits not in elsewhere.say("show", str(number))


def test_an_artefact_is_checked_before_it_has_its_name(elsewhere):
    folder = elsewhere.folder
    told = elsewhere.json("download", "1", "demo.txt")
    assert (folder / "demo.txt").read_text() == "packed"
    assert (told["path"], told["sha256"], told["size"]) == ("demo.txt", DIGEST, 6)
    (folder / "demo.txt").write_text("mine")
    assert "is there already" in elsewhere.refused("download", "1", "demo.txt")
    assert (folder / "demo.txt").read_text() == "mine"
    elsewhere.say("download", "1", "demo.txt", "--force")
    assert (folder / "demo.txt").read_text() == "packed"
    (folder / "sub").mkdir()
    elsewhere.say("download", "1", "demo.txt", "-o", "sub")
    elsewhere.say("download", "1", "demo.txt", "-o", "sub/other")
    (folder / "link").symlink_to(folder / "nowhere")
    assert "is there already" in elsewhere.refused("download", "1", "demo.txt", "-o", "link")
    assert "cannot be written" in elsewhere.refused("download", "1", "demo.txt", "-o", "no/where")
    assert 'Did you mean "demo.txt"?' in elsewhere.refused("download", "1", "demo.tx")
    told = elsewhere.refused("download", "1", "demo.txt", "--stage", "slow")
    assert 'run 1 has no artefacts of --stage "slow"; it has some of pack' in told
    to_standard_output(elsewhere)
    found = sorted(str(one.relative_to(folder)) for one in folder.rglob("*"))
    assert found == ["demo.txt", "link", "sub", "sub/demo.txt", "sub/other"]

    # What the store holds is not what the ledger says.
    kept = Store(elsewhere.site.state / "store").path(DIGEST)
    mode = kept.stat().st_mode
    kept.chmod(0o644)
    try:
        kept.write_text("poison")
        refused = elsewhere.refused("download", "1", "demo.txt", "-o", "bad", code=1)
        assert "is not as the run has left it" in refused
        kept.write_text("a longer poison")
        elsewhere.refused("download", "1", "demo.txt", "-o", "bad", code=1)
        assert elsewhere.say("download", "1", "demo.txt", "-o", "-", code=1) == ""
    finally:
        kept.write_text("packed")
        kept.chmod(mode)
    assert sorted(str(one.relative_to(folder)) for one in folder.rglob("*")) == found


def to_standard_output(elsewhere):
    """See that an artefact goes to the standard output, from a master here and elsewhere."""
    for run in (elsewhere.run, elsewhere.site.run_slipway):
        done = run("download", "1", "demo.txt", "-o", "-")
        assert (done.returncode, done.stdout, done.stderr) == (0, "packed", "")
        done = binary(run.__self__, "download", "1", "demo.bin", "-o", "-", stdout=subprocess.PIPE)
        assert (done.returncode, done.stdout, done.stderr) == (0, BINARY, b"")
    told = elsewhere.refused("download", "1", "demo.txt", "-o", "-", "--json")
    assert "--json and -o - both print on the standard output" in told
    for name, code in (("demo.txt", 0), ("demo.bin", 2)):
        ours, theirs = pty.openpty()
        done = binary(elsewhere, "download", "1", name, "-o", "-", stdout=theirs)
        os.close(theirs)
        shown = read_all(ours)
        assert done.returncode == code
        if code:
            assert shown == ""
            assert done.stderr == (
                b"demo.bin is binary, which is not for a terminal; "
                b"name a file with -o, or pipe it\n"
            )
        else:
            assert (shown, done.stderr) == ("packed", b"")


def binary(place, *words, stdout):
    """Run a command whose output need not be text."""
    return subprocess.run(
        [*SLIPWAY, *words],
        cwd=place.folder,
        env=place.env,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=120,
        check=False,
    )


def test_old_runs_are_let_go(site, tmp_path):
    made = "import time; open('demo.txt', 'w').write(str(time.time_ns()))"
    site.write(command("pack", made, artefacts='["demo.txt"]'))
    file = site.folder / "pipeline.toml"
    file.write_text(f'{file.read_text()}\n[project.demo.keep]\nruns = 1\nage = "1s"\n')
    site.up()
    elsewhere = Elsewhere(site, tmp_path / "elsewhere")
    site.wait_for_run(1, "passed")
    elsewhere.json("trigger")
    # As if nobody had touched them for days.
    for one in Store(site.state / "store").files():
        os.utime(one, (1e9, 1e9))
    found = wait_for(
        lambda: (told := elsewhere.json("prune", "--dry-run"))["files"] and told, site.said
    )
    assert found == json.loads(site.run_slipway("prune", "--dry-run", "--json").stdout)
    assert [one["number"] for one in found["runs"]] == [1]
    assert (found["dry_run"], found["files"], found["size"] > 0) == (True, 1, True)
    assert "would go" in elsewhere.say("prune", "--dry-run")
    assert 'Did you mean "demo"?' in elsewhere.refused("prune", "--project", "demmo")
    assert [one["action"] for one in elsewhere.json("audit")].count("prune") == 0
    assert elsewhere.json("prune", "--project", "demo") == {**found, "dry_run": False}
    (row,) = [one for one in elsewhere.json("audit") if one["action"] == "prune"]
    assert (row["actor"], row["new"]["runs"]) == ("admin", ["demo 1"])
    assert len(list(Store(site.state / "store").files())) == 1
    assert "it was pruned" in elsewhere.refused("download", "1", "demo.txt")
    assert elsewhere.say("prune").endswith("0 runs, 0 files, 0 releases, 0 bytes gone\n")


def test_what_is_refused_is_one_sentence(elsewhere):
    for env, told in (
        ({"SLIPWAY_TOKEN": "wrong"}, ""),
        ({"SLIPWAY_URL": "nowhere"}, '"nowhere" is no URL of a master'),
        ({"SLIPWAY_URL": "http://127.0.0.1:9/"}, "no master answers at http://127.0.0.1:9/"),
    ):
        before, elsewhere.env = elsewhere.env, elsewhere.env | env
        for words in (
            ["runs"],
            ["show", "1"],
            ["logs", "1", "pack"],
            ["download", "1", "demo.txt"],
        ):
            done = subprocess.run(
                [*SLIPWAY, *words],
                cwd=elsewhere.folder,
                env=elsewhere.env,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode in {2, 3}, words
            assert (done.stdout, len(done.stderr.splitlines())) == ("", 1), words
            assert told in done.stderr
        elsewhere.env = before
    assert "a token makes no token" in elsewhere.refused(
        "token", "create", "--person", "admin", "--name", "more"
    )
    mine = max(elsewhere.json("token", "list", "--person", "admin"), key=lambda one: one["id"])
    assert elsewhere.json("token", "revoke", str(mine["id"]))["state"] == "revoked"
    wait_for(lambda: elsewhere.refused("token", "list"), str)
