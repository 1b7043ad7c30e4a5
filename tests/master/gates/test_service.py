"""The gate service on a real ledger: what one click reads, writes, dispatches and displays."""

import asyncio
import sys
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from slipway.git_mirror import Mirror
from slipway.ledger import gates, run_state, runs
from slipway.ledger.audit.recording import AuditRow
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.gates import Gate
from slipway.ledger.tables.runs import Base, StageResult
from slipway.master.gates import service
from slipway.master.gates.finder import ByGate, EarlyGate
from slipway.master.gates.given_secrets import GivenSecrets
from slipway.master.gates.requests import Asked
from slipway.master.gates.service import GateService
from slipway.master.releases import notes
from slipway.master.scheduling.run_transitions import RunTransitions
from slipway.model.access import Person, held
from slipway.model.answers import WrongAnswers
from slipway.model.commit import Cause, Commit
from slipway.model.errors import Forbidden, MissingTool, WrongInput
from slipway.model.site import Project

ANN = Person("ann", held(["developer"]))
BOB = Person("bob", held(["developer"]))
EVE = Person("eve", held(["viewer"]))


def project(**keys):
    hand = {
        "uses": "command",
        "argv": ["true"],
        "manual": True,
        "parameters": [
            {"name": "replicas", "type": "integer", "min": 1, "required": True},
            {"name": "key", "type": "secret"},
        ],
        **keys,
    }
    after = {"uses": "command", "argv": ["true"], "needs": ["hand"]}
    return Project.model_validate({"repository": "x", "stages": {"hand": hand, "after": after}})


class Ledger:
    """The ledger service on SQLite, which counts its transactions."""

    def __init__(self, engine):
        self.engine, self.reads, self.writes = engine, 0, 0
        self.given_secrets = GivenSecrets()
        self.choices = SimpleNamespace(of=self.print_choices)
        self.printed = []
        self.fail_at_commit = False

    async def print_choices(self, programs):
        self.printed.append(dict(programs))
        return {}

    async def read(self, work, *args, **kwargs):
        self.reads += 1
        with LedgerSession(self.engine) as session:
            return work(session, *args, **kwargs)

    async def change(self, actor, work, *args, **kwargs):
        self.writes += 1
        with LedgerSession(self.engine, actor=actor) as session:
            result = work(session, *args, **kwargs)
            session.flush()
            if self.fail_at_commit:
                session.rollback()
                raise MissingTool("the database is away")
            session.commit()
            return result

    async def call(self, work, *args, **kwargs):
        return await self.change("", work, *args, **kwargs)


class Scheduler:
    """A scheduler whose dispatch writes the orders down."""

    project_name, clock = "demo", SimpleNamespace()

    def __init__(self, ledger, pipeline):
        self._ledger, self.transitions = ledger, RunTransitions("demo", pipeline)
        self.dispatched, self.no_builder = [], False

    def ledger(self):
        return self._ledger

    async def transact(self, actor, work, *, committed=lambda: None):
        result, orders = await self._ledger.change(actor, work)
        committed()
        if self.no_builder:
            raise MissingTool("Buildbot has no builder demo/hand")
        self.dispatched += [one.name for one in orders.stages] if orders else []
        return result, []


class House:
    """A project with a gate that waits, and its service."""

    def __init__(self, engine, pipeline, revision="a" * 40):
        self.engine, self.project = engine, pipeline
        self.ledger = Ledger(engine)
        self.scheduler = Scheduler(self.ledger, pipeline)
        self.service = GateService(self.scheduler)
        self.service.reconfigure(pipeline)
        with LedgerSession(engine) as session:
            commit = Commit("main", revision, "1.0", 1)
            run = runs.start_run(session, "demo", commit, Cause("force"), 1.0)
            runs.queue_ready(session, run, pipeline.stages, 1.0)
            row = run_state.counting(run)["hand", ""]
            self.gate_id = gates.of_stage(session, row).id
            session.commit()

    def asked(self, person=ANN, values=None, token=None):
        with Session(self.engine) as session:
            token = session.get(Gate, self.gate_id).token if token is None else token
        given = {"replicas": 3, "key": "hunter2"} if values is None else values
        return Asked(ByGate(self.gate_id), person, token, given)

    def ask(self, asked=None):
        return asyncio.run(self.service.ask(asked or self.asked(), show))

    def approve(self, person=BOB, asking=""):
        return asyncio.run(self.service.approve(self.gate_id, person, asking, "", show))

    def reject(self, person=ANN, comment="no"):
        return asyncio.run(self.service.reject(self.gate_id, person, comment, show))

    def rows(self):
        with Session(self.engine) as session:
            tables = (Gate.__table__, StageResult.__table__, AuditRow.__table__)
            return [session.execute(sa.select(table)).all() for table in tables]

    def gate(self):
        with Session(self.engine) as session:
            return session.get(Gate, self.gate_id)

    def secrets(self):
        return self.ledger.given_secrets.askings()


