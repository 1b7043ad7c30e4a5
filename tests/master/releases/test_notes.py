"""What a release's notes tell of: the commits since the last release of its channel."""

import pytest

from slipway.ledger import runs
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.releases import blocks, channels
from slipway.ledger.tables.runs import Release
from slipway.master.releases.notes import Span, span_of
from slipway.model.access import Person, held
from slipway.model.commit import Cause, Commit
from slipway.scripts.stages.publish.stage import PublishStage
from tests.support.ledgers import make_ledger

ADA = Person("ada", held(["admin"]))
PLAIN = PublishStage(uses="publish")
BETA = PublishStage(uses="publish", channels=("beta", "stable"))
STABLE = PublishStage(uses="publish", channels=("beta", "stable"), channel="stable")


@pytest.fixture
def session(tmp_path):
    engine = make_ledger(f"sqlite:///{tmp_path / 'state.sqlite'}")
    with LedgerSession(engine) as opened:
        yield opened
    engine.dispose()


def publish(session, number, *names):
    commit = Commit("main", f"{number:040x}", "1.0", 1)
    run = runs.start_run(session, "demo", commit, Cause("poll"), 1.0)
    made = Release(
        run=run, version=run.version, place=f"/{number}", manifest_sha256="0" * 64,
        published_at=1.0, artefacts=[],
    )  # fmt: skip
    session.add(made)
    session.flush()
    for name in names:
        channels.move(session, made, name, 1.0)
    return made


def span(session, release, stage):
    found = span_of(session, release.run, stage)
    return found.since, found.old, found.channel


def test_a_first_release_has_none_before(session):
    made = publish(session, 1, "beta")
    assert span_of(session, made.run, PLAIN) == Span("demo", f"{1:040x}")
    assert span(session, made, BETA) == ("", None, "beta")


def test_each_channel_has_its_own_last_release(session):
    publish(session, 1, "beta", "stable")
    publish(session, 2, "beta")
    made = publish(session, 3)
    assert span(session, made, PLAIN) == ("1.0+2", f"{2:040x}", "")
    assert span(session, made, BETA) == ("1.0+2", f"{2:040x}", "beta")
    assert span(session, made, STABLE) == ("1.0+1", f"{1:040x}", "stable")


def test_what_is_blocked_is_none_and_neither_is_the_release_itself(session):
    publish(session, 1, "beta")
    blocked = publish(session, 2, "beta")
    blocks.block(session, blocked, ADA, "no", 1.0)
    made = publish(session, 3, "beta")
    for stage in (PLAIN, BETA):
        assert span(session, made, stage)[0] == "1.0+1"
