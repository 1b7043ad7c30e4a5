"""Workers that cannot be let in, or that vanish: a sentence in the logs, and nothing is lost."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.support.far import VARIABLE, expect_far, far_worker
from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = pytest.mark.live

MASTER_LOG = "master/twistd.log"
_WRONG = f"sha256:{'0' * 64}"
#: Added to the worker's buildbot.tac: another version, and a clock that is an hour ahead.
ODD = """
import time, types
from slipway.workers import master_calls
master_calls.__version__ = "0.0.9"
master_calls.time = types.SimpleNamespace(time=lambda: time.time() + 3600)
"""
#: The file "mode" says where the worker vanishes, once: it loses its power, so to speak.
VANISHING = """
import pathlib
from twisted.internet import defer, task
here = pathlib.Path(basedir)
honest_give, honest_end = commands.Give.work, commands.End.work

def vanish(mode):
    if (here / "mode").read_text() == mode:
        (here / "mode").write_text("vanished")
        os._exit(9)

@defer.inlineCallbacks
def give(self):
    writer = self.args["writer"]
    if (here / "mode").read_text() == "upload":
        yield self.protocol_command.protocol_update_upload_file_write(writer, b"x" * 300000)
        vanish("upload")
    yield honest_give(self)

def end(self):
    done = honest_end(self)
    reactor.callLater(0.2, vanish, "between")
    return done

def look():
    if (here / "running").exists():
        vanish("running")

task.LoopingCall(look).start(0.1)
commands.Give.work, commands.End.work = give, end
commands.register()
"""
#: Leaves two blocks and a half, and waits until the worker has seen that it runs.
MAKE = """
import pathlib, time
far = pathlib.Path({far!r})
(far / "running").touch()
while (far / "mode").read_text() == "running":
    time.sleep(0.05)
pathlib.Path("made.bin").write_bytes(bytes(range(256)) * 5000)
"""
USE = """
import hashlib, json, os
(made,) = json.loads(os.environ["SLIPWAY_INPUTS"])
print("used", hashlib.sha256(open(made, "rb").read()).hexdigest())
"""


def master_log(site):
    return (site.state / MASTER_LOG).read_text()


def far_state(site):
    with site.client(admin=True) as client:
        found = client.get("plugins/slipway/api/workers").json()["workers"]
    return next(one["connected"] for one in found if one["name"] == "far")


@pytest.fixture
def far_site(site):
    """A site, not started, whose one stage may run on the worker far alone."""
    site.write(command("make", "print('made')", runs_on='["far"]'))
    expect_far(site)
    return site


def test_a_wrong_password_is_told_on_both_sides(far_site):
    far_site.env[VARIABLE] = "another password altogether"
    far_site.up()
    refused = "refuses the name or the password of this worker: not connected"
    with far_worker(far_site, expected=refused) as folder:
        wait_for(lambda: "invalid login from user 'far'" in master_log(far_site), far_site.said)
        assert not far_state(far_site)
        assert (folder / "twistd.log").read_text().count(refused) == 1
    assert far_site.env[VARIABLE] not in (folder / "twistd.log").read_text()


def test_tls_to_a_port_without_it_is_told_on_both_sides(far_site):
    far_site.up()
    told = r"127\.0\.0\.1:\d+ does not speak TLS \(wrong version number\)"
    with far_worker(far_site, options=("--fingerprint", _WRONG), expected=told):
        sentence = "a worker at 127.0.0.1 speaks TLS, and the workers' port of this site does not"
        wait_for(lambda: sentence in master_log(far_site), far_site.said)
        assert not far_state(far_site)


def test_another_version_and_clock_are_told_and_it_works(far_site):
    far_site.up()
    clock = "the clock of this machine is 3,600 s ahead of the master's"
    with far_worker(far_site, more=ODD, expected=clock) as folder:
        assert "and this worker has 0.0.9; its stages" in (folder / "twistd.log").read_text()
        for sentence in (
            "the clock of the worker far is 3,600 s ahead of the master's; have both set",
            "and the worker far has 0.0.9; its stages",
        ):
            wait_for(lambda said=sentence: said in master_log(far_site), far_site.said)
        assert far_site.wait_for_run(1)["state"] == "passed", far_site.said()


@pytest.mark.parametrize("where", ["running", "upload", "between"])
def test_a_worker_that_vanishes_loses_nothing(site, where):
    far = site.folder / "far"
    make = command("make", MAKE.format(far=str(far)), runs_on='["far"]', artefacts='["made.bin"]')
    use = command("use", USE, "make", runs_on='["far"]')
    site.write(make + use)
    expect_far(site)
    far.mkdir()
    (far / "mode").write_text(where)
    site.up()
    mode = far / "mode"
    with far_worker(site, more=VANISHING):
        wait_for(lambda: mode.read_text() == "vanished", site.said)
        wait_for(lambda: not far_state(site), site.said)
        assert site.run(1)["state"] == "running"
    with far_worker(site, more=VANISHING):
        run = site.wait_for_run(1)
    stages = {name: one["state"] for name, one in run["stages"].items()}
    assert stages == {"make": "passed", "use": "passed"}, site.said()
    expected = hashlib.sha256(bytes(range(256)) * 5000).hexdigest()
    done = site.run_slipway("logs", "1", "use")
    assert f"used {expected}" in done.stdout, done.stdout + done.stderr
    shown = json.loads(site.run_slipway("show", "1", "--json").stdout)
    assert expected in json.dumps(shown)
    if where != "between":
        assert "was lost amid a stage; it is begun anew" in master_log(site)
