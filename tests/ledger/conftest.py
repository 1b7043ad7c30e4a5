"""What tests of the ledger share: a real SQLite ledger, a session, a run on its way."""

import hashlib

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from slipway.ledger import runs
from slipway.ledger.migrate import upgrade
from slipway.ledger.runs import Cause, Commit
from slipway.ledger.tables import Artefact
from slipway.model.stage import CommandStage


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'state.sqlite'}"


@pytest.fixture
def engine(url):
    made = create_engine(url)
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def session(engine):
    with Session(engine) as opened:
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
        names = runs.ready(self.run, self.stages)
        for name in names:
            runs.queue(self.session, self.run, name, self.stages[name], self.now)
        runs.settle(self.run, self.stages, self.now)
        return names, self.run.state

    def end(self, name, state="passed", artefacts=()):
        """Have a stage begin and end; return what `advance` says then."""
        result = runs.newest(self.run)[name]
        self.now += 1
        runs.begin(result, 1, "local", self.now)
        for file, role in artefacts:
            digest = hashlib.sha256(file.encode()).hexdigest()
            result.artefacts.append(
                Artefact(name=file, sha256=digest, size=1, media_type="text/plain", role=role)
            )
        runs.finish(result, state, self.now, 0 if state == "passed" else 1)
        self.session.flush()
        return self.advance()

    def retry(self, name, owner="ann"):
        self.now += 1
        return runs.queue(self.session, self.run, name, self.stages[name], self.now, owner)

    @property
    def states(self):
        return {name: result.state for name, result in runs.newest(self.run).items()}


@pytest.fixture
def start(session):
    """Return a starter of runs."""

    def begin(project="almanac", revision="a" * 40, branch="main", trigger="poll"):
        commit = Commit(branch, revision, "1.4.0", 1_700_000_000, "a subject", "Ann <a@b>")
        return runs.start_run(session, project, commit, Cause(trigger, "ann", "why"), 1000.0)

    return begin


@pytest.fixture
def walk(session, start, make_stages):
    """Return a starter of walks through a graph."""

    def begin(manual=(), **needs):
        return Walk(session, make_stages(manual, **needs), start(trigger="force"))

    return begin
