"""What tests of the ledger share: a real SQLite ledger, a session, a run on its way."""

import hashlib
from functools import partial

import pytest

from slipway.ledger import gates, run_state, runs
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Artefact
from slipway.model.access import Person
from slipway.model.commit import Cause, Commit
from slipway.model.states import StageState
from slipway.scripts.stages.command.stage import CommandStage
from tests.support.ledgers import make_ledger


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.sqlite'}"
    return request.getfixturevalue("make_postgresql")()


@pytest.fixture
def engine(url):
    made = make_ledger(url)
    yield made
    made.dispose()


@pytest.fixture
def session(engine):
    with LedgerSession(engine) as opened:
        yield opened


@pytest.fixture
def make_stages():
    """Return a maker of command stages: name = needs; a name in `manual` is a gate."""

    def make(manual=(), **needs):
        return {
            name: CommandStage(
                uses="command", argv=("true",), needs=tuple(wanted), manual=name in manual
            )
            for name, wanted in needs.items()
        }

    return make


class Walk:
    """A run, moved by hand as the scheduler moves it."""

    def __init__(self, session, stages, run):
        self.session, self.stages, self.run = session, stages, run
        self.now = 1000.0

    def advance(self):
        """Queue what is ready; return the names and the run's state."""
        self.now += 1
        before = set(run_state.counting(self.run))
        runs.queue_ready(self.session, self.run, self.stages, self.now)
        made = [name for name, cell in run_state.counting(self.run) if (name, cell) not in before]
        return list(dict.fromkeys(made)), self.run.state

    def end(self, name, state="passed", artefacts=(), cell=""):
        """Have a stage begin and end; return what `advance` says then."""
        result = run_state.counting(self.run)[name, cell]
        self.now += 1
        runs.begin(result, 1, "local", self.now)
        for file, role in artefacts:
            digest = hashlib.sha256(file.encode()).hexdigest()
            result.artefacts.append(
                Artefact(name=file, sha256=digest, size=1, media_type="text/plain", role=role)
            )
        runs.finish(result, StageState(state), self.now, 0 if state == "passed" else 1)
        self.session.flush()
        return self.advance()

    def retry(self, name, owner="ann", cell=""):
        self.now += 1
        last = run_state.counting(self.run)[name, cell]
        stage = self.stages[name]
        return runs.again(self.session, self.run, last, stage, self.now, owner=owner)

    def gate(self, name):
        """Return the gate of a stage's newest attempt."""
        return gates.of_stage(self.session, run_state.counting(self.run)[name, ""])

    def open(self, name, person="ann"):
        """Have a person open a gate that asks nothing."""
        self.now += 1
        gate, stage = self.gate(name), self.stages[name]
        someone = Person(person, frozenset({"developer"}))
        gates.ask(self.session, gate, stage, someone, gates.Request(gate.token), self.now)
        result = gates.queue_approved(self.session, gate, stage, self.now)
        runs.settle(self.run, self.stages, self.now)
        return result

    @property
    def states(self):
        return {
            f"{name}[{cell}]" if cell else name: result.state
            for (name, cell), result in run_state.counting(self.run).items()
        }


@pytest.fixture
def start_in():
    """Return a starter of runs in any session."""

    def begin(session, project="almanac", revision="a" * 40, branch="main", trigger="poll"):
        commit = Commit(branch, revision, "1.4.0", 1_700_000_000, "a subject", "Ann <a@b>")
        return runs.start_run(session, project, commit, Cause(trigger, "ann", "why"), 1000.0)

    return begin


@pytest.fixture
def start(session, start_in):
    """Return a starter of runs."""
    return partial(start_in, session)


@pytest.fixture
def walk(session, start, make_stages):
    """Return a starter of walks through a graph."""

    def begin(manual=(), **needs):
        return Walk(session, make_stages(manual, **needs), start(trigger="force"))

    return begin
