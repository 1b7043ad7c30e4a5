"""Commands that wait for the outcome of what they asked for, and end with its exit code."""

import json
import signal
import subprocess
import sys
import time

import pytest

from slipway.master.access.passwords import hash_password
from tests.live.conftest import LiveSite
from tests.support.machine import wait_for
from tests.support.site import SLIPWAY, command

pytestmark = pytest.mark.live

DEPLOYER = """\
import os, sys
back = os.environ["SLIPWAY_ROLLBACK"] == "1"
sys.exit(0 if back else int(os.environ["SLIPWAY_PARAM_CODE"]))
"""
STAGES = (
    command("build", "open('demo.txt', 'w').write('x')", artefacts='["demo.txt"]')
    + f"""
[project.demo.stages.publish]
uses = "publish"
needs = ["build"]

[project.demo.environments.staging]
deployer = {{ kind = "command", argv = {json.dumps([sys.executable, "-c", DEPLOYER])} }}

[project.demo.stages.staging]
uses = "deploy"
environment = "staging"
needs = ["publish"]
manual = true
[[project.demo.stages.staging.parameters]]
name = "code"
type = "integer"
required = true
"""
)
GATED = (
    command("build", "print(1)")
    + command("slow", "import time; time.sleep(600)", manual="true")
    + command("fails", "raise SystemExit(1)", "build", manual="true")
    + command("ships", "print(2)", "build", manual="true", approvals="1")
)


