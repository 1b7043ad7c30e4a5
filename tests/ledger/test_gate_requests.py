"""What is asked of a gate has a name of its own: nobody approves what they have not seen."""

import pytest
from sqlalchemy import select

from slipway.ledger import gate_requests, gates
from slipway.ledger.gate_requests import Request
from slipway.ledger.tables.gates import Asking
from slipway.model.access import Person, held
from slipway.model.errors import Forbidden, WrongInput
from slipway.scripts.stages.command.stage import CommandStage

from .conftest import Walk

ANN = Person("ann", held(["developer"]))
BOB = Person("bob", held(["developer"]))
CLEO = Person("cleo", held(["developer"]))
EVE = Person("eve", held(["viewer"]))
KEYS = {"uses": "command", "argv": ["true"], "manual": True}


@pytest.fixture
def gate(session, start):
    """Return a maker of gates that wait for approvals: keys of the stage."""

    def make(**keys):
        stage = CommandStage.model_validate({**KEYS, "approvals": 2, **keys})
        going = Walk(session, {"hand": stage}, start(trigger="force"))
        going.advance()
        return going, going.gate("hand"), stage

    return make


def ask(going, gate, stage, person=ANN, token=None, secret_names=(), **values):
    request = Request(token or gate.token, values, secret_names, "please")
    return gates.ask(going.session, gate, stage, person, request, going.now)


def approve(going, gate, stage, person, asking):
    gates.approve(going.session, gate, stage, person, asking, "", going.now)


def test_what_was_shown_is_what_is_approved(gate):
    going, one, stage = gate(approvals=1)
    ask(going, one, stage, m="harmless")
    seen = one.asking
    assert ask(going, one, stage, token=one.asking, m="DESTROY", n=True)
    assert (one.values, one.state) == ({"m": "DESTROY", "n": True}, "asked")
    told = r'ann has asked anew since you looked: m: "harmless" -> "DESTROY"; n: no answer -> true;'
    with pytest.raises(WrongInput, match=told):
        approve(going, one, stage, BOB, seen)
    assert one.approvals == []
    approve(going, one, stage, BOB, one.asking)
    assert (one.state, one.approvals[0].asking) == ("approved", one.asking)


def test_what_was_approved_before_is_void_when_it_is_asked_anew(gate):
    going, one, stage = gate()
    ask(going, one, stage, m="harmless")
    approve(going, one, stage, BOB, one.asking)
    ask(going, one, stage, CLEO, token=one.asking, m="other")
    assert (one.person, one.approvals) == ("cleo", [])
    with pytest.raises(Forbidden, match="cleo asked for it"):
        approve(going, one, stage, CLEO, one.asking)
    approve(going, one, stage, BOB, one.asking)
    approve(going, one, stage, ANN, one.asking)
    assert one.state == "approved"


def test_who_asks_anew_counts_anew(gate):
    going, one, stage = gate(**{"requester-counts": True})
    ask(going, one, stage, m="a")
    ask(going, one, stage, token=one.asking, m="b")
    assert [(said.person, said.asking) for said in one.approvals] == [("ann", one.asking)]


def test_the_same_answers_asked_anew_are_another_asking(gate):
    going, one, stage = gate()
    ask(going, one, stage, m="a")
    seen = one.asking
    ask(going, one, stage, token=seen, m="a")
    assert one.asking != seen
    with pytest.raises(WrongInput, match="the answers are the same"):
        approve(going, one, stage, BOB, seen)


def test_of_secrets_the_names_alone_are_told(gate):
    going, one, stage = gate()
    ask(going, one, stage, secret_names=("key", "old"))
    seen = one.asking
    ask(going, one, stage, token=seen, secret_names=("key", "new"))
    with pytest.raises(WrongInput) as refused:
        approve(going, one, stage, BOB, seen)
    for told in ("key was given anew", "new is given now", "old is no longer given"):
        assert f"the secret {told}" in str(refused.value)


def test_what_was_lost_is_no_longer_asked(gate):
    going, one, stage = gate()
    ask(going, one, stage, m="a")
    seen, shown = one.asking, one.token
    gates.reopen(going.session, one, "its secrets are lost", going.now)
    assert (one.state, one.asking, one.comment) == ("open", "", "its secrets are lost")
    assert one.token != shown
    with pytest.raises(WrongInput, match="what you saw is no longer asked: its secrets are lost"):
        approve(going, one, stage, BOB, seen)
    with pytest.raises(WrongInput, match="the token is of another attempt"):
        ask(going, one, stage, token=shown, m="a")
    ask(going, one, stage, m="b")
    with pytest.raises(WrongInput, match='m: "a" -> "b"'):
        approve(going, one, stage, BOB, seen)


