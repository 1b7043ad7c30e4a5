"""Retention: what goes, and what never does."""

import hashlib
import os
import time

import pytest
from sqlalchemy import select

from slipway.artefacts.store import Store
from slipway.ledger import retention, runs
from slipway.ledger.audit.recording import AuditRow
from slipway.ledger.tables.gates import Deployment
from slipway.ledger.tables.runs import Release
from slipway.ledger.tables.stated import write
from slipway.model.site import Keep, Project
from slipway.model.states import DeploymentState, RunState
from tests.support.stored import put

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
        digest = hashlib.sha256(text.encode()).hexdigest()
        kept = put(store, text.encode())
        os.utime(kept, (LONG_AGO, LONG_AGO))
        going.end("a", artefacts=[(text, "product")])
        write(run, RunState(state))
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


def deploy(session, release, run=None):
    """Write down that a release runs on "live"."""
    stage = (run or release.run).stages[0]
    made = Deployment(
        project="almanac",
        environment="live",
        release_id=release.id,
        stage_id=stage.id,
        started_at=1.0,
        facts={},
        values={},
    )
    session.add(made)
    write(made, DeploymentState.DEPLOYED)
    session.flush()


def numbers(session, store, **keep):
    found = retention.find(session, project(**keep), store, time.time())
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
    write(gated, RunState.FAILED)
    past()
    assert numbers(session, store, runs=1) == ([], 0)


@pytest.mark.slow
def test_what_an_environment_runs_and_ran_before_stays(past, session, store):
    made = [past() for _ in range(5)]
    for run, release, _ in made[:3]:
        deploy(session, release, run)
    session.flush()
    assert numbers(session, store, runs=1) == ([1, 4], 2)


def test_the_versions_that_no_target_may_remove(publish, session):
    releases = [publish()[1] for _ in range(5)]
    deploy(session, releases[0])
    deploy(session, releases[2])
    versions = {releases[n].version for n in (0, 2, 4)}
    assert retention.protected_versions(session, "almanac") == tuple(sorted(versions))
    assert retention.protected_versions(session, "another") == ()


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


def test_a_file_that_is_only_just_there_stays(session, store):
    put(store, b"new")
    assert numbers(session, store, runs=1) == ([], 0)


def test_pruning_marks_and_removes(past, session, store):
    first, _, digest = past()
    _, _, stays = past()
    found = retention.mark(session, project(runs=1), store)
    retention.remove(store, found)
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
    assert retention.find(session, every, store, time.time()).runs == []


@pytest.mark.slow
def test_what_stays_is_told_with_why(past, session, store):
    made = [past() for _ in range(5)]
    running = past(branch="next", state="running")[0]
    for _, release, _ in made[:2]:
        deploy(session, release)
    past()
    past()
    found = retention.find(session, project(runs=1), store, time.time())
    assert [number for _, number, _ in found.runs] == [3, 4, 5, 7]
    assert found.kept == [
        ("almanac", "run 1", "live ran it before"),
        ("almanac", "run 2", "live runs it"),
        ("almanac", f"run {running.number}", "it is at work"),
    ]


@pytest.mark.slow
def test_a_gate_and_the_newest_release_of_a_branch_are_named(past, session, store, make_stages):
    past(branch="next")
    gated, _, _ = past()
    going = Walk(session, make_stages(["hand"], hand=[]), gated)
    going.advance()
    past()
    found = retention.find(session, project(runs=1), store, time.time())
    assert [why for _, _, why in found.kept] == [
        "the newest release of next",
        "it waits at the gate hand",
    ]


def test_bytes_are_those_of_the_disk(past, session, store, tmp_path):
    """A file of several runs counts once; one that a backup holds, too, gives nothing back."""
    _, _, twin = past(same="twins")
    past(same="twins")
    _, _, held = past(same="held elsewhere")
    past()
    os.link(store.path(held), tmp_path / "backup")
    found = retention.mark(session, project(runs=1), store)
    session.commit()
    assert sorted(found.files) == sorted((twin, held))
    assert found.size == len("twins")
    before = sum(path.stat().st_size for path in store.files())
    assert retention.remove(store, found) == found.size
    left = sum(path.stat().st_size for path in store.files())
    assert before - left == len("twins") + len("held elsewhere")


@pytest.mark.slow
def test_what_came_anew_meanwhile_stays(past, session, store):
    _, _, digest = past()
    past()
    found = retention.mark(session, project(runs=1), store)
    os.utime(store.path(digest))
    assert retention.remove(store, found) == 0
    assert store.has(digest)


def test_young_files_are_counted(session, store):
    put(store, b"new")
    assert retention.find(session, project(runs=1), store, time.time()).young == 1


@pytest.fixture
def publish(past, session, tmp_path):
    """Return a maker of runs of long ago whose release is a folder."""

    def make(**keys):
        run, release, _ = past(**keys)
        place = tmp_path / "releases" / "almanac" / run.version
        place.mkdir(parents=True)
        manifest = f'{{"version": "{run.version}"}}'
        (place / "release.json").write_text(manifest)
        (place / "program").write_text("x" * 100)
        release.place = str(place)
        release.manifest_sha256 = hashlib.sha256(manifest.encode()).hexdigest()
        session.flush()
        return run, release, place

    return make


def folders(session, store, **keep):
    found = retention.find(session, project(runs=100, **keep), store, time.time())
    return [one.path.name for one in found.folders], [what for _, what, _ in found.kept], found.size


@pytest.mark.slow
def test_published_folders_go_as_keep_says(publish, session, store):
    made = [publish() for _ in range(4)]
    size = 100 + len(made[0][2].joinpath("release.json").read_text())
    assert folders(session, store) == ([], [], 0)
    assert folders(session, store, releases=4) == ([], [], 0)
    assert folders(session, store, releases=2) == (["1.4.0+2", "1.4.0+1"], [], 2 * size)
    made[0][1].published_at = time.time() - 3600
    assert folders(session, store, releases=2, age="2h")[0] == ["1.4.0+2"]


@pytest.mark.slow
def test_a_folder_that_somebody_needs_stays(publish, session, store):
    """What runs somewhere, the newest of a branch, the latest, and what is no release of ours."""
    made = [publish(), publish(branch="next"), publish(), publish(), publish()]
    deploy(session, made[0][1])
    latest = made[2][2].parent / "latest"
    latest.symlink_to(made[2][2].name)
    (made[3][2] / "release.json").write_text("altered")
    assert folders(session, store, releases=1) == (
        [],
        ["release 1.4.0+3", "release 1.4.0+2", "release 1.4.0+1"],
        0,
    )


def test_the_trail_names_who_pruned(past, session, store):
    first, _, _ = past()
    past()
    session.commit()
    session.info["actor"] = "ann"
    retention.mark(session, project(runs=1), store)
    session.commit()
    rows = session.scalars(select(AuditRow).where(AuditRow.actor == "ann")).all()
    assert {(row.action, row.entity) for row in rows} == {("update", "run"), ("prune", "store")}
    told = next(row for row in rows if row.action == "prune")
    assert told.new["runs"] == [f"almanac {first.number}"]


def test_files_that_the_ledger_names_are_told_however_many_are_asked_for(session, past):
    _run, _release, digest = past()
    asked = [f"{number:064x}" for number in range(1200)]
    assert retention.named_among(session, asked) == set()
    assert retention.named_among(session, [*asked, digest]) == {digest}
