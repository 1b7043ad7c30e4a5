"""States and transitions: what is legal, and that what has ended stays as it ended."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.model import states
from slipway.model.notices.delivery import DeliveryState
from slipway.model.run_state import WEIGHT
from slipway.model.states import (
    FIRST,
    LEGAL,
    DeploymentState,
    GateState,
    IllegalTransition,
    PublicationState,
    RunState,
    ShownState,
    StageState,
)

KINDS = (RunState, StageState, GateState, DeploymentState, PublicationState, DeliveryState)
#: What nothing comes out of any more; a run may be taken up again by a person.
FINAL = {
    *(StageState.PASSED, StageState.FAILED, StageState.CANCELLED),
    *(StageState.SKIPPED, StageState.REJECTED, StageState.EXPIRED, StageState.UNCHANGED),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_table_and_no_other_kind_is_in_it(kind):
    table = LEGAL[kind]
    assert {type(one) for one in itertools.chain(table, *table.values())} == {kind}
    assert {type(one) for one in FIRST[kind]} == {kind}


@pytest.mark.parametrize("kind", KINDS)
def test_every_state_can_be_reached_and_left_or_is_final(kind):
    reached = set(FIRST[kind])
    for _ in kind:
        reached |= {to for one in reached for to in LEGAL[kind].get(one, ())}
    assert reached == set(kind)


def test_an_attempt_a_gate_and_a_deployment_that_have_ended_stay_so():
    assert {one for one in StageState if not LEGAL[StageState].get(one)} == FINAL
    left = {one for one in GateState if LEGAL[GateState].get(one)}
    assert left == set(states.UNDECIDED)
    assert set(LEGAL[DeploymentState]) == {DeploymentState.RUNNING}


def test_a_run_that_has_ended_only_goes_on():
    for one in states.ENDED_RUN:
        assert LEGAL[RunState][one] == (RunState.RUNNING,)


@pytest.mark.slow
@given(st.data())
def test_no_sequence_of_legal_transitions_leaves_a_final_state(data):
    kind = data.draw(st.sampled_from(KINDS))
    state, ended = data.draw(st.sampled_from(FIRST[kind])), False
    for to in data.draw(st.lists(st.sampled_from(list(kind)), max_size=30)):
        if states.is_legal(state, to):
            assert not ended
            state = to
            ended = not LEGAL[kind].get(state)
        else:
            with pytest.raises(IllegalTransition):
                states.check(state, to, "it", "why")


def test_equal_texts_of_two_kinds_are_two_states():
    assert RunState.RUNNING == StageState.RUNNING
    assert not states.is_legal(RunState.RUNNING, StageState.PASSED)
    assert not states.is_legal(StageState.GATE, RunState.CANCELLED)


def test_the_sentence_of_an_illegal_transition():
    with pytest.raises(IllegalTransition) as refused:
        states.check(StageState.PASSED, StageState.QUEUED, "tests of run 7", "it is tried again")
    assert str(refused.value) == (
        "tests of run 7 is passed and cannot become queued (it is tried again): nothing of this "
        "was written. It is a defect of Slipway: report it"
    )


def test_the_weights_and_what_is_shown_name_every_state_of_an_attempt():
    assert set(WEIGHT) == set(StageState)
    assert {*StageState} < {*ShownState}
    assert {*ShownState} - {*StageState} == {ShownState.WAITING, ShownState.NOT_RUN}


def test_a_rejected_expired_or_cancelled_gate_has_an_attempt_of_the_same_state():
    assert [StageState(one) for one in states.REFUSED] == [*states.CLOSED]
