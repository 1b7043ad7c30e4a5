"""A test is told of when it becomes flaky, once for a branch, and not when it only fails."""

import pytest

from slipway.ledger import run_state, runs
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.outbox.collecting import add
from slipway.ledger.outbox.describing import describe
from slipway.ledger.outbox.flaky import newly_flaky
from slipway.ledger.outbox.queue import Undescribed
from slipway.model.notices.details import MOST_TESTS
from slipway.model.states import StageState
from tests.support.kept_tests import keep
from tests.support.ledgers import make_ledger


@pytest.fixture
def engine(url):
    made = make_ledger(url, buildbot=True)
    yield made
    made.dispose()


@pytest.fixture
def look(session):
    """Return what asks for what is new, and writes it down as the watch does."""
    seen = [0.0, 0]

    def again():
        found, *seen[:] = newly_flaky(session, *seen)
        add(session, found)
        session.commit()
        return found

    return again


@pytest.fixture
def tested(walk, start, session, make_stages):
    """Return what runs the tests once: by name their status; in a run that is given, again."""

    def make(results, made=None, branch="main", state="passed"):
        if made is None:
            made = walk(tests=())
            made.run = start(branch=branch, trigger="force")
            made.advance()
        else:
            made.retry("tests")
        result = run_state.counting(made.run)["tests", ""]
        made.now = max(made.now, make.now) + 1
        make.now = made.now
        runs.begin(result, 1, "local", made.now)
        keep(session, made.run, {name: (one, "", 0.1) for name, one in results.items()}, cell="")
        runs.finish(result, StageState(state), made.now, 0 if state == "passed" else 1)
        session.commit()
        return made

    make.now = 1000.0
    return make


def names(found):
    return [one.facts["named"] for one in found]


def test_a_test_that_passed_only_when_it_was_retried_is_told_once(tested, look):
    tested({"a": "flaky", "b": "passed"})
    assert names(look()) == [["a"]]
    assert look() == []
    tested({"a": "flaky", "b": "passed"})
    assert look() == []
    tested({"a": "flaky", "b": "flaky"})
    assert names(look()) == [["b"]]


def test_another_branch_is_told_for_itself(tested, look):
    tested({"a": "flaky"})
    tested({"a": "flaky"}, branch="topic")
    assert names(look()) == [["a"], ["a"]]


def test_failed_and_passed_at_one_commit_is_flaky_and_of_two_commits_is_not(tested, look):
    tested({"a": "failed", "b": "passed"}, state="failed")
    tested({"a": "passed", "b": "passed"})
    assert look() == []
    made = tested({"a": "failed", "b": "error", "c": "failed"}, state="failed")
    assert look() == []
    tested({"a": "passed", "b": "passed", "c": "skipped"}, made)
    assert names(look()) == [["a", "b"]]
    made = tested({"a": "failed"}, state="failed")
    tested({"a": "passed"}, made)
    assert look() == []


def test_what_was_flaky_before_anybody_was_told_is_not_new(tested, look, session):
    tested({"a": "flaky"})
    newest = tested({"a": "flaky"})
    ended = run_state.counting(newest.run)["tests", ""].finished_at
    assert newly_flaky(session, ended - 0.5, 0)[0] == []


def test_a_notice_has_a_bounded_list_and_says_how_many_there_are(tested, look, session):
    made = tested({f"t{number:03}": "flaky" for number in range(120)})
    (one,) = look()
    assert one.facts["tests_failed"] == 120
    assert one.facts["text"] == "t000 and 119 more failed and passed at one commit"
    undescribed = Undescribed(1, one.key, one.event, one.project, one.at, one.facts)
    described = describe(session, undescribed, "http://localhost/")
    assert len(described.fields["tests"]) == MOST_TESTS
    assert described.fields["thread"] == f"run-{made.run.id}"
    assert described.blame == (None, made.run.revision)


def test_a_restart_looks_at_the_same_attempts_and_tells_nothing_twice(tested, look, engine):
    tested({"a": "flaky"})
    assert len(look()) == 1
    with LedgerSession(engine) as session:
        assert newly_flaky(session, 0.0, 0)[0] == []
