"""Tests of stages as Buildbot's tables have them: those that failed first, flaky, slow, history."""

import pytest
from buildbot.db.model import Model
from sqlalchemy import insert, select

from slipway.ledger import standing
from slipway.www.refusal import Refused
from slipway.www.shapes.runs import StageQuery
from slipway.www.shapes.tests import HistoryQuery, TestsQuery
from slipway.www.views import cases, tests


def add(session, table, **keys):
    return session.execute(insert(table).values(**keys)).inserted_primary_key[0]


def id_of(session, table, **keys):
    conditions = [table.c[name] == value for name, value in keys.items()]
    known = session.scalar(select(table.c.id).where(*conditions))
    return known or add(session, table, **keys)


def request(session, builder):
    """Make a request as Buildbot does, whose tables are tied to each other."""
    buildset = add(session, Model.buildsets, submitted_at=1, complete=0)
    keys = {"buildsetid": buildset, "builderid": builder, "submitted_at": 1, "complete": 0}
    return add(session, Model.buildrequests, **keys)


def keep(book, run, results, cell="3.11"):
    """Write down tests as the stage's step does: name to (status, message, seconds)."""
    session = book.session
    row = standing.counting(run)["tests", cell]
    builder = id_of(
        session, Model.builders, name=f"demo.tests[{cell}]", name_hash=f"demo.tests[{cell}]"
    )
    row.request_id = request(session, builder)
    row.build_id = add(
        session,
        Model.builds,
        number=run.number,
        builderid=builder,
        buildrequestid=row.request_id,
        masterid=id_of(session, Model.masters, name="m", name_hash="m", active=1, last_active=1),
        started_at=1,
        state_string="",
        locks_duration_s=0,
    )
    told = {"number": 0, "name": "tests", "state_string": "", "urls_json": "[]", "hidden": 0}
    step = add(session, Model.steps, buildid=row.build_id, **told)
    common = {"builderid": builder, "buildid": row.build_id, "stepid": step, "complete": 1}
    all_of = add(
        session, Model.test_result_sets, category="pass_fail", value_unit="boolean", **common
    )
    told = add(
        session, Model.test_result_sets, category="fail_only", value_unit="message", **common
    )
    long = add(session, Model.test_result_sets, category="duration", value_unit="seconds", **common)
    for name, (status, message, seconds) in results.items():
        name_id = id_of(session, Model.test_names, builderid=builder, name=name)
        mine = {"builderid": builder, "test_nameid": name_id}
        value = "0" if status in {"failed", "error"} else "1"
        took = min(int(seconds * 1e9), 2**31 - 1)
        add(
            session,
            Model.test_results,
            test_result_setid=all_of,
            value=value,
            duration_ns=took,
            **mine,
        )
        if seconds > 2:
            value = f"{seconds:.6f}"
            add(session, Model.test_results, test_result_setid=long, value=value, **mine)
        if status != "passed":
            value = f"{status}\n{message}"
            add(session, Model.test_results, test_result_setid=told, value=value, **mine)
    session.flush()


@pytest.fixture
def three(book):
    """Return a ledger with three runs: `a` fails now, `b` failed once, `c` is slow."""
    for first, second in (("passed", "passed"), ("passed", "failed"), ("failed", "passed")):
        run = book.start()
        results = {
            "a": (first, "a is\nbad", 0.5),
            "b": (second, "b is bad", 0.25),
            "c": ("skipped", "not here", 3.0),
        }
        keep(book, run, results)
    return book


def test_the_tests_of_a_stage_failed_first(three):
    found = cases._list(three.session, three.outline, "latest", "tests", StageQuery())
    assert [(one.name, one.status) for one in found.items] == [
        ("a", "failed"),
        ("b", "passed"),
        ("c", "skipped"),
    ]
    assert (found.items[0].message, found.items[0].seconds) == ("a is\nbad", 0.5)
    assert found.counts == {"failed": 1, "passed": 1, "skipped": 1}


def test_a_stage_without_tests_has_none(three):
    found = cases._list(three.session, three.outline, "latest", "archive", StageQuery())
    assert (found.items, found.attempt) == ([], 0)


def test_an_unknown_stage_cell_or_attempt_is_told(three):
    for stage, query in (("nothing", {}), ("tests", {"cell": "2.7"}), ("tests", {"attempt": 9})):
        with pytest.raises(Refused) as refused:
            cases._list(three.session, three.outline, "1", stage, StageQuery(**query))
        assert refused.value.status == 404


def test_failing_now_flaky_and_slowest(three):
    found = tests._show(three.session, TestsQuery())
    (failing,), (flaky,) = found.failing, found.flaky
    assert (failing.name, failing.run, failing.failed, failing.of) == ("a", 3, 1, 3)
    assert failing.message == "a is\nbad"
    assert (flaky.name, flaky.run, flaky.failed, flaky.of) == ("b", 2, 1, 3)
    slowest = [(one.name, one.seconds) for one in found.slowest]
    assert slowest == [("c", 3.0), ("a", 0.5), ("b", 0.25)]
    assert tests._show(three.session, TestsQuery(project="other")).slowest == []


def test_the_history_of_one_test(three):
    query = HistoryQuery(project="demo", stage="tests", cell="3.11", name="b")
    found = tests._history(three.session, query)
    assert [(one.run, one.status) for one in found.items] == [
        (3, "passed"),
        (2, "failed"),
        (1, "passed"),
    ]
    assert found.items[1].message == "b is bad"
    with pytest.raises(Refused):
        tests._history(three.session, query.model_copy(update={"name": "nobody"}))
