"""News: each transaction tells the runs it has changed, once it is committed, and no more."""

import pytest

from slipway.ledger import freezes, gates, run_state, runs
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Artefact
from slipway.master import change_notifications
from slipway.model.access import Person
from slipway.model.commit import Cause, Commit
from slipway.model.states import StageState
from slipway.scripts.stages.command.stage import CommandStage
from tests.master.scheduling.engine import make_ledger

ANN = Person("ann", frozenset({"developer", "releaser", "admin"}))
STAGES = {
    "make": CommandStage(uses="command", argv=("true",)),
    "hand-over": CommandStage(uses="command", argv=("true",), needs=("make",), manual=True),
}


@pytest.fixture(scope="module")
def ledger():
    made = make_ledger()
    yield made
    made.dispose()


@pytest.fixture
def changed(ledger):
    """Do something in a transaction and return what its news are."""

    def work(do):
        with LedgerSession(ledger, actor="ann") as session:
            told = change_notifications.collect_changed_runs(session)
            do(session)
            session.commit()
        return told

    return work


def begin(session, project="demo"):
    commit = Commit("main", "a" * 40, "1.4.0", 1)
    return runs.start_run(session, project, commit, Cause("force", "ann", ""), 1.0)


def newest(session):
    found = session.query(runs.Run).order_by(runs.Run.id.desc()).first()
    return found, run_state.counting(found)


def test_a_run_and_all_that_belongs_to_it(changed):
    numbers = []

    def first(session):
        run = begin(session)
        runs.queue_ready(session, run, STAGES, 2.0)
        numbers.append(run.number)

    assert changed(first) == {"demo": set(numbers)}

    def ends(session):
        run, have = newest(session)
        row = have["make", ""]
        runs.begin(row, 1, "local", 3.0)
        row.artefacts.append(
            Artefact(name="a", sha256="0" * 64, size=1, media_type="text/plain", role="product")
        )
        runs.finish(row, StageState.PASSED, 4.0, 0)
        session.flush()
        runs.queue_ready(session, run, STAGES, 5.0)

    assert changed(ends) == {"demo": set(numbers)}

    def opens(session):
        _, have = newest(session)
        gate = gates.of_stage(session, have["hand-over", ""])
        gates.ask(session, gate, STAGES["hand-over"], ANN, gates.Request(gate.token), 6.0)

    assert changed(opens) == {"demo": set(numbers)}


def test_a_freeze_is_news_of_its_project_and_of_no_run(changed):
    assert changed(lambda session: freezes.freeze(session, "demo", ANN, "the fair", 1.0)) == {
        "demo": set()
    }
    assert changed(lambda session: freezes.thaw(session, "demo", ANN)) == {"demo": set()}


def test_reading_is_none(changed):
    assert changed(newest) == {}


def test_pages_are_told_which_runs():
    told = []

    class Queue:
        def produce(self, key, message):
            told.append((key, message))

    class Master:
        mq = Queue()

    change_notifications.notify_pages(Master, {"demo": {3, 1}, "other": set()})
    assert told == [
        (("slipway", "demo", "changed"), {"project": "demo", "runs": [1, 3]}),
        (("slipway", "other", "changed"), {"project": "other", "runs": []}),
    ]