def show(session, gate_id):
    """Return what a page would display."""
    gate = session.get(Gate, gate_id)
    stages = {one.name: str(one.state) for one in gate.run.stages}
    return str(gate.state), len(gate.approvals), stages


@pytest.fixture
def make():
    engines = []

    def house(**keys):
        engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
        engines.append(engine)
        Base.metadata.create_all(engine)
        return House(engine, project(**keys))

    yield house
    for engine in engines:
        engine.dispose()


@pytest.fixture
def make_with(make):
    """Return a maker of houses whose gate is before a given stage."""

    def house(hand, revision):
        pipeline = Project.model_validate({"repository": "x", "stages": {"hand": hand}})
        return House(make().engine, pipeline, revision)

    return house


def test_a_click_is_one_transaction_that_returns_what_is_displayed(make):
    house = make()
    shown, accepted = house.ask()
    assert shown == ("opened", 0, {"hand": "queued"})
    assert accepted
    assert (house.ledger.reads, house.ledger.writes) == (0, 1)
    assert house.scheduler.dispatched == ["hand"]
    assert house.ledger.given_secrets.read(house.gate()) == {"key": "hunter2"}


def test_the_person_asks_and_the_machine_opens(make):
    house = make()
    house.ask()
    with Session(house.engine) as session:
        rows = session.scalars(sa.select(AuditRow).where(AuditRow.entity == "gate"))
        told = [(row.actor, (row.new or {}).get("state")) for row in rows]
    assert ("ann", "approved") in told
    assert ("ann", "opened") not in told


def test_the_same_click_again_changes_nothing(make):
    house = make()
    asked = house.asked()
    house.ask(asked)
    before, kept = house.rows(), house.secrets()
    shown, accepted = house.ask(asked)
    assert (shown[0], accepted) == ("opened", False)
    assert (house.rows(), house.secrets()) == (before, kept)
    assert house.scheduler.dispatched == ["hand"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"values": {"replicas": 0, "key": "x"}}, WrongAnswers),
        ({"values": {"replicas": "many", "key": "x"}}, WrongAnswers),
        ({"values": {"replicas": 3, "key": "x", "more": 1}}, WrongAnswers),
        ({"values": {}}, WrongAnswers),
        ({"person": EVE}, Forbidden),
        ({"token": "of another attempt"}, WrongInput),
        ({"token": ""}, WrongInput),
    ],
)
def test_a_refused_click_changes_nothing(make, change, error):
    house = make()
    before = house.rows()
    with pytest.raises(error):
        house.ask(house.asked(**change))
    assert (house.rows(), house.secrets(), house.scheduler.dispatched) == (before, [], [])


def test_secrets_of_a_click_that_was_not_committed_are_forgotten(make):
    house = make()
    house.ledger.fail_at_commit = True
    before = house.rows()
    with pytest.raises(MissingTool):
        house.ask()
    assert (house.rows(), house.secrets()) == (before, [])


def test_secrets_of_a_committed_click_stay_although_it_was_not_dispatched(make):
    house = make()
    house.scheduler.no_builder = True
    with pytest.raises(MissingTool, match="no builder"):
        house.ask()
    assert house.gate().state == "opened"
    assert house.ledger.given_secrets.read(house.gate()) == {"key": "hunter2"}


def test_a_retried_transaction_keeps_its_last_secrets_alone(make):
    house = make()
    transact = house.scheduler.transact

    async def twice(actor, work, *, committed):
        house.ledger.fail_at_commit = True
        with pytest.raises(MissingTool):
            await house.ledger.change(actor, work)
        house.ledger.fail_at_commit = False
        return await transact(actor, work, committed=committed)

    house.scheduler.transact = twice
    house.ask()
    assert house.secrets() == [house.gate().asking]


def test_the_last_approval_opens_in_its_own_transaction(make):
    house = make(approvals=1)
    assert house.ask() == (("asked", 0, {"hand": "gate"}), True)
    writes = house.ledger.writes
    assert house.approve(asking=house.gate().asking) == ("opened", 1, {"hand": "queued"})
    assert (house.ledger.reads, house.ledger.writes - writes) == (0, 1)
    assert house.scheduler.dispatched == ["hand"]


@pytest.mark.parametrize(
    ("person", "asking", "error"),
    [(ANN, None, Forbidden), (EVE, None, Forbidden), (BOB, "another", WrongInput)],
)
def test_a_refused_approval_changes_nothing(make, person, asking, error):
    house = make(approvals=1)
    house.ask()
    before = house.rows()
    with pytest.raises(error):
        house.approve(person, house.gate().asking if asking is None else asking)
    assert (house.rows(), house.scheduler.dispatched) == (before, [])


