"""Gates: who may, how often, in which order, and what a second click does."""

import pytest

from slipway.ledger import freezes, gates
from slipway.ledger.gates import Request
from slipway.model.access import Person, held
from slipway.model.errors import Forbidden, WrongInput
from slipway.model.states import GateState
from slipway.scripts.stages.command.stage import CommandStage

from .conftest import Walk

ANN = Person("ann", held(["developer"]))
BOB = Person("bob", held(["developer"]))
EVE = Person("eve", held(["viewer"]))
ROOT = Person("root", held(["admin"]))
NOON_SATURDAY = 1_700_308_800.0  # 2023-11-18 12:00 UTC


@pytest.fixture
def gate(session, start):
    """Return a maker of gates that wait for a person: keys of the stage."""

    def make(**keys):
        stage = CommandStage.model_validate(
            {"uses": "command", "argv": ["true"], "manual": True, **keys}
        )
        going = Walk(session, {"hand": stage}, start(trigger="force"))
        going.now = NOON_SATURDAY
        going.advance()
        return going, going.gate("hand"), stage

    return make


def ask(going, gate, stage, person=ANN, token=None, now=None):
    request = Request(token or gate.token, {"reason": "because"}, (), "please")
    return gates.ask(going.session, gate, stage, person, request, now or going.now)


def approve(going, gate, stage, person, comment=""):
    gates.approve(going.session, gate, stage, person, gate.asking, comment, going.now)


def test_one_person_opens_a_gate_that_wants_no_approval(gate):
    going, one, stage = gate()
    assert ask(going, one, stage)
    assert (one.state, one.person, one.values) == ("approved", "ann", {"reason": "because"})
    result = gates.queue_approved(going.session, one, stage, going.now)
    assert (result.state, result.owner, one.state) == ("queued", "ann", "opened")
    assert gates.queue_approved(going.session, one, stage, going.now) is None


def test_a_second_click_is_the_same_request(gate):
    going, one, stage = gate()
    assert ask(going, one, stage)
    assert not ask(going, one, stage)
    gates.queue_approved(going.session, one, stage, going.now)
    assert not ask(going, one, stage)


def test_another_persons_click_comes_too_late(gate):
    going, one, stage = gate()
    ask(going, one, stage)
    with pytest.raises(WrongInput, match="hand of almanac run 1 has been asked for by ann"):
        ask(going, one, stage, BOB)


def test_a_token_of_another_attempt_opens_nothing(gate):
    going, one, stage = gate()
    with pytest.raises(WrongInput, match="the token is of another attempt"):
        ask(going, one, stage, token="stale")
    assert one.state == "open"


@pytest.mark.parametrize("person", [EVE, Person(""), Person("", frozenset({"developer"}))])
def test_who_may_not_is_told_which_role_it_takes(gate, person):
    going, one, stage = gate()
    with pytest.raises(Forbidden, match='need to have role "developer"'):
        ask(going, one, stage, person)
    assert one.state == "open"


def test_a_role_of_the_sites_own_and_the_admin(gate):
    going, one, stage = gate(allowed=["captains"])
    with pytest.raises(Forbidden, match='need to have role "captains"'):
        ask(going, one, stage, ANN)
    ask(going, one, stage, ROOT)
    assert one.state == "approved"


def test_others_approve_and_the_requester_does_not_count(gate):
    going, one, stage = gate(approvals=2)
    ask(going, one, stage)
    assert one.state == "asked"
    assert gates.queue_approved(going.session, one, stage, going.now) is None
    with pytest.raises(Forbidden, match="ann asked for it; another person must approve it"):
        approve(going, one, stage, ANN)
    approve(going, one, stage, BOB, "good")
    with pytest.raises(WrongInput, match="bob has approved it already"):
        approve(going, one, stage, BOB, "again")
    assert one.state == "asked"
    approve(going, one, stage, ROOT)
    assert one.state == "approved"
    with pytest.raises(WrongInput, match="has been asked for by ann and approved"):
        approve(going, one, stage, Person("zoe", held(["admin"])))


def test_the_requester_counts_where_that_is_written(gate):
    going, one, stage = gate(approvals=2, **{"requester-counts": True})
    ask(going, one, stage)
    assert [said.person for said in one.approvals] == ["ann"]
    approve(going, one, stage, BOB)
    assert one.state == "approved"


def test_nothing_asked_is_nothing_to_approve(gate):
    going, one, stage = gate(approvals=1)
    with pytest.raises(WrongInput, match="nobody has asked for it yet"):
        approve(going, one, stage, BOB)


