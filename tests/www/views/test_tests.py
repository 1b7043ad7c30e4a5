"""Tests of stages as Buildbot's tables have them: those that failed first, flaky, slow, history."""

import pytest
from sqlalchemy import event

from slipway.ledger.buildbot_index import index_tests
from slipway.www.api.http_errors import Refused
from slipway.www.shapes.tests import CasesQuery, HistoryQuery, TestsQuery
from slipway.www.views import test_cases, tests
from tests.support.kept_tests import keep


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
        keep(book.session, run, results)
    return book


@pytest.mark.slow
def test_the_tests_of_a_stage_failed_first(three):
    found = test_cases._list(three.session, three.outline, "latest", "tests", CasesQuery())
    assert [(one.name, one.status) for one in found.items] == [
        ("a", "failed"),
        ("b", "passed"),
        ("c", "skipped"),
    ]
    assert (found.items[0].message, found.items[0].seconds) == ("a is\nbad", 0.5)
    assert found.counts == {"failed": 1, "passed": 1, "skipped": 1}


def page(book, **query):
    found = test_cases._list(book.session, book.outline, "latest", "tests", CasesQuery(**query))
    return [one.name for one in found.items], found.next


@pytest.mark.slow
def test_the_tests_come_a_part_at_a_time(book):
    run = book.start()
    kinds = ("failed", "passed", "error", "passed", "skipped", "flaky")
    results = {f"t{n}": (kinds[n % 6], "why" * (n % 2), n) for n in range(60)}
    keep(book.session, run, results, cell="3.11")
    keep(book.session, run, {f"u{n}": one for n, one in enumerate(results.values())}, cell="3.12")
    order = ("failed", "error", "flaky", "passed", "skipped")
    expected = [
        f"{letter}{n}"
        for status in order
        for letter in "tu"
        for n in range(60)
        if kinds[n % 6] == status
    ]
    whole, following = page(book, limit=500)
    assert (whole, following) == (expected, None)
    for limit in (1, 7, 100):
        seen, after = [], 0
        while after is not None:
            names, after = page(book, limit=limit, after=after)
            assert len(names) <= limit
            seen += names
        assert seen == expected
    assert page(book, status="error", limit=3, after=1) == (["t8", "t14", "t20"], 4)
    assert page(book, cell="3.12", status="skipped", limit=10)[0][:2] == ["u4", "u10"]
    assert page(book, after=2**31 - 1) == ([], None)
    found = test_cases._list(
        book.session, book.outline, "latest", "tests", CasesQuery(status="flaky", limit=1)
    )
    assert found.counts == {"failed": 20, "error": 20, "flaky": 20, "passed": 40, "skipped": 20}
    assert (found.items[0].seconds, found.items[0].message) == (5.0, "why")


def test_a_part_of_many_cells_takes_no_more_statements_than_of_one(book, count):
    kinds = ("failed", "passed", "error", "skipped", "flaky", "quarantined")
    many = {f"t{n}": (kinds[n % 6], "", 3) for n in range(60)}
    told = []
    for results, all_cells in (({"a": ("passed", "", 3)}, ("3.11",)), (many, ("3.11", "3.12"))):
        run = book.start()
        for cell in all_cells:
            keep(book.session, run, results, cell=cell)
        book.session.commit()
        told.append(count(lambda session: list_all(session, book)))
    assert told[0] == told[1] <= 10


def list_all(session, book):
    return test_cases._list(session, book.outline, "latest", "tests", CasesQuery(limit=500))


def test_what_is_shown_of_100_000_results_is_found_by_indexes(book):
    keep(book.session, book.start(), {f"t{n}": ("failed", "why", 0.1) for n in range(50)})
    session = book.session
    index_tests(session.connection())
    said = []
    event.listen(session.bind, "before_cursor_execute", lambda *told: said.append(told[2:4]))
    test_cases._list(session, book.outline, "latest", "tests", CasesQuery())
    tests._show(session, TestsQuery())
    if session.bind.dialect.name == "sqlite":
        for statement, values in [one for one in said if "test_results" in one[0]]:
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            assert not [row[3] for row in plan if row[3].startswith("SCAN test_results")]


def test_a_build_in_which_everything_failed_makes_nothing_flaky(book, monkeypatch):
    monkeypatch.setattr(tests, "_MANY", 3)
    keep(book.session, book.start(), {f"t{n}": ("failed", "why", 0.1) for n in range(4)})
    keep(
        book.session,
        book.start(),
        {f"t{n}": ("failed" if n < 2 else "passed", "", 1) for n in range(4)},
    )
    keep(book.session, book.start(), {f"t{n}": ("passed", "", 0.1) for n in range(4)})
    found = tests._show(book.session, TestsQuery())
    assert [(one.name, one.failed) for one in found.flaky] == [("t0", 1), ("t1", 1)]


def test_what_a_commit_broke_and_another_mended_is_not_flaky(book):
    for letter, status in (("a", "passed"), ("b", "failed"), ("c", "passed")):
        keep(book.session, book.start(revision=letter * 40), {"t": (status, "why", 0.1)})
    assert tests._show(book.session, TestsQuery()).flaky == []


def test_only_what_ran_and_passed_makes_a_failure_flaky(book):
    for status in ("failed", "skipped", "quarantined"):
        keep(book.session, book.start(revision="b" * 40), {"t": (status, "why", 0.1)})
    keep(book.session, book.start(revision="c" * 40), {"t": ("passed", "", 0.1)})
    assert tests._show(book.session, TestsQuery()).flaky == []


def test_the_same_revision_on_another_python_makes_nothing_flaky(book):
    run = book.start()
    keep(book.session, run, {"t": ("failed", "why", 0.1)}, cell="3.11")
    keep(book.session, run, {"t": ("passed", "", 0.1)}, cell="3.12")
    assert tests._show(book.session, TestsQuery()).flaky == []


def test_what_passed_only_when_retried_is_flaky(book):
    keep(book.session, book.start(), {"t": ("flaky", "why", 0.1)})
    [found] = tests._show(book.session, TestsQuery()).flaky
    assert (found.name, found.failed, found.of) == ("t", 1, 1)


def test_of_very_many_failing_tests_some_are_shown(book):
    keep(book.session, book.start(), {f"t{n}": ("failed", "why", 0.1) for n in range(700)})
    found = tests._show(book.session, TestsQuery())
    assert [one.name for one in found.failing] == [f"t{n}" for n in range(100)]
    assert {one.failed for one in found.failing} == {1}
    assert found.flaky == []


def test_a_stage_without_tests_has_none(three):
    found = test_cases._list(three.session, three.outline, "latest", "archive", CasesQuery())
    assert (found.items, found.attempt) == ([], 0)


def test_an_unknown_stage_cell_or_attempt_is_told(three):
    for stage, query in (("nothing", {}), ("tests", {"cell": "2.7"}), ("tests", {"attempt": 9})):
        with pytest.raises(Refused) as refused:
            test_cases._list(three.session, three.outline, "1", stage, CasesQuery(**query))
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
