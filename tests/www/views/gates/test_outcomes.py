"""What a gate says of the stage it has let go: a deployment that failed shows on its gate."""

import pytest

from slipway.ledger import deployments, gates, run_state, runs
from slipway.ledger.tables.stated import write
from slipway.master.gates.finder import ByGate, GateFinder
from slipway.model.states import DeploymentState, GateState, StageState
from slipway.www.shapes.gates import GatesQuery
from slipway.www.views import environments
from slipway.www.views.gates import gate
from slipway.www.views.gates import gates as gate_list
from slipway.www.views.runs import run
from tests.www.conftest import ANN, PROJECT


def listed(book, **query):
    return gate_list._list(book.session, GatesQuery(**query), book.site, ANN).items


def deploy(book, state, exit_code):
    """Open the gate of a run and let its deployment end."""
    made = book.start()
    book.pass_all(made)
    row = run_state.counting(made)["staging", ""]
    gate = gates.of_stage(book.session, row)
    write(gate, GateState.OPENED)
    write(row, StageState.QUEUED)
    gate.person = row.owner = "ann"
    book.session.flush()
    (told,) = listed(book, id=gate.id, state=["all"])
    assert (told.outcome.state, told.outcome.deployment) == ("queued", None)
    runs.begin(row, 1, "local", book.now)
    (release,) = made.releases
    begun = deployments.begin(book.session, row, "staging", release, gate, book.now)
    (told,) = listed(book, id=gate.id, state=["all"])
    assert (told.outcome.state, told.outcome.deployment.state) == ("running", "running")
    row.summary = "what it said"
    deployments.finish(begun, DeploymentState(state), row.summary, {}, book.now + 5)
    runs.finish(row, StageState("failed" if exit_code else "passed"), book.now + 5, exit_code)
    runs.settle(made, PROJECT.stages, book.now + 5)
    book.session.flush()
    return made, gate


def test_a_gate_that_nobody_opened_has_no_outcome(book):
    book.pass_all(book.start())
    (gate,) = listed(book)
    assert (gate.state, gate.outcome, gate.run_state) == ("open", None, "waiting")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "code", "stage"),
    [("deployed", 0, "passed"), ("rolled-back", 1, "failed"), ("failed", 3, "failed")],
)
def test_how_the_deployment_went_is_told_everywhere(book, state, code, stage):
    made, gate = deploy(book, state, code)
    assert listed(book) == []
    (told,) = listed(book, state=["opened"])
    assert (told.id, told.state, told.run_state) == (gate.id, "opened", stage)
    outcome = told.outcome
    assert (outcome.state, outcome.exit_code, outcome.summary) == (stage, code, "what it said")
    assert (outcome.deployment.state, outcome.deployment.message) == (state, "what it said")
    whole = run._show(book.session, book.outline, str(made.number), ANN)
    assert whole.stages[-1].gate.outcome == outcome
    assert [one.state for one in whole.deployments] == [state]
    (place,) = environments._list(book.session, book.site, ANN).items
    assert place.history[0].state == state


@pytest.mark.slow
def test_one_gate_alone_can_be_asked_for(book):
    for _ in range(3):
        book.pass_all(book.start())
    assert [one.id for one in listed(book, id=2)] == [2]
    assert listed(book, id=9) == []


@pytest.mark.slow
def test_a_decided_gate_names_what_ran_there_then(book):
    finder = GateFinder("almanac")
    finder.reconfigure(PROJECT)

    def replaces(number):
        found = gate._find(book.session, finder, ByGate(number), book.site, ANN).replaces
        return found and found.run

    _, first = deploy(book, "deployed", 0)
    _, second = deploy(book, "deployed", 0)
    made = book.start()
    book.pass_all(made)
    refused = gates.of_stage(book.session, run_state.counting(made)["staging", ""])
    assert replaces(refused.id) == 2
    stage = PROJECT.stages["staging"]
    gates.close(book.session, refused, stage, GateState.CANCELLED, "cancelled by ann", book.now)
    deploy(book, "deployed", 0)
    told = [replaces(one.id) for one in (first, second, refused)]
    assert told == [None, 1, 2]
    (listed_one,) = listed(book, state=["cancelled"])
    assert (listed_one.id, listed_one.run_state) == (refused.id, made.state)