def say(site, *words, code=0):
    done = site.run_slipway(*words)
    assert done.returncode == code, (words, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stdout + ("" if "--json" in words else done.stderr)


def begin(site, *words, env=None):
    """Start a command that waits."""
    return subprocess.Popen(
        [*SLIPWAY, *words],
        cwd=site.folder,
        env={**site.env, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process, code):
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, (out, err)
    return out + err


def gate_of(site, stage):
    """Return the id of the gate of a stage that waits."""
    (found,) = [
        one["id"]
        for one in json.loads(say(site, "gate", "list", "--json"))
        if one["stage"] == stage
    ]
    return str(found)


def test_the_exit_code_is_the_deployment_s(site: LiveSite):
    site.write(STAGES)
    site.up()
    site.wait_for_run(1, "waiting")
    told = say(site, "deploy", "staging", "--set", "code=0")
    assert "staging of demo run 1 is deployed" in told.splitlines()[-1]
    assert site.run(1)["state"] == "passed"

    told = say(site, "trigger")
    assert "demo: run 2 started, version 0.0.0+2, of " in told
    assert "✓ demo run 2 build: passed" in told
    waits = told.splitlines()[-1]
    assert "demo run 2, version 0.0.0+2, waits for a person: staging (slipway gate open " in waits

    told = say(site, "deploy", "staging", "--run", "2", "--set", "code=1", code=1)
    failed = "staging of demo run 2 failed, and what was there before is back"
    assert failed in told.splitlines()[-1]
    row = next(one for one in say(site, "gate", "list", "--all").splitlines() if "demo 2" in one)
    assert "opened, rolled-back" in row
    assert site.run(2)["state"] == "failed"
    (place,) = json.loads(say(site, "environments", "--json"))
    assert (place["history"][0]["state"], place["current"]["run"]) == ("rolled-back", 1)
    assert "rolled-back: 0.0.0+2" in say(site, "environments")

    say(site, "rerun", "2", "staging")
    told = say(site, "deploy", "staging", "--run", "2", "--set", "code=3", "--json", code=3)
    found = json.loads(told)
    assert (found["exit_code"], found["over"], found["stage"]) == (3, True, "staging")
    assert found["deployment"]["state"] == found["state"]
    assert "token" not in told
    told = say(site, "deploy", "staging", "--run", "1", "--set", "code=many", code=2)
    assert site.run(1)["state"] == "passed"


def people(site):
    """Add ann, who may open gates, and return her environment with a token."""
    file = site.folder / "pipeline.toml"
    hashed = hash_password("a long word for all of them")
    ann = f'\n[people.ann]\npassword = "{hashed}"\nroles = ["developer"]\n'
    file.write_text(file.read_text() + ann)


@pytest.fixture
def gated(site: LiveSite):
    site.write(GATED)
    people(site)
    site.up()
    site.wait_for_stage(1, "ships", "gate")
    return site


def test_a_gate_that_waits_for_approvals(gated):
    ships = gate_of(gated, "ships")
    told = say(gated, "gate", "open", ships, code=4)
    assert "one more person with the role developer must approve what admin asked for" in told
    assert f"slipway gate show {ships}" in told
    waiting = begin(gated, "gate", "wait", ships, "--timeout", "100s")
    token = say(gated, "token", "create", "--person", "ann", "--name", "x").split()[0]
    told = ended(begin(gated, "gate", "approve", ships, env={"SLIPWAY_TOKEN": token}), 0)
    assert "ships of demo run 1 passed" in told.splitlines()[-1]
    assert "ships of demo run 1 passed" in ended(waiting, 0)


def test_what_is_rejected_is_refused_to_who_waits(gated):
    ships = gate_of(gated, "ships")
    waiting = begin(gated, "gate", "open", ships, "--timeout", "100s", "--json")
    wait_for(lambda: "asked" in say(gated, "gate", "list"), lambda: "asked")
    say(gated, "gate", "reject", ships, "--comment", "not today")
    out, _ = waiting.communicate(timeout=100)
    found = json.loads(out)
    assert (waiting.returncode, found["state"], found["exit_code"]) == (2, "rejected", 2)
    assert "rejected by admin: not today" in found["sentence"]


def test_what_is_cancelled_with_its_run_is_told_so(gated):
    ships, fails = gate_of(gated, "ships"), gate_of(gated, "fails")
    waiting = begin(gated, "gate", "open", ships, "--timeout", "100s", "--json")
    wait_for(lambda: "asked" in say(gated, "gate", "list"), lambda: "asked")
    say(gated, "cancel", "1", "--reason", "the wrong branch")
    out, _ = waiting.communicate(timeout=100)
    found = json.loads(out)
    assert (waiting.returncode, found["state"], found["exit_code"]) == (1, "cancelled", 1)
    assert found["sentence"] == "ships of demo run 1 was cancelled"
    told = say(gated, "gate", "wait", fails, code=1)
    assert told.splitlines()[-1] == "fails of demo run 1 was cancelled"
    for told in (say(gated, "gate", "list", "--all"), say(gated, "show", "1")):
        assert "expired" not in told
        assert "cancelled" in told
    stages = gated.run(1)["stages"]
    assert {stages[name]["state"] for name in ("ships", "fails", "slow")} == {"cancelled"}
    refused = say(gated, "gate", "open", ships, code=2)
    assert "it is cancelled" in refused


def test_what_goes_on_when_one_does_not_wait(gated):
    slow, fails = gate_of(gated, "slow"), gate_of(gated, "fails")
    told = say(gated, "gate", "open", fails, "--no-wait")
    assert told == "fails of demo run 1 is opened\n"
    began = time.monotonic()
    told = say(gated, "gate", "open", slow, "--timeout", "1s", code=4)
    assert time.monotonic() - began < 60
    assert "slow of demo run 1 is not over after 1" in told.splitlines()[-1]
    waiting = begin(gated, "gate", "wait", slow)
    lines = []
    wait_for(lambda: lines.append(waiting.stdout.readline()) or "running" in lines[-1], lines.pop)
    waiting.send_signal(signal.SIGINT)
    told = ended(waiting, 130)
    assert f"slow of demo run 1 goes on; look: slipway gate show {slow}" in told
    assert gated.run(1)["stages"]["slow"]["state"] == "running"

    # A master that is started again is waited for.
    waiting = begin(gated, "gate", "wait", slow)
    assert waiting.stdout.readline()
    gated.down()
    gated.up()
    gated.wait_for_stage(1, "slow", "running")
    say(gated, "cancel", "1", "slow")
    assert "slow of demo run 1 was cancelled" in ended(waiting, 1)


def test_a_stage_that_is_tried_again_ends_with_its_own_exit_code(gated):
    say(gated, "gate", "open", gate_of(gated, "fails"), code=1)
    told = say(gated, "rerun", "1", "fails")
    assert "fails of demo run 1 asks anew: slipway gate open" in told
    found = json.loads(say(gated, "rerun", "1", "build", "--json"))
    assert (found["state"], found["run"], found["stage"]) == ("passed", 1, "build")
    assert "build of demo run 1 passed" in say(gated, "rerun", "1", "build")
