"""Commands that wait for the outcome of what they asked for, and end with its exit code."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

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
if-unchanged = "release"
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


@dataclass
class Gated:
    """A run that waits at its gates, on a site with others."""

    site: LiveSite
    number: int

    def gate(self, stage):
        """Return the id of the gate of a stage that waits."""
        (found,) = [one["id"] for one in self.gates() if one["stage"] == stage]
        return str(found)

    def gates(self):
        """Return the run's gates that wait, as `gate list` has them."""
        told = json.loads(say(self.site, "gate", "list", "--json"))
        return [one for one in told if one["run"] == self.number]

    def asked(self):
        """Return whether somebody has asked for one of them."""
        return [one for one in self.gates() if one["asked_at"]]


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


@pytest.fixture(scope="module")
def standing(shared_site):
    shared_site.write(GATED)
    people(shared_site)
    shared_site.up()
    shared_site.wait_for_stage(1, "ships", "gate")
    return shared_site


@pytest.fixture
def gated(standing):
    return Gated(standing, standing.start_run("ships", "gate"))


def test_a_gate_that_waits_for_approvals(gated):
    site, ships = gated.site, gated.gate("ships")
    told = say(site, "gate", "open", ships, code=4)
    assert "one more person with the role developer must approve what admin asked for" in told
    assert f"slipway gate show {ships}" in told
    waiting = begin(site, "gate", "wait", ships, "--timeout", "100s")
    token = say(site, "token", "create", "--person", "ann", "--name", "x").split()[0]
    told = ended(begin(site, "gate", "approve", ships, env={"SLIPWAY_TOKEN": token}), 0)
    assert f"ships of demo run {gated.number} passed" in told.splitlines()[-1]
    assert f"ships of demo run {gated.number} passed" in ended(waiting, 0)


def test_what_is_rejected_is_refused_to_who_waits(gated):
    site, ships = gated.site, gated.gate("ships")
    waiting = begin(site, "gate", "open", ships, "--timeout", "100s", "--json")
    wait_for(gated.asked, lambda: "nobody has asked")
    say(site, "gate", "reject", ships, "--comment", "not today")
    out, _ = waiting.communicate(timeout=100)
    found = json.loads(out)
    assert (waiting.returncode, found["state"], found["exit_code"]) == (2, "rejected", 2)
    assert "rejected by admin: not today" in found["sentence"]


def test_what_is_cancelled_with_its_run_is_told_so(gated):
    site, number = gated.site, gated.number
    ships, fails = gated.gate("ships"), gated.gate("fails")
    waiting = begin(site, "gate", "open", ships, "--timeout", "100s", "--json")
    wait_for(gated.asked, lambda: "nobody has asked")
    say(site, "cancel", str(number), "--reason", "the wrong branch")
    out, _ = waiting.communicate(timeout=100)
    found = json.loads(out)
    assert (waiting.returncode, found["state"], found["exit_code"]) == (1, "cancelled", 1)
    assert found["sentence"] == f"ships of demo run {number} was cancelled"
    told = say(site, "gate", "wait", fails, code=1)
    assert told.splitlines()[-1] == f"fails of demo run {number} was cancelled"
    rows = [
        row for row in say(site, "gate", "list", "--all").splitlines() if f"demo {number}" in row
    ]
    assert len(rows) == 3
    for told in (*rows, say(site, "show", str(number))):
        assert "expired" not in told
        assert "cancelled" in told
    stages = site.run(number)["stages"]
    assert {stages[name]["state"] for name in ("ships", "fails", "slow")} == {"cancelled"}
    refused = say(site, "gate", "open", ships, code=2)
    assert "it is cancelled" in refused


def test_what_goes_on_when_one_does_not_wait(gated):
    site, number = gated.site, gated.number
    slow, fails = gated.gate("slow"), gated.gate("fails")
    told = say(site, "gate", "open", fails, "--no-wait")
    assert told == f"fails of demo run {number} is opened\n"
    began = time.monotonic()
    told = say(site, "gate", "open", slow, "--timeout", "1s", code=4)
    assert time.monotonic() - began < 60
    assert f"slow of demo run {number} is not over after 1" in told.splitlines()[-1]
    waiting = begin(site, "gate", "wait", slow)
    lines = []
    wait_for(lambda: lines.append(waiting.stdout.readline()) or "running" in lines[-1], lines.pop)
    waiting.send_signal(signal.SIGINT)
    told = ended(waiting, 130)
    assert f"slow of demo run {number} goes on; look: slipway gate show {slow}" in told
    assert site.run(number)["stages"]["slow"]["state"] == "running"

    # A master that is started again is waited for.
    waiting = begin(site, "gate", "wait", slow)
    assert waiting.stdout.readline()
    site.down()
    site.up()
    site.wait_for_stage(number, "slow", "running")
    say(site, "cancel", str(number), "slow")
    assert f"slow of demo run {number} was cancelled" in ended(waiting, 1)


def test_a_stage_that_is_tried_again_ends_with_its_own_exit_code(gated):
    site, number = gated.site, str(gated.number)
    say(site, "gate", "open", gated.gate("fails"), code=1)
    told = say(site, "rerun", number, "fails")
    assert f"fails of demo run {number} asks anew: slipway gate open" in told
    found = json.loads(say(site, "rerun", number, "build", "--json"))
    assert (found["state"], found["run"], found["stage"]) == ("passed", gated.number, "build")
    assert f"build of demo run {number} passed" in say(site, "rerun", number, "build")
