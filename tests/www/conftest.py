"""What tests of the endpoints share: a real ledger beside Buildbot's own tables."""

import sys
from pathlib import Path

import pytest
from sqlalchemy import event

from slipway.ledger import deployments, gates, run_state, runs
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Artefact, Release
from slipway.ledger.tables.stated import write
from slipway.model.access import Person, held
from slipway.model.commit import Cause, Commit
from slipway.model.site import Project, Worker
from slipway.model.states import DeploymentState, GateState, StageState
from slipway.www.api.graph_columns import draw
from tests.support.ledgers import make_ledger

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    # The demo is also a program of its own, which names its modules from the repository's root.
    # Last, so that no folder of the repository hides a module.
    sys.path.append(ROOT)

PROJECT = Project.model_validate(
    {
        "repository": "source",
        "environments": {
            "staging": {
                "url": "http://staging.example.org",
                "deployer": {"kind": "command", "argv": ["true"]},
            }
        },
        "stages": {
            "tests": {"uses": "command", "argv": ["true"], "matrix": {"python": ["3.11", "3.12"]}},
            "docs": {"uses": "command", "argv": ["true"], "allow-failure": True},
            "archive": {"uses": "archive", "needs": ["tests"]},
            "publish": {"uses": "publish", "needs": ["archive"]},
            "staging": {
                "uses": "deploy",
                "environment": "staging",
                "needs": ["publish"],
                "manual": True,
                "approvals": 2,
                "parameters": [{"name": "replicas", "type": "integer", "min": 1}],
            },
        },
    }
)
WORKERS = {"local": Worker(max_builds=2)}
ANN = Person("ann", held(["developer"]), "session", "Ann")


class Book:
    """A ledger, a session on it, and what happens in it."""

    def __init__(self, session):
        self.session, self.now = session, 1_000.0
        self.outline = draw("demo", PROJECT, WORKERS)
        self.site = {"demo": self.outline}

    def start(self, **keys):
        commit = Commit(
            keys.get("branch", "main"),
            keys.get("revision", "a" * 40),
            "1.0",
            1_700_000_000,
            keys.get("subject", "a subject"),
            keys.get("author", "Ann <ann@example.org>"),
        )
        self.now += 100
        cause = Cause("force", keys.get("owner", "ann"), "why")
        run = runs.start_run(self.session, "demo", commit, cause, self.now)
        runs.queue_ready(self.session, run, PROJECT.stages, self.now)
        self.session.flush()
        return run

    def end(self, run, name, state="passed", cell="", seconds=10.0, exit_code=None):
        row = run_state.counting(run)[name, cell]
        runs.begin(row, row.id, "local", self.now)
        code = (0 if state == "passed" else 1) if exit_code is None else exit_code
        runs.finish(row, StageState(state), self.now + seconds, code)
        runs.queue_ready(self.session, run, PROJECT.stages, self.now + seconds)
        self.session.flush()
        return row

    def pass_all(self, run, *, deploy=False):
        for cell in ("3.11", "3.12"):
            self.end(run, "tests", cell=cell)
        self.end(run, "docs", "failed")
        archive = self.end(run, "archive")
        archive.artefacts.append(
            Artefact(
                name="demo.tar.gz",
                sha256=f"{run.number:064x}",
                size=7,
                media_type="application/gzip",
                role="product",
            )
        )
        release = Release(
            run=run,
            version=run.version,
            place=f"/releases/{run.version}",
            manifest_sha256=f"{run.number:064x}",
            published_at=self.now,
            artefacts=[
                {
                    "stage": "archive",
                    "name": "demo.tar.gz",
                    "sha256": f"{run.number:064x}",
                    "size": 7,
                }
            ],
        )
        self.session.add(release)
        self.end(run, "publish")
        if deploy:
            row = run_state.counting(run)["staging", ""]
            gate = gates.of_stage(self.session, row)
            write(gate, GateState.OPENED)
            write(row, StageState.RUNNING)
            gate.person = row.owner = "ann"
            made = deployments.begin(self.session, row, "staging", release, gate, self.now)
            deployments.finish(made, DeploymentState.DEPLOYED, "healthy", {}, self.now + 5)
            runs.finish(row, StageState.PASSED, self.now + 5, 0)
            runs.settle(run, PROJECT.stages, self.now + 5)
        self.session.flush()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    else:
        url = request.getfixturevalue("make_postgresql")()
    made = make_ledger(url, buildbot=True)
    yield made
    made.dispose()


@pytest.fixture
def book(engine):
    with LedgerSession(engine, actor="ann") as session:
        yield Book(session)


@pytest.fixture
def count(engine):
    """Return a counter of the statements that a piece of work sends to the database."""

    def measure(work):
        seen = []

        def note(_connection, _cursor, statement, *_):
            seen.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            with LedgerSession(engine) as session:
                work(session)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    return measure
