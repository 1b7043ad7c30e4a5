"""Channels and blocks: a pointer that moves, and a release that nothing deploys or offers."""

import pytest
from sqlalchemy import select

from slipway.ledger import gate_context, gate_openings, gates, retention
from slipway.ledger.audit.recording import AuditRow
from slipway.ledger.gate_requests import Request
from slipway.ledger.releases import blocks, channels
from slipway.ledger.tables.runs import Release
from slipway.model.access import Person, held
from slipway.model.errors import Forbidden, WrongInput
from slipway.model.site import Project

from .conftest import Walk

ANN = Person("ann", held(["developer"]))
BOB = Person("bob", held(["releaser"]))
ADA = Person("ada", held(["admin"]))
ORDER = ("beta", "stable", "lts")
PROJECT = Project.model_validate(
    {
        "repository": "source",
        "environments": {"staging": {"deployer": {"kind": "command", "argv": ["true"]}}},
        "stages": {
            "publish": {"uses": "publish", "needs": []},
            "staging": {
                "uses": "deploy", "environment": "staging", "needs": ["publish"], "manual": True,
                "approvals": 1,
                "parameters": [{"name": "version", "type": "release"}],
            },
        },
    }
)  # fmt: skip


@pytest.fixture
def make(session, start):
    """Return a maker of runs that have published, and wait at the gate of staging."""

    def begin():
        going = Walk(session, PROJECT.stages, start(trigger="force"))
        going.advance()
        run = going.run
        made = Release(
            run=run, version=run.version, place=f"/{run.number}", manifest_sha256="0" * 64,
            published_at=1.0, artefacts=[],
        )  # fmt: skip
        session.add(made)
        going.end("publish")
        return going, made

    return begin


def open_gate(session, going, person=ANN, **values):
    gate = going.gate("staging")
    gates.ask(session, gate, PROJECT.stages["staging"], person, Request(gate.token, values), 9.0)
    return gate


def actions(session, entity):
    session.flush()
    query = select(AuditRow).where(AuditRow.entity == entity).order_by(AuditRow.id)
    return [(row.action, row.summary, row.old, row.new) for row in session.scalars(query)]


def pointed(session, channel):
    found = channels.standing(session, "almanac", channel)
    return found.release.version if found else None


def test_a_channel_points_at_what_was_moved_there_last(session, make):
    (_, one), (_, two) = make(), make()
    assert pointed(session, "beta") is None
    assert channels.move(session, one, "beta", 1.0)
    assert channels.move(session, two, "beta", 2.0)
    assert not channels.move(session, two, "beta", 3.0)
    assert pointed(session, "beta") == two.version
    assert channels.of_releases(session, "almanac") == {two.version: ["beta"]}
    assert channels.promote(session, one, "beta", ORDER, 4.0, "bob", "the newer one is slow")
    assert pointed(session, "beta") == one.version
    moves = channels.list_moves(session, "almanac")["beta"]
    assert [move.release.version for move in moves] == [one.version, two.version, one.version]
    done = actions(session, "channel")
    assert [action for action, *_ in done] == ["insert"] * 3
    assert done[-1][1] == f"beta of almanac: {one.version}"
    assert done[-1][3]["reason"] == "the newer one is slow"


def test_a_release_goes_from_channel_to_channel(session, make):
    _, one = make()
    with pytest.raises(WrongInput, match='no channel "nightly"; it has beta, stable, lts'):
        channels.promote(session, one, "nightly", ORDER, 1.0)
    with pytest.raises(WrongInput, match="has not been in beta: promote it there first"):
        channels.promote(session, one, "stable", ORDER, 1.0)
    channels.promote(session, one, "beta", ORDER, 1.0)
    assert channels.promote(session, one, "stable", ORDER, 2.0)
    assert not channels.promote(session, one, "stable", ORDER, 3.0)
    assert channels.of_releases(session, "almanac") == {one.version: ["beta", "stable"]}
    with pytest.raises(WrongInput, match=r"write channels = \[\.\.\.\] into its publish stage"):
        channels.promote(session, one, "beta", (), 1.0)


