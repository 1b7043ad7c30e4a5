"""What people ask the ledger."""

import sqlite3

import pytest
from sqlalchemy import URL, create_engine, event
from sqlalchemy.exc import DBAPIError

from slipway.ledger import runs
from slipway.ledger.database.migrate import upgrade
from slipway.ledger.polls import keep_poll
from slipway.ledger.queries import list_polls, list_releases, list_runs, open_ledger
from slipway.model.errors import MissingTool
from slipway.model.states import StageState


@pytest.fixture
def told(session, start, make_stages):
    """Write three runs of two projects, one of them with stages and a release."""
    first = start()
    stages = make_stages(unit=[], pack=["unit"])
    for name in ("unit", "pack"):
        runs.first_try(session, first, name, stages[name], 1000.0)
    (unit,) = [one for one in first.stages if one.name == "unit"]
    runs.begin(unit, 1, "local", 1001.0)
    runs.finish(unit, StageState.FAILED, 1002.0, 1)
    unit.summary = "2 failed"
    runs.again(session, first, unit, stages["unit"], 1003.0, owner="ann")
    facts = {"folder": "/releases/1", "manifest_sha256": "0" * 64}
    runs.keep_release(session, first, facts, [], 2000.0)
    start(revision="b" * 40)
    start("other")
    session.commit()


def test_where_no_ledger_is_there_is_none(tmp_path):
    assert open_ledger(f"sqlite:///{tmp_path / 'state.sqlite'}") is None
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_our_tables_is_no_ledger(tmp_path):
    path = tmp_path / "state.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table builds (id int)")
    assert open_ledger(f"sqlite:///{path}") is None


def test_a_file_that_is_no_database_is_told(tmp_path):
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(MissingTool, match=r"state.sqlite cannot be read: file is not a database"):
        open_ledger(f"sqlite:///{path}")


def test_a_server_out_of_reach_is_told_without_its_password():
    url = "postgresql+psycopg://ann:hunter2@127.0.0.1:1/slipway"
    with pytest.raises(MissingTool, match=r"ann:\*\*\*@127.0.0.1:1/slipway cannot be read") as told:
        open_ledger(url)
    assert "hunter2" not in str(told.value)


def test_a_ledger_is_opened_for_reading_alone(engine, url):
    opened = open_ledger(url)
    with opened.connect() as connection, pytest.raises(DBAPIError, match=r"read-?only"):
        connection.exec_driver_sql("delete from slipway_run")
    opened.dispose()


@pytest.mark.parametrize(
    "name",
    [
        *("with space", "100%", "ä"),
        "a#b",
        "100%41",
    ],
)
def test_a_ledger_may_lie_in_any_folder(tmp_path, name):
    path = tmp_path / name / "state.sqlite"
    path.parent.mkdir()
    made = create_engine(URL.create("sqlite", database=str(path)))
    upgrade(made)
    made.dispose()
    opened = open_ledger(f"sqlite:///{path}")
    assert opened is not None
    assert list_runs(opened) == []
    opened.dispose()


def test_runs_come_newest_first_with_their_newest_attempts(told, url):
    ledger = open_ledger(url)
    found = list_runs(ledger)
    assert [(run.project, run.number) for run in found] == [
        ("other", 1),
        ("almanac", 2),
        ("almanac", 1),
    ]
    first = found[-1]
    assert (first.version, first.trigger, first.person) == ("1.4.0+1", "poll", "ann")
    assert first.releases == ["/releases/1"]
    assert list(first.stages) == ["unit", "pack"]
    assert (first.stages["unit"].attempt, first.stages["unit"].state) == (2, "queued")
    ledger.dispose()


def test_runs_can_be_narrowed(told, url):
    ledger = open_ledger(url)
    assert [run.number for run in list_runs(ledger, "almanac")] == [2, 1]
    assert [run.number for run in list_runs(ledger, "almanac", limit=1)] == [2]
    assert [run.number for run in list_runs(ledger, "almanac", numbers=[1])] == [1]
    assert list_runs(ledger, numbers=[]) == []
    assert list_runs(ledger, "nobody") == []
    ledger.dispose()


def test_many_runs_are_few_queries(session, start, engine):
    for number in range(10):
        start(revision=f"{number:040}")
    session.commit()
    seen = []
    event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    assert len(list_runs(engine)) == 10
    assert len(seen) <= 3


def test_releases(told, url):
    ledger = open_ledger(url)
    (release,) = list_releases(ledger)
    assert (release.project, release.version, release.run) == ("almanac", "1.4.0+1", 1)
    assert (release.revision, release.place) == ("a" * 40, "/releases/1")
    assert list_releases(ledger, "other") == []
    ledger.dispose()


def test_the_last_poll_of_each_project_counts(session, engine):
    keep_poll(session, "almanac", "cannot be read", failed=True)
    keep_poll(session, "almanac", "nothing new on main", failed=False)
    keep_poll(session, "other", "1 new commit", failed=False)
    session.commit()
    polls = list_polls(engine)
    assert {name: (one.outcome, one.failed) for name, one in polls.items()} == {
        "almanac": ("nothing new on main", False),
        "other": ("1 new commit", False),
    }
