"""Retention: what goes, and what never does."""

import hashlib
import os
import time

import pytest

from slipway.ledger import pruning, runs
from slipway.ledger.gate_tables import Deployment
from slipway.ledger.store import Store
from slipway.ledger.tables import Release
from slipway.model.site import Keep, Project

from .conftest import Walk

LONG_AGO = 100.0


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def past(session, start, make_stages, store, tmp_path):
    """Return a maker of runs of long ago that left one file and a release each."""

    def make(branch="main", state="passed", same=None, **needs):
        run = start(branch=branch, trigger="force")
        run.started_at = LONG_AGO
        going = Walk(session, make_stages(**(needs or {"a": []})), run)
        going.advance()
        text = same or f"{run.project} {run.number}"
        file = tmp_path / "file"
        file.write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        kept = store.add(file, digest)
        os.utime(kept, (LONG_AGO, LONG_AGO))
        going.end("a", artefacts=[(text, "product")])
        run.state = state
        release = Release(
            run=run, version=run.version, place="/r", manifest_sha256="0" * 64, published_at=1.0
        )
        release.artefacts = [{"sha256": digest}]
        session.add(release)
        session.flush()
        return run, release, digest

    return make


def project(**keep):
    stages = {"a": {"uses": "command", "argv": ["true"]}}
    return {"almanac": Project(repository="x", stages=stages, keep=Keep(**keep))}


def numbers(session, store, **keep):
    found = pruning.find(session, project(**keep), store, time.time())
    return [number for _, number, _ in found.runs], len(found.files)


def test_the_newest_runs_stay_and_the_newest_release(past, session, store):
    for _ in range(4):
        past()
    assert numbers(session, store, runs=2) == ([1, 2], 2)
    assert numbers(session, store, runs=1) == ([1, 2, 3], 3)


def test_young_runs_stay(past, session, store):
    run, _, _ = past()
    past()
    run.started_at = time.time() - 3600
    assert numbers(session, store, runs=1, age="2h") == ([], 0)
    assert numbers(session, store, runs=1, age="30m") == ([1], 1)


def test_the_newest_release_of_each_branch_stays(past, session, store):
    past(branch="next")
    past()
    past()
    assert numbers(session, store, runs=1) == ([2], 1)


def test_what_is_at_work_or_waits_stays(past, session, store, start, make_stages):
    past(state="running")
    gated, _, _ = past()
    going = Walk(session, make_stages(["hand"], hand=[]), gated)
    going.advance()
    gated.state = "failed"
    past()
    assert numbers(session, store, runs=1) == ([], 0)


def test_what_an_environment_runs_and_ran_before_stays(past, session, store):
    made = [past() for _ in range(5)]
    for run, release, _ in made[:3]:
        session.add(
            Deployment(
                project="almanac",
                environment="live",
                release_id=release.id,
                stage_id=run.stages[0].id,
                state="deployed",
                started_at=1.0,
                facts={},
                values={},
            )
        )
    session.flush()
    assert numbers(session, store, runs=1) == ([1, 4], 2)


def test_a_file_that_another_run_has_too_stays(past, session, store):
    past(same="twin")
    past(same="twin")
    assert numbers(session, store, runs=1) == ([1], 0)


def test_what_stands_for_a_skipped_stage_stays(past, session, store, start, make_stages):
    first, _, _ = past()
    second = start(trigger="force")
    second.skips = {"a": {"why": "nothing changed", "run": first.number}}
    runs.queue_ready(session, second, make_stages(a=[]), 1.0)
    third, _, _ = past()
    assert third.number == 3
    assert numbers(session, store, runs=2) == ([1], 0)
    assert numbers(session, store, runs=1) == ([1, 2], 1)


def test_a_file_that_is_only_just_there_stays(session, store, tmp_path):
    file = tmp_path / "new"
    file.write_text("new")
    store.add(file, hashlib.sha256(b"new").hexdigest())
    assert numbers(session, store, runs=1) == ([], 0)


def test_pruning_marks_and_removes(past, session, store):
    first, _, digest = past()
    _, _, stays = past()
    found = pruning.mark(session, project(runs=1), store)
    pruning.remove(store, found)
    assert found.runs == [("almanac", 1, "1.4.0+1")]
    assert (store.has(digest), store.has(stays)) == (False, True)
    assert first.pruned_at is not None
    assert first.stages[0].artefacts[0].sha256 == digest
    assert numbers(session, store, runs=1) == ([], 0)


def test_without_keep_everything_stays(past, session, store):
    past()
    past()
    stages = {"a": {"uses": "command", "argv": ["true"]}}
    every = {"almanac": Project(repository="x", stages=stages)}
    assert pruning.find(session, every, store, time.time()).runs == []
