"""What views show of a ledger."""

import pytest

from slipway.model.access import Person, held
from slipway.www.api.http_errors import Refused
from slipway.www.shapes.gates import GatesQuery
from slipway.www.shapes.runs import ReleasesQuery, RunsQuery
from slipway.www.views import environments, releases
from slipway.www.views.gates import gates
from slipway.www.views.runs import run, runs
from tests.www.conftest import ANN


def listed(book, **query):
    return runs._list(book.session, RunsQuery(**query), book.site)


def chips(book, number=None):
    rows = {row.number: row for row in listed(book).items}
    row = rows[number] if number else listed(book).items[0]
    return {chip.name: chip for chip in row.stages}


def shown(book, number="latest", person=ANN):
    return run._show(book.session, book.outline, number, person)


@pytest.mark.slow
def test_chips_stand_in_the_graphs_order_and_count_cells(book):
    made = book.start()
    book.end(made, "tests", cell="3.11")
    found = chips(book)
    assert list(found) == ["tests", "docs", "archive", "publish", "staging"]
    assert found["tests"].state == "queued"
    assert found["tests"].cells == {"passed": 1, "queued": 1}
    assert [chip.level for chip in found.values()] == [0, 0, 1, 2, 3]
    assert found["archive"].state == "waiting"


@pytest.mark.slow
def test_what_an_ended_run_never_reached_was_not_run(book):
    made = book.start()
    book.end(made, "tests", "failed", cell="3.11")
    book.end(made, "tests", cell="3.12")
    book.end(made, "docs")
    assert made.state == "failed"
    assert chips(book)["archive"].state == "not-run"


def test_a_stage_that_passed_when_tried_again_is_flaky(book):
    from slipway.ledger.runs import again

    made = book.start()
    first = book.end(made, "tests", "failed", cell="3.11")
    again(book.session, made, first, book.outline.project.stages["tests"], book.now, owner="bob")
    book.end(made, "tests", cell="3.11")
    book.end(made, "tests", cell="3.12")
    assert chips(book)["tests"].flaky
    assert chips(book)["tests"].attempts == 2


def test_a_machines_fault_makes_nothing_flaky(book):
    from slipway.ledger.runs import again

    made = book.start()
    first = book.end(made, "docs", "failed", exit_code=3)
    again(book.session, made, first, book.outline.project.stages["docs"], book.now, owner="bob")
    book.end(made, "docs")
    assert not chips(book)["docs"].flaky


def test_expected_is_the_median_of_what_passed(book):
    for seconds in (5.0, 7.0, 100.0):
        book.end(book.start(), "docs", seconds=seconds)
    book.start()
    assert chips(book)["docs"].expected == 7.0


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"branch": "next"}, [2]),
        ({"text": "100%_sure"}, [3]),
        ({"text": "%"}, [3]),
        ({"text": "bbbb"}, [2]),
        ({"person": "bob"}, [2]),
        ({"person": "carol@"}, [3]),
        ({"state": ["failed", "passed"]}, []),
        ({"before": 3}, [2, 1]),
    ],
)
def test_runs_are_filtered(book, query, numbers):
    book.start()
    book.start(branch="next", revision="b" * 40, owner="bob")
    book.start(subject="100%_sure", author="Carol <carol@example.org>")
    assert [one.number for one in listed(book, **query).items] == numbers


def test_paging_leaves_nothing_out_and_shows_nothing_twice(book):
    for _ in range(7):
        book.start()
    seen, before = [], None
    while True:
        part = listed(book, limit=3, before=before)
        seen += [one.number for one in part.items]
        before = part.next
        if before is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.slow
def test_a_run_with_its_gate_release_and_critical_path(book):
    made = book.start()
    book.pass_all(made)
    found = shown(book)
    assert found.critical_path == ["tests", "archive", "publish"]
    assert found.releases[0].artefacts[0].url.startswith("/plugins/slipway/api/artefacts/")
    gate = found.stages[-1].gate
    assert (gate.state, gate.ready, gate.environment) == ("open", True, "staging")
    assert gate.may.open
    assert not gate.may.approve
    assert [one.what for one in gate.waits_for] == ["person"]


def test_who_may_not_is_shown_no_button(book):
    book.pass_all(book.start())
    for person in (Person(""), Person("vera", held(["viewer"]))):
        gate = shown(book, person=person).stages[-1].gate
        assert set(gate.may.model_dump().values()) == {False}


def test_a_gate_waits_for_approvals_and_the_end_of_a_freeze(book):
    from slipway.ledger import freezes
    from slipway.ledger.gates import Request, ask

    made = book.start()
    book.pass_all(made)
    row = gates._list(book.session, GatesQuery(), book.site, ANN).items[0]
    stage = book.outline.project.stages["staging"]
    gate = book.session.scalars(gates.statement()).one()
    ask(book.session, gate, stage, ANN, Request(gate.token), book.now)
    freezes.freeze(book.session, "demo", Person("ada", held(["admin"])), "the fair", book.now)
    found = gates.show(book.session, row.id, book.site, ANN)
    assert [one.what for one in found.waits_for] == ["approval", "freeze"]
    assert found.waits_for[0].text.startswith("2 more people")
    assert not found.may.approve, "who asked may not approve"
    bob = Person("bob", held(["developer"]))
    assert gates.show(book.session, row.id, book.site, bob).may.approve


@pytest.mark.slow
def test_environments_tell_what_runs_there_and_what_was_before(book):
    for _ in range(3):
        book.pass_all(book.start(), deploy=True)
    (found,) = environments._list(book.session, book.site, ANN).items
    assert (found.state, found.current.run, found.current.previous.run) == ("idle", 3, 2)
    assert [one.run for one in found.earlier] == [2, 1]
    where = {one.run: one.deployed for one in releases._list(book.session, ReleasesQuery()).items}
    assert [one.environment for one in where[3]] == ["staging"]
    assert where[2] == []


def test_an_environment_nothing_was_brought_to_is_empty(book):
    (found,) = environments._list(book.session, book.site, ANN).items
    assert (found.state, found.current, found.history) == ("empty", None, [])


def test_an_unknown_run_is_told(book):
    with pytest.raises(Refused, match="demo has no run 7") as refused:
        shown(book, "7")
    assert refused.value.status == 404
