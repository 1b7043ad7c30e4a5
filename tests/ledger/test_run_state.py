"""The forms of a graph: cells, skips, what runs on failure, what may fail, tries, from here."""

import pytest

from slipway.ledger import gates, run_state, runs
from slipway.ledger.tables.runs import Run
from slipway.ledger.tables.stated import write
from slipway.model import run_state as rules
from slipway.model.states import RunState
from slipway.scripts.stages.command.stage import CommandStage

from .conftest import Walk


@pytest.fixture
def graph(session, start):
    """Return a starter of walks: name = the keys of a command stage."""

    def begin(skips=None, **stages):
        made = {
            name: CommandStage.model_validate({"uses": "command", "argv": ["true"], **keys})
            for name, keys in stages.items()
        }
        run = start(trigger="force")
        run.skips = skips or {}
        return Walk(session, made, run)

    return begin


def test_each_cell_is_tried_and_all_must_pass(graph):
    going = graph(a={"matrix": {"python": ["3.11", "3.12"]}}, b={"needs": ["a"]})
    assert going.advance() == (["a"], "running")
    assert going.states == {"a[3.11]": "queued", "a[3.12]": "queued"}
    assert going.end("a", cell="3.11") == ([], "running")
    assert going.end("a", cell="3.12") == (["b"], "running")


def test_shards_are_cells(graph):
    going = graph(a={"shards": 3})
    going.advance()
    assert list(going.states) == ["a[1of3]", "a[2of3]", "a[3of3]"]


def test_one_failed_cell_fails_the_stage_and_is_tried_alone(graph):
    going = graph(a={"shards": 2}, b={"needs": ["a"]})
    going.advance()
    going.end("a", cell="1of2")
    assert going.end("a", "failed", cell="2of2") == ([], "failed")
    assert rules.state_of(run_state.counting(going.run), "a") == "failed"
    going.retry("a", cell="2of2")
    assert going.end("a", cell="2of2") == (["b"], "running")


def test_inputs_come_from_every_cell(graph):
    going = graph(a={"shards": 2}, b={"needs": ["a"]})
    going.advance()
    going.end("a", cell="1of2", artefacts=[("one", "product")])
    going.end("a", cell="2of2", artefacts=[("two", "product")])
    found = run_state.inputs(going.run, going.stages["b"])
    assert [(result.cell, one.name) for result, one in found] == [("1of2", "one"), ("2of2", "two")]


def test_reports_are_those_of_the_attempts_that_count(graph):
    going = graph(a={}, b={"needs": ["a"]})
    going.advance()
    assert run_state.reports(going.run, "command") == []
    going.end("a", artefacts=[("one", "product"), ("old.html", "report")])
    going.end("b", artefacts=[("b.html", "report")])
    found = run_state.reports(going.run, "command")
    assert [(result.name, one.name) for result, one in found] == [
        ("a", "old.html"),
        ("b", "b.html"),
    ]
    runs.outdate(going.session, going.run, "a", going.stages, going.now)
    going.retry("a")
    going.end("a", artefacts=[("new.html", "report")])
    found = run_state.reports(going.run, "command")
    assert [one.name for _, one in found] == ["new.html"]
    assert run_state.reports(going.run, "freeze") == []


def test_what_runs_on_failure_runs_on_failure_alone(graph):
    going = graph(a={}, clean={"on-failure": ["a"]}, b={"needs": ["a"]})
    going.advance()
    assert going.end("a", "failed") == (["clean"], "running")
    assert going.end("clean") == ([], "failed")


def test_what_runs_on_failure_does_not_hold_a_run_that_passes(graph):
    going = graph(a={}, clean={"on-failure": ["a"]})
    going.advance()
    assert going.end("a") == ([], "passed")
    assert "clean" not in going.states


def test_a_failure_that_is_allowed_stops_nothing(graph):
    going = graph(a={"allow-failure": True}, b={"needs": ["a"]})
    going.advance()
    assert going.end("a", "failed") == (["b"], "running")
    assert going.end("b") == ([], "passed")
    assert going.states["a"] == "failed"


def test_a_cancelled_stage_is_no_allowed_failure(graph):
    going = graph(a={"allow-failure": True}, b={"needs": ["a"]})
    going.advance()
    assert going.end("a", "cancelled") == ([], "cancelled")


def test_a_skipped_stage_counts_as_passed_and_stands_for_an_earlier_one(graph, session):
    first = graph(a={}, b={"needs": ["a"]})
    first.advance()
    first.end("a", artefacts=[("a.zip", "product")])
    why = "nothing in docs/** changed since run 1"
    second = graph({"a": {"why": why, "run": 1}}, a={}, b={"needs": ["a"]})
    assert second.advance() == (["a", "b"], "running")
    skipped = run_state.counting(second.run)["a", ""]
    assert (skipped.state, skipped.summary) == ("skipped", why)
    (found,) = run_state.inputs(second.run, second.stages["b"])
    assert found[1].name == "a.zip"
    assert second.end("b") == ([], "passed")


def test_a_superseded_run_begins_nothing_more(graph):
    going = graph(a={}, b={"needs": ["a"]})
    going.advance()
    going.run.superseded_by = 9
    assert going.end("a") == ([], "cancelled")
    going.retry("a")
    assert going.run.superseded_by is None
    assert going.end("a") == (["b"], "running")


def test_from_here_runs_what_waits_again(graph):
    going = graph(a={}, b={"needs": ["a"]}, c={"needs": ["b"]}, d={})
    going.advance()
    for name in ("a", "b", "c", "d"):
        going.end(name)
    assert going.run.state == "passed"
    runs.outdate(going.session, going.run, "a", going.stages, going.now)
    going.retry("a")
    assert going.states == {"a": "queued", "d": "passed"}
    assert going.end("a") == (["b"], "running")
    assert [one.attempt for one in going.run.stages if one.name == "b"] == [1, 2]


def test_from_here_waits_for_what_is_at_work(graph):
    going = graph(a={}, b={"needs": ["a"]})
    going.advance()
    going.end("a")
    with pytest.raises(ValueError, match="b of run 1 is queued; cancel it first"):
        runs.outdate(going.session, going.run, "a", going.stages, going.now)


def test_from_here_asks_its_gates_anew(graph):
    going = graph(a={}, hand={"needs": ["a"], "manual": True})
    going.advance()
    going.end("a")
    old, before = going.gate("hand"), going.run.stages[-1]
    runs.outdate(going.session, going.run, "a", going.stages, going.now)
    assert (old.state, old.ended_at) == ("cancelled", going.now)
    assert (before.state, before.stale, before.summary) == (
        "cancelled",
        True,
        "withdrawn: a is run again",
    )
    going.retry("a")
    going.end("a")
    assert going.gate("hand").id != old.id
    assert gates.of_stage(going.session, going.run.stages[-1]).state == "open"


def test_the_older_runs_of_a_branch_that_are_open(session, start):
    first, other, passed = start(trigger="force"), start("almanac", branch="next"), start("other")
    write(passed, RunState.PASSED)
    newest = start(trigger="force")
    assert runs.older_open(session, newest) == [first]
    assert session.get(Run, other.id).state == "running"


def test_where_each_stage_passed_last(graph, session):
    going = graph(a={}, b={})
    going.advance()
    going.end("a")
    going.end("b", "failed")
    found = runs.last_passed(session, "almanac", "main", ["a", "b", "c"])
    assert found == {"a": (1, "a" * 40)}