def test_a_channel_falls_back_from_what_is_blocked_and_returns(session, make):
    (_, one), (_, two) = make(), make()
    channels.move(session, one, "stable", 1.0)
    channels.move(session, two, "stable", 2.0)
    blocks.block(session, two, BOB, "It loses data.", 3.0)
    assert pointed(session, "stable") == one.version
    blocks.block(session, one, BOB, "So does it.", 3.0)
    assert pointed(session, "stable") is None
    assert channels.of_releases(session, "almanac") == {}
    with pytest.raises(WrongInput, match="is blocked by bob: So does it"):
        channels.promote(session, one, "beta", ORDER, 4.0)
    blocks.unblock(session, two, ADA)
    assert pointed(session, "stable") == two.version


def test_who_may(session, make):
    _, one = make()
    for person in (ANN, Person("")):
        with pytest.raises(Forbidden):
            blocks.block(session, one, person, "no", 1.0)
        with pytest.raises(Forbidden):
            channels.permit(person)
    channels.permit(BOB)
    blocks.block(session, one, BOB, " It loses data. ", 1.0)
    with pytest.raises(WrongInput, match="is blocked already by bob: It loses data"):
        blocks.block(session, one, ADA, "again", 2.0)
    # Who blocks in a hurry does not undo it: that is another right.
    with pytest.raises(Forbidden, match='you need to have role "admin"'):
        blocks.unblock(session, one, BOB)
    blocks.unblock(session, one, ADA)
    with pytest.raises(WrongInput, match="is not blocked"):
        blocks.unblock(session, one, ADA)
    assert [action for action, *_ in actions(session, "block")] == ["insert", "delete"]
    assert actions(session, "block")[1][2]["reason"] == "It loses data."


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 1001])
def test_a_block_has_a_reason(session, make, reason):
    _, one = make()
    with pytest.raises(WrongInput, match="say why release"):
        blocks.block(session, one, BOB, reason, 1.0)


def test_a_gate_refuses_what_is_blocked(session, make):
    (_, older), (going, one) = make(), make()
    blocks.block(session, one, BOB, "It loses data.", 1.0)
    with pytest.raises(WrongInput, match="is blocked by bob: It loses data"):
        open_gate(session, going)
    # Another may be named at the gate, if it is not blocked itself.
    blocks.block(session, older, BOB, "It is old.", 1.0)
    with pytest.raises(WrongInput, match="It is old"):
        open_gate(session, going, version=older.version)
    choices = gate_context.deployable(session, "almanac", "staging", PROJECT)
    assert choices == ()
    blocks.unblock(session, older, ADA)
    choices = gate_context.deployable(session, "almanac", "staging", PROJECT)
    assert [one.value for one in choices] == [older.version]
    assert open_gate(session, going, version=older.version).state == "asked"


def test_an_approval_is_refused_and_what_is_approved_waits(session, make):
    going, one = make()
    gate, stage = open_gate(session, going), PROJECT.stages["staging"]
    blocks.block(session, one, BOB, "It loses data.", 1.0)
    with pytest.raises(WrongInput, match="is blocked by bob"):
        gates.approve(
            session, gate, stage, Person("cleo", held(["developer"])), gate.asking, "", 9.0
        )
    blocks.unblock(session, one, ADA)
    gates.approve(session, gate, stage, Person("cleo", held(["developer"])), gate.asking, "", 9.0)
    blocks.block(session, one, BOB, "It loses data.", 1.0)
    assert gates.queue_approved(session, gate, stage, 10.0) is None
    blocks.unblock(session, one, ADA)
    assert gates.queue_approved(session, gate, stage, 10.0) is not None


def test_a_blocked_release_is_not_brought_back(session, make):
    going, one = make()
    blocks.block(session, one, BOB, "It loses data.", 1.0)
    with pytest.raises(WrongInput, match="is blocked by bob"):
        gate_openings.back(session, "almanac", PROJECT, going.run.number, "staging")


def test_what_a_channel_points_at_or_is_blocked_is_kept(session, make):
    releases = [make()[1] for _ in range(5)]
    for one in releases[:3]:
        channels.move(session, one, "stable", 1.0)
    blocks.block(session, releases[3], BOB, "It loses data.", 1.0)
    kept = channels.kept(session, "almanac")
    assert kept == {
        releases[1].run_id: "the channel stable pointed at it before",
        releases[2].run_id: "the channel stable points at it",
        releases[3].run_id: "it is blocked",
    }
    for run_id, why in kept.items():
        assert retention._protected(session, "almanac")[run_id]
        assert why
