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


@pytest.fixture(scope="module")
def running(shared_site):
    shared_site.write(command("make", "print(1)"))
    shared_site.up()
    shared_site.wait_for_run(1)
    return shared_site


def test_who_triggers_at_once_is_told_their_own_run(running: LiveSite):
    expect_own_runs(running)


def test_who_triggers_at_once_what_waits_for_people_is_told_their_own_run(site: LiveSite):
    """Nothing of it goes to Buildbot at first: its run is not known by what was handed on."""
    site.write(command("make", "print(1)", manual="true"))
    site.up()
    site.wait_for_run(1)
    expect_own_runs(site)


def expect_own_runs(site):
    """Trigger runs of two branches at once."""
    first = site.runs()[0]["number"] + 1
    site.git("checkout", "--quiet", "-b", "next")
    site.commit("Another branch")
    wanted = {"main": site.git("rev-parse", "main"), "next": site.git("rev-parse", "next")}
    site.git("checkout", "--quiet", "main")
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
    assert sorted(numbers.values()) == list(range(first, first + 6))
    runs = {run["number"]: run for run in site.runs()}
    with site.client(admin=True) as client:
        for (branch, attempt), number in numbers.items():
            run = runs[number]
            assert (run["branch"], run["revision"]) == (branch, wanted[branch])
            told = client.get(f"plugins/slipway/api/runs/demo/{number}").json()
            assert told["reason"] == f"{branch} {attempt}"


def test_a_poll_tells_the_run_that_it_started_itself(running: LiveSite):
    site = running
    newest = site.runs()[0]["number"]
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
    assert {number, triggered} == {newest + 1, newest + 2}
    assert site.run(number)["trigger"] == "poll"


def test_what_is_wrong_is_told_and_nothing_starts(running: LiveSite):
    site, before = running, [run["number"] for run in running.runs()]
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
    assert [run["number"] for run in site.runs()] == before