def test_an_approval_after_the_secrets_were_lost_opens_nothing_and_resets_the_gate(make):
    house = make(approvals=1)
    house.ask()
    house.ledger.given_secrets = GivenSecrets()
    with pytest.raises(WrongInput, match="its secrets are lost"):
        house.approve()
    assert (house.gate().state, house.scheduler.dispatched) == ("open", [])


def test_a_rejection_is_displayed_and_its_secrets_are_forgotten(make):
    house = make(approvals=1)
    house.ask()
    assert house.reject(comment="not on a Friday")[0] == "rejected"
    assert house.secrets() == []


@pytest.mark.parametrize(
    ("person", "comment", "error"),
    [(ANN, " \n", WrongAnswers), (EVE, "", Forbidden), (EVE, "no", Forbidden)],
)
def test_a_refused_rejection_changes_nothing(make, person, comment, error):
    house = make()
    before = house.rows()
    with pytest.raises(error):
        house.reject(person, comment)
    assert house.rows() == before


def test_a_check_is_one_read_and_says_what_is_wrong(make):
    house = make()
    check = house.service.check
    found = asyncio.run(check(ByGate(house.gate_id), ANN, {"replicas": 0, "key": "hunter2"}))
    assert list(found) == ["replicas"]
    assert asyncio.run(check(ByGate(house.gate_id), ANN, {"replicas": 2, "key": "hunter2"})) == {}
    assert (house.ledger.reads, house.ledger.writes) == (2, 0)
    with pytest.raises(Forbidden):
        asyncio.run(check(ByGate(house.gate_id), EVE, {}))
    with pytest.raises(WrongInput, match="no gate 77"):
        asyncio.run(check(ByGate(77), ANN, {}))


def test_programs_run_for_those_alone_who_may_open(make):
    argv = [sys.executable, "-c", "print('a')"]
    house = make(parameters=[{"name": "target", "type": "choice", "choices-from": argv}])
    asyncio.run(house.service.context(ByGate(house.gate_id), EVE))
    with pytest.raises(Forbidden):
        house.ask(house.asked(EVE, {"target": "a"}))
    with pytest.raises(Forbidden):
        asyncio.run(house.service.check(ByGate(house.gate_id), EVE, {}))
    assert [one for one in house.ledger.printed if one] == []
    asyncio.run(house.service.context(ByGate(house.gate_id), ANN))
    assert house.ledger.printed[-1] == {"target": tuple(argv)}


def test_release_notes_are_prepared_edited_and_audited(make_with, repository, monkeypatch):
    async def at_once(work, *args):
        return work(*args)

    monkeypatch.setattr(notes.threads, "deferToThread", at_once)
    first = repository.commit("Add a sun")
    head = repository.commit("Fix the tides")
    house = make_with(
        {
            "uses": "publish", "manual": True, "channels": ["beta"],
            "parameters": [{"name": "notes", "type": "text", "default": {"from": "changes"}}],
        },
        head,
    )  # fmt: skip
    house.ledger.mirror = lambda _project: Mirror(repository.folder / ".git", "", "")
    text = f"## Added\n\n- Add a sun ({first[:10]})\n\n## Fixed\n\n- Fix the tides ({head[:10]})"
    context = asyncio.run(house.service.context(ByGate(house.gate_id), ANN))
    assert context.changes == f"{text}\n\nBy Ann.\n"
    # What nobody has touched is no edit.
    house.ask(house.asked(ANN, {}))
    assert house.gate().values == {"notes": f"{text}\n\nBy Ann.\n"}
    assert [row for row in house.rows()[2] if row.entity == "notes"] == []


def test_an_edit_of_release_notes_is_audited(make_with, monkeypatch):
    async def nothing(*_args):
        return "- a\n"

    monkeypatch.setattr(service, "prepare", nothing)
    parameter = {"name": "notes", "type": "text", "default": {"from": "changes"}}
    house = make_with({"uses": "publish", "manual": True, "parameters": [parameter]}, "a" * 40)
    house.ask(house.asked(ANN, {"notes": "- a better one"}))
    row = next(row for row in house.rows()[2] if row.entity == "notes")
    assert (row.action, row.actor, row.project) == ("edit", "ann", "demo")
    assert (row.old, row.new) == ({"notes": "- a\n"}, {"notes": "- a better one"})


def test_a_gate_that_is_opened_early_waits_for_its_needs(make):
    house = make()
    early = EarlyGate(1, "after")
    with pytest.raises(WrongInput, match='no gate "after"'):
        asyncio.run(house.service.ask(Asked(early, ANN, "t"), show))


def test_a_freeze_says_since_when(make):
    house = make()
    boss = Person("max", held(["admin"]))
    frozen = asyncio.run(house.service.freeze(boss, " an audit "))
    assert frozen.reason == "an audit"
    assert frozen.at > 1
    with pytest.raises(WrongInput, match="frozen"):
        house.ask()
    assert house.secrets() == []
