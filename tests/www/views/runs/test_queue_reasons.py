"""Why a queued stage has not begun: what is told of workers that are not there, paused, busy."""

import pytest
from buildbot.db.model import Model
from sqlalchemy import delete, insert, update

from slipway.ledger import run_state, runs
from slipway.ledger.queue_reasons import why_queued
from slipway.model.site import Project, Worker
from slipway.www.shapes.runs import RunsQuery
from slipway.www.views.runs import run as run_view
from slipway.www.views.runs import runs as run_list
from tests.www.conftest import ANN, PROJECT

LOCAL = {"local": Worker(max_builds=2)}


class Crew:
    """The workers, as Buildbot's tables know them."""

    def __init__(self, session):
        self.session = session

    def add(self, number, name, *, connected=True, paused=False):
        told = {"id": number, "name": name, "info": {}, "paused": int(paused), "graceful": 0}
        self.session.execute(insert(Model.workers).values(**told))
        if connected:
            if number == 1:
                master = {"id": 1, "name": "m", "name_hash": "m", "active": 1, "last_active": 1}
                self.session.execute(insert(Model.masters).values(**master))
            link = {"id": number, "masterid": 1, "workerid": number}
            self.session.execute(insert(Model.connected_workers).values(**link))


@pytest.fixture
def crew(book):
    return Crew(book.session)


def told(book, workers=LOCAL, project=PROJECT):
    """Return the reasons by stage and cell, of all runs."""
    found = why_queued(book.session, {"demo": project}, workers)
    rows = {one.id: one for run in book.session.query(runs.Run) for one in run.stages}
    return {(rows[number].name, rows[number].cell): why for number, why in found.items()}


def work(book, run, name, cell="", worker="local"):
    runs.begin(run_state.counting(run)[name, cell], 1, worker, book.now)
    book.session.flush()


def test_nothing_is_queued(book, crew):
    assert told(book) == {}


def test_a_free_worker_takes_it_in_a_moment(book, crew):
    crew.add(1, "local")
    book.start()
    assert told(book) == {}


def test_its_worker_is_not_connected(book, crew):
    crew.add(1, "local", connected=False)
    book.start()
    assert set(told(book).values()) == {"no worker is connected (local)"}


def test_labels_and_lanes_are_named(book, crew):
    crew.add(1, "local")
    keys = {"runs-on": ["gpu", "windows"]}
    stage = {"uses": "command", "argv": ["true"], **keys}
    labelled = Project.model_validate(
        {"repository": "source", "stages": {"docs": stage, "tests": {**stage, "lane": "bulk"}}}
    )
    book.start()
    windows = LOCAL | {"win": Worker(labels=("gpu", "windows"), lanes=("default",))}
    found = told(book, windows, labelled)
    assert found["docs", ""] == "no worker with the labels gpu and windows is connected (win)"
    found = told(book, LOCAL, labelled)
    assert found["docs", ""] == "pipeline.toml has no worker with the labels gpu and windows"
    bulk = labelled.model_copy(
        update={"stages": PROJECT.stages | {"docs": labelled.stages["tests"]}}
    )
    assert told(book, windows, bulk)["docs", ""] == (
        "pipeline.toml has no worker with the labels gpu and windows that serves the lane bulk"
    )


def test_its_worker_is_paused(book, crew):
    crew.add(1, "local", paused=True)
    book.start()
    assert set(told(book).values()) == {"local is paused"}


@pytest.mark.slow
def test_its_worker_is_busy(book, crew):
    crew.add(1, "local")
    first = book.start()
    work(book, first, "tests", "3.11")
    assert told(book) == {}
    work(book, first, "tests", "3.12")
    second = book.start()
    busy = "local is busy with tests[3.11] of demo run 1, tests[3.12] of demo run 1"
    assert told(book)["docs", ""] == busy
    work(book, second, "docs")
    assert told(book)["tests", "3.11"] == f"{busy} and 1 more"


def test_of_one_stage_a_worker_does_one_at_a_time(book, crew):
    crew.add(1, "local")
    first = book.start()
    work(book, first, "docs")
    book.start()
    found = {key: why for key, why in told(book).items() if key[0] == "docs"}
    assert found == {("docs", ""): "local is busy with docs of demo run 1"}


def test_a_worker_that_went_is_not_connected_any_more(book, crew):
    crew.add(1, "local")
    book.start()
    book.session.execute(delete(Model.connected_workers))
    book.session.execute(update(Model.workers).values(paused=1))
    assert set(told(book).values()) == {"no worker is connected (local)"}


def test_views_tell_it(book, crew):
    crew.add(1, "local", connected=False)
    book.start()
    row = run_list._list(book.session, RunsQuery(), book.site).items[0]
    assert [chip.waits for chip in row.stages][:3] == ["no worker is connected (local)"] * 2 + [""]
    whole = run_view._show(book.session, book.outline, "1", ANN)
    assert whole.stages[0].waits == "no worker is connected (local)"
