"""What the ledger knows of a run becomes the provenance of its release, and nothing else does."""

import base64
import hashlib
import json
import subprocess
from datetime import UTC, datetime

import pytest

from slipway.git_mirror import Mirror
from slipway.ledger import gates, runs
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Artefact as LedgerArtefact
from slipway.master.publishing.provenance import build_facts, locks_of
from slipway.model.commit import Cause, Commit
from slipway.model.kinds.stage import STAGES
from slipway.model.protocol.job import Job, RunFacts
from slipway.scripts.releases.manifest import Artefact
from slipway.scripts.releases.provenance.facts import Dependency
from slipway.scripts.releases.provenance.statement import provenance_of
from tests.support.ledgers import make_ledger

SITE = "https://ci.example.org/"
TOKEN = {"TOKEN": {"file": "/etc/very-private"}}


def stage(uses, **keys):
    return STAGES.members[uses](uses=uses, **keys)


def known():
    return {
        "tests": stage("tests"),
        "pack": stage("command", argv=("make",), needs=("tests",), secrets=TOKEN, manual=True),
        "publish": stage("publish", needs=("pack",)),
        "elsewhere": stage("command", argv=("true",)),
    }


@pytest.fixture
def session(tmp_path):
    engine = make_ledger(f"sqlite:///{tmp_path / 'state.sqlite'}")
    with LedgerSession(engine) as made:
        yield made
    engine.dispose()


@pytest.fixture
def attempts(session):
    """A run of all stages; pack was asked for, and has left a file."""
    commit = Commit("main", "a" * 40, "1.4.0", 1, "A subject", "Ann")
    run = runs.start_run(session, "demo", commit, Cause("force", "ann"), 1_764_400_000.0)
    made = {}
    for name, one in known().items():
        (made[name],) = runs.first_try(session, run, name, one, 1.0)
        made[name].worker = f"linux-{len(made)}"
    made["tests"].facts = {"python": "3.11.7", "passed": 3, "pytest": "x"}
    made["pack"].artefacts.append(
        LedgerArtefact(name="a.zip", sha256="b" * 64, size=1, media_type="x", role="product")
    )
    session.flush()
    gate = gates.of_stage(session, made["pack"])
    gate.values, gate.secret_names = {"reason": "the fair"}, ["password"]
    session.flush()
    return made


def facts(session, attempts, locks=()):
    attempt = attempts["publish"]
    job = Job(
        project="demo",
        name="publish",
        stage=known()["publish"],
        run=RunFacts(
            number=1, revision="a" * 40, branch="main", committed_at=1, version=attempt.run.version
        ),
        audit_head="5" * 64,
        output="/o",
        cache="/c",
        state="/s",
    )
    site = (SITE, "https://joe:pw@git.example.org/demo.git")
    return build_facts(session, job, attempt.id, known(), site, locks)


def test_what_the_ledger_knows_is_said(session, attempts):
    lock = Dependency(name="uv.lock", sha256="c" * 64)
    made = facts(session, attempts, (lock,))
    run = attempts["publish"].run
    assert (made.project, made.run, made.version) == ("demo", run.number, run.version)
    assert made.run_url == f"{SITE}#/pipelines/demo/{run.number}"
    assert made.started_at == datetime.fromtimestamp(1_764_400_000, UTC)
    by_name = {one.name: one for one in made.stages}
    assert set(by_name) == {"tests", "pack", "elsewhere"}
    pack, tests = by_name["pack"], by_name["tests"]
    assert (pack.needs, pack.worker, pack.parameters) == (
        ("tests",),
        "linux-2",
        {"reason": "the fair"},
    )
    assert tests.tools == {"python": "3.11.7"}
    assert lock in tests.dependencies
    assert not any(one.fresh for one in made.stages)


def test_no_secret_and_no_place_of_one_is_in_it(session, attempts):
    released = Artefact(name="a.zip", size=1, sha256="b" * 64, stage="pack")
    text = provenance_of(released, facts(session, attempts))
    external = json.loads(text)["predicate"]["buildDefinition"]["externalParameters"]
    assert external["stages"]["pack"]["secrets"] == ["TOKEN"]
    assert sorted(external["stages"]) == ["pack", "tests"]
    for secret in ("very-private", "password", "joe", "pw@"):
        assert secret not in text
        assert base64.b64encode(secret.encode()).decode() not in text


def test_locks_are_read_from_the_commit_by_the_master(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "uv.lock").write_text("version = 1\n")
    (source / "requirements.txt").write_bytes(b"\xff\xfe")
    git = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-C", str(source)]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    revision = head.stdout.strip()
    # What somebody changes afterwards is not what was built.
    (source / "uv.lock").write_text("version = 2\n")
    mirror = Mirror(tmp_path / "mirror.git", str(source), "x")
    mirror.fetch()
    (found,) = locks_of(mirror, revision)
    assert (found.name, found.sha256) == ("uv.lock", hashlib.sha256(b"version = 1\n").hexdigest())
    assert mirror.read(revision, "nowhere") is None