def test_a_rejection_says_why_and_ends_it(gate):
    going, one, stage = gate(approvals=1)
    ask(going, one, stage)
    with pytest.raises(WrongInput, match="say why it is rejected"):
        gates.reject(going.session, one, stage, BOB, " ", going.now)
    gates.reject(going.session, one, stage, BOB, "not today", going.now)
    assert (one.state, going.states) == ("rejected", {"hand": "rejected"})
    assert going.advance() == ([], "cancelled")
    with pytest.raises(WrongInput, match="has been rejected; run the stage again"):
        ask(going, one, stage)


def test_each_attempt_has_a_gate_of_its_own(gate):
    going, one, stage = gate()
    gates.reject(going.session, one, stage, BOB, "no", going.now)
    going.retry("hand")
    again = going.gate("hand")
    assert again.id != one.id
    assert again.token != one.token
    assert again.state == "open"


def test_a_frozen_project_opens_no_gate(gate, session):
    going, one, stage = gate(approvals=1)
    with pytest.raises(Forbidden, match='need to have role "admin"'):
        freezes.freeze(session, "almanac", ANN, "fair", 1.0)
    with pytest.raises(WrongInput, match="say why"):
        freezes.freeze(session, "almanac", ROOT, " ", 1.0)
    freezes.freeze(session, "almanac", ROOT, "the fair is on", 1.0)
    with pytest.raises(WrongInput, match="almanac is frozen by root: the fair is on"):
        ask(going, one, stage)
    freezes.thaw(session, "almanac", ROOT)
    ask(going, one, stage)
    freezes.freeze(session, "almanac", ROOT, "again", 1.0)
    with pytest.raises(WrongInput, match="is frozen already by root"):
        freezes.freeze(session, "almanac", ROOT, "twice", 1.0)
    with pytest.raises(WrongInput, match="frozen"):
        approve(going, one, stage, BOB)


def test_what_was_approved_waits_for_the_thaw(gate, session):
    going, one, stage = gate()
    ask(going, one, stage)
    freezes.freeze(session, "almanac", ROOT, "fair", 1.0)
    assert gates.queue_approved(session, one, stage, going.now) is None
    freezes.thaw(session, "almanac", ROOT)
    assert gates.queue_approved(session, one, stage, going.now).state == "queued"


def test_what_is_approved_outside_its_window_waits_for_it(gate):
    going, one, stage = gate(window=[{"days": ["mon-fri"], "hours": "09:00-16:00"}])
    ask(going, one, stage)
    assert gates.queue_approved(going.session, one, stage, NOON_SATURDAY) is None
    due = gates.due_at(going.session, one, stage, NOON_SATURDAY)
    assert due == NOON_SATURDAY + (24 + 21) * 3600
    assert gates.queue_approved(going.session, one, stage, due).state == "queued"


def test_a_gate_expires_when_nobody_comes(gate):
    going, one, stage = gate(expires="2d")
    assert one.expires_at == pytest.approx(going.now + 2 * 86400)
    assert gates.due_at(going.session, one, stage, going.now) == one.expires_at
    gates.close(going.session, one, stage, GateState.EXPIRED, "nobody opened it in time", going.now)
    assert going.states == {"hand": "expired"}
    assert going.advance() == ([], "cancelled")


def test_a_gate_that_was_withdrawn_is_cancelled(gate):
    going, one, stage = gate()
    gates.close(going.session, one, stage, GateState.CANCELLED, "cancelled by ann", going.now)
    assert (one.state, going.states) == ("cancelled", {"hand": "cancelled"})
    assert going.advance() == ([], "cancelled")
    with pytest.raises(WrongInput, match="was cancelled; run the stage again to ask anew"):
        ask(going, one, stage)


def test_what_was_asked_for_early_is_the_gate_when_its_needs_have_passed(session, start):
    stages = {
        "a": CommandStage(uses="command", argv=("true",)),
        "hand": CommandStage(uses="command", argv=("true",), needs=("a",), manual=True),
    }
    going = Walk(session, stages, start(trigger="force"))
    going.advance()
    early = gates.make(session, going.run, "hand", stages["hand"], going.now)
    ask(going, early, stages["hand"])
    assert (early.state, early.stage_id) == ("approved", None)
    assert gates.queue_approved(session, early, stages["hand"], going.now) is None
    going.end("a")
    assert going.gate("hand").id == early.id
    assert gates.queue_approved(session, early, stages["hand"], going.now).state == "queued"


def test_a_gate_is_undecided_until_it_is(gate, session):
    going, one, stage = gate()
    assert gates.undecided(session, "almanac") == [one]
    assert gates.undecided(session, "other") == []
    ask(going, one, stage)
    gates.queue_approved(session, one, stage, going.now)
    assert gates.undecided(session, "almanac") == []
