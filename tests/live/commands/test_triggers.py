"""Runs that people start by `slipway trigger`: each is told the number of their own."""

import json
import re
import subprocess
import threading

import pytest

from tests.live.conftest import LiveSite
from tests.support.site import SLIPWAY, command

pytestmark = pytest.mark.live


def started(done):
    assert done.returncode == 0, done.stderr
    return int(re.search(r"demo: run (\d+) started", done.stdout)[1])


# Nothing of the second goes to Buildbot at first: its run cannot be known by what was handed on.
@pytest.mark.parametrize("manual", ["false", "true"])
def test_who_triggers_at_once_is_told_their_own_run(site: LiveSite, manual):
    site.write(command("make", "print(1)", manual=manual))
    site.up()
    site.wait_for_run(1)
    site.git("checkout", "--quiet", "-b", "next")
    site.commit("Another branch")
    wanted = {"main": site.git("rev-parse", "main"), "next": site.git("rev-parse", "next")}
    numbers = {}

    def trigger(branch, attempt):
        words = ["trigger", "--branch", branch, "--reason", f"{branch} {attempt}"]
        numbers[branch, attempt] = started(site.run_slipway(*words))

    threads = [
        threading.Thread(target=trigger, args=(branch, attempt))
        for attempt in range(3)
        for branch in wanted
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(numbers.values()) == list(range(2, 8))
    runs = {run["number"]: run for run in site.runs()}
    with site.client(admin=True) as client:
        for (branch, attempt), number in numbers.items():
            run = runs[number]
            assert (run["branch"], run["revision"]) == (branch, wanted[branch])
            told = client.get(f"plugins/slipway/api/runs/demo/{number}").json()
            assert told["reason"] == f"{branch} {attempt}"


def test_a_poll_tells_the_run_that_it_started_itself(site: LiveSite):
    site.write(command("make", "print(1)"))
    site.up()
    site.wait_for_run(1)
    assert site.run_slipway("poll").stdout == "demo: nothing new on main\n"
    first = site.run(1)["revision"]
    site.commit("Something new")
    polling = subprocess.Popen(
        [*SLIPWAY, "poll", "--json"], cwd=site.folder, env=site.env, stdout=subprocess.PIPE
    )
    triggered = started(site.run_slipway("trigger", "--revision", first))
    (poll,) = json.loads(polling.communicate(timeout=120)[0])
    assert (poll["project"], poll["failed"]) == ("demo", False)
    (number,) = poll["runs"]
    assert {number, triggered} == {2, 3}
    assert site.run(number)["trigger"] == "poll"


def test_what_is_wrong_is_told_and_nothing_starts(site: LiveSite):
    site.write(command("make", "print(1)"))
    site.up()
    site.wait_for_run(1)
    for words, told in (
        (["--revision", "nowhere"], 'has no branch, tag or commit "nowhere"'),
        (["--branch", "nxt"], 'has no branch, tag or commit "nxt"'),
        (["--project", "demmo"], '--project "demmo" is not there; there are demo. Did you mean'),
    ):
        done = site.run_slipway("trigger", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert told in done.stderr
        assert "Traceback" not in done.stderr
    done = site.run_slipway("poll", "--project", "demmo")
    assert (done.returncode, 'Did you mean "demo"?' in done.stderr) == (2, True)
    assert [run["number"] for run in site.runs()] == [1]