def test_what_was_approved_is_void_when_it_is_lost(gate):
    going, one, stage = gate()
    ask(going, one, stage, m="a")
    approve(going, one, stage, BOB, one.asking)
    gates.reopen(going.session, one, "its secrets are lost", going.now)
    going.session.commit()
    ask(going, one, stage, m="a")
    assert one.approvals == []


@pytest.mark.parametrize("asking", ["", "made up"])
def test_what_was_never_asked_is_approved_by_nobody(gate, asking):
    going, one, stage = gate()
    with pytest.raises(WrongInput, match="nobody has asked for it yet"):
        approve(going, one, stage, BOB, asking)
    ask(going, one, stage)
    with pytest.raises(WrongInput, match="what you saw was never asked of this gate"):
        approve(going, one, stage, BOB, asking)


def test_an_asking_of_another_gate_approves_nothing(gate):
    going, one, stage = gate()
    ask(going, one, stage)
    other, two, _ = gate()
    ask(other, two, stage)
    with pytest.raises(WrongInput, match="never asked of this gate"):
        approve(going, one, stage, BOB, two.asking)


def test_a_second_click_with_other_answers_is_told_so(gate):
    going, one, stage = gate()
    shown = one.token
    assert ask(going, one, stage, token=shown, m="a", n=1)
    assert not ask(going, one, stage, token=shown, m="a", n=1)
    with pytest.raises(WrongInput, match=r'asked for by ann .*other answers: m: "a" -> "b"'):
        ask(going, one, stage, token=shown, m="b")
    assert one.values == {"m": "a", "n": 1}


def test_only_what_is_not_approved_can_be_asked_anew(gate):
    going, one, stage = gate(approvals=1)
    ask(going, one, stage, m="a")
    with pytest.raises(Forbidden, match='need to have role "developer"'):
        ask(going, one, stage, EVE, token=one.asking, m="b")
    approve(going, one, stage, BOB, one.asking)
    with pytest.raises(WrongInput, match="has been asked for by ann and approved"):
        ask(going, one, stage, token=one.asking, m="b")
    assert one.values == {"m": "a"}


def test_a_name_tells_nothing_of_a_secret_and_is_never_the_same(gate):
    going, one, stage = gate()
    seen = set()
    for _ in range(20):
        ask(going, one, stage, token=one.asking or one.token, secret_names=("key",), m="a")
        seen.add(one.asking)
    assert len(seen) == 20
    kept = going.session.scalars(select(Asking.name).where(Asking.gate_id == one.id)).all()
    assert set(kept) == seen


def test_a_long_answer_is_told_short(gate):
    going, one, stage = gate()
    ask(going, one, stage, m="a" * 5000)
    seen = one.asking
    ask(going, one, stage, token=seen, m="b" * 5000)
    with pytest.raises(WrongInput) as refused:
        approve(going, one, stage, BOB, seen)
    assert len(str(refused.value)) < 500


def test_true_is_not_one():
    assert list(gate_requests.differences({"a": True}, {"a": 1})) == ["a: true -> 1"]


# ---- the end of its time


def test_an_expired_gate_opens_to_nobody(gate):
    going, one, stage = gate(expires="4s")
    ask(going, one, stage, m="a")
    going.now = one.expires_at
    with pytest.raises(WrongInput, match="has expired; run the stage again"):
        approve(going, one, stage, BOB, one.asking)
    with pytest.raises(WrongInput, match="has expired"):
        ask(going, one, stage, token=one.asking, m="b")
    assert one.values == {"m": "a"}


def test_an_expired_gate_that_nobody_has_closed_takes_no_answers(gate):
    going, one, stage = gate(expires="4s", approvals=0)
    going.now = one.expires_at + 16
    with pytest.raises(WrongInput, match="has expired"):
        ask(going, one, stage)
    assert one.state == "open"


def test_what_was_approved_in_time_and_waited_too_long_does_not_start(gate):
    going, one, stage = gate(expires="4s", approvals=0)
    ask(going, one, stage)
    assert one.state == "approved"
    assert gates.queue_approved(going.session, one, stage, one.expires_at) is None
    assert gates.queue_approved(going.session, one, stage, one.expires_at - 1).state == "queued"
