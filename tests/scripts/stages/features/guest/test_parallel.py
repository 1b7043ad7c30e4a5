"""Several processes and shards run the same scenarios as one, each once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slipway.scripts.stages.features.guest.slipway_behave import queue as feature_queue

pytestmark = pytest.mark.slow


def fill(project, files=8):
    for number in range(files):
        what = ["it works", "it fails", "it works in attempt 2", "it raises x"][number % 4]
        project.feature(
            f"Feature: F{number}\n  Scenario: first {number}\n    Given it works\n"
            f"  Scenario: second {number}\n    Given {what}\n",
            f"f{number}",
        )


def results(ran):
    return sorted(
        (one["file"], one["line"], one["name"], one["status"], one["message"])
        for one in ran.of("scenario_finished")
    )


@pytest.mark.parametrize("jobs", [2, 4])
def test_results_are_those_of_one_process(project, jobs):
    fill(project)
    serial = project.run(retries=1)
    parallel = project.run(retries=1, jobs=jobs)
    assert results(parallel) == results(serial)
    assert len(results(serial)) == 16
    assert (serial.code, parallel.code) == (1, 1)
    assert feature_queue.lost(str(parallel.folder / "queue")) == []
    assert len(feature_queue.seconds(str(parallel.folder / "queue"))) == 8


def test_hooks_around_all_run_once_in_each_process(project):
    fill(project)
    project.write(
        "features/environment.py",
        "def note(text):\n    open('NOTES', 'a').write(text)\n"
        "def before_all(c):\n    note('b')\ndef after_all(c):\n    note('e')\n",
    )
    project.run(jobs=3)
    assert sorted((project.folder / "NOTES").read_text()) == list("bbbeee")


def test_files_of_formatters_are_parted_between_processes(project):
    fill(project)
    project.run(arguments=["-f", "json", "-o", "out.json"], jobs=2)
    parts = [json.loads(Path(project.folder, f"out.{n}.json").read_text()) for n in (0, 1)]
    assert sorted(one["name"] for part in parts for one in part) == [f"F{n}" for n in range(8)]


def test_longest_first_by_history(project):
    fill(project, 4)
    history = {"features/f2.feature": 9.0, "features/f0.feature": 5.0, "features/f1.feature": 1.0}
    project.runs += 1
    started = project.start(0, jobs=2, history=history)
    started.communicate(timeout=60)
    path = project.folder / ".run" / "1" / "events-0"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    order = [one["file"] for one in events if one["event"] == "feature_started"]
    # f3 is not known: it counts as 2 scenarios of 15 s / 6.
    assert order == [f"features/f{n}.feature" for n in (2, 0, 3, 1)]


def test_one_process_keeps_behaves_order(project):
    fill(project, 4)
    ran = project.run(history={"features/f2.feature": 9.0})
    order = [one["file"] for one in ran.of("feature_started")]
    assert order == [f"features/f{n}.feature" for n in range(4)]


@pytest.mark.parametrize("history", [{}, {f"features/f{n}.feature": n + 1.0 for n in range(8)}])
def test_shards_have_each_feature_once(project, history):
    fill(project)
    shards = [project.run(shard=[at, 3], history=history) for at in (1, 2, 3)]
    files = [one["file"] for ran in shards for one in ran.of("feature_finished")]
    assert sorted(files) == [f"features/f{n}.feature" for n in range(8)]
    again = project.run(shard=[2, 3], history=history)
    assert results(again) == results(shards[1])


def test_shard_with_nothing_to_do_is_fine(project):
    project.feature("Feature: F\n  Scenario: s\n    Given it works\n")
    ran = project.run(shard=[2, 2])
    assert (ran.code, ran.statuses()) == (0, {})


def test_shards_are_even_in_seconds():
    weights = {f"f{n}": float(n) for n in range(1, 21)}
    loads = [sum(weights[one] for one in feature_queue.deal(weights, at, 4)) for at in (1, 2, 3, 4)]
    assert sum(loads) == 210
    assert max(loads) - min(loads) <= 3


def test_killed_process_leaves_its_claim_and_the_other_goes_on(project):
    fill(project)
    project.feature("Feature: K\n  Scenario: k\n    Given the process is killed\n", "a")
    ran = project.run(jobs=2, history={"features/a.feature": 99.0}, retries=1)
    [lost] = feature_queue.lost(str(ran.folder / "queue"))
    assert lost["feature"] == "features/a.feature"
    assert lost["pid"] > 0
    assert len(ran.of("feature_finished")) == 8


def test_max_failures_counts_in_all_processes(project):
    for number in range(10):
        project.feature(
            f"Feature: F\n  Scenario: s{number}\n    Given it takes 0.1 s\n    And it fails\n",
            f"f{number}",
        )
    ran = project.run(jobs=2, max_failures=3)
    assert 3 <= ran.counts()["failed"] <= 4
    assert ran.code == 1


def test_before_all_that_fails_in_every_process_makes_errors_and_nothing_skipped(project):
    fill(project)
    project.write("features/environment.py", "def before_all(c):\n    raise OSError('no server')\n")
    ran = project.run(jobs=2, junit=str(project.folder / "ours"))
    assert ran.counts() == {"error": 16}
    assert ran.code == 1
    assert len(list((project.folder / "ours").iterdir())) == 8


def test_before_all_that_fails_in_one_process_leaves_the_features_to_the_other(project):
    fill(project, 4)
    project.write(
        "features/environment.py",
        "def before_all(c):\n    if c.config.userdata['slipway.process'] == 1:\n"
        "        raise OSError('no port')\n",
    )
    ran = project.run(jobs=2, retries=1)
    assert ran.code == 1
    assert "no port" in ran.error()["text"]
    assert ran.counts() == {"passed": 5, "failed": 1, "flaky": 1, "error": 1}
