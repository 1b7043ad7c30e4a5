"""`slipway release list` and `slipway release show` over a real ledger."""

import json

import pytest
from sqlalchemy import select

from slipway.ledger import publications, runs
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.releases import blocks, channels
from slipway.ledger.tables.runs import Release
from slipway.model.access import Person
from slipway.model.commit import Cause, Commit
from slipway.model.protocol.delivery import Ended, News
from slipway.model.states import FileState
from slipway.scripts.stages.command.stage import CommandStage
from slipway.scripts.stages.publish.targets.folder.settings import FolderTarget
from tests.support.ledgers import make_ledger

STAGE = CommandStage(uses="command", argv=("true",))
TARGETS = [FolderTarget(kind="folder", name=name, path=name) for name in ("www", "shop")]


@pytest.fixture
def ledger(place):
    place.write(unit=("pass", ""))
    (place.folder / ".slipway").mkdir()
    engine = make_ledger(f"sqlite:///{place.folder / '.slipway' / 'state.sqlite'}")
    yield engine
    engine.dispose()


@pytest.fixture
def released(ledger):
    """Return a writer of releases that are public at `www` and have failed at `shop`."""

    def write(project="demo"):
        with LedgerSession(ledger) as session:
            commit = Commit("main", "abcdef0123" * 4, "1.4.0", 1, "Mend [bold] things", "Ann")
            run = runs.start_run(session, project, commit, Cause("force", "ann"), 1_700_000_000.0)
            (result,) = runs.first_try(session, run, "unit", STAGE, 1_700_000_001.0)
            facts = {"folder": "/srv/r", "manifest_sha256": "0" * 64}
            runs.keep_release(session, run, facts, [], 1_700_000_002.0)
            session.flush()
            release = session.scalars(select(Release).where(Release.run_id == run.id)).one()
            publications.begin(session, release, result.id, TARGETS, 1, 1_700_000_003.0)
            public = {"a.zip": ("a" * 64, FileState.PUBLIC)}
            told = {
                "www": News(public, Ended("https://dl.example.org/1")),
                "shop": News(ended=Ended(error="no room [left]")),
            }
            publications.record(session, result.id, told, 1_700_000_004.0)
            session.commit()

    return write


def change(ledger, version, work):
    with LedgerSession(ledger) as session:
        work(session, session.scalars(select(Release).where(Release.version == version)).one())
        session.commit()


def test_the_list_has_targets_channels_blocks_and_what_was_pruned(place, ledger, released):
    for _ in range(2):
        released()
    who = Person("ann", roles=frozenset({"releaser"}))

    def decide(session, release):
        channels.move(session, release, "stable", 1_700_000_005.0)
        blocks.block(session, release, who, "it loses\n[data]", 1_700_000_006.0)
        release.run.pruned_at = 1_700_000_007.0

    change(ledger, "1.4.0+1", decide)
    change(
        ledger, "1.4.0+2", lambda session, one: channels.move(session, one, "beta", 1_700_000_008.0)
    )
    code, out, err = place.slipway("release", "list")
    assert (code, err) == (0, "")
    _head, second, first = out.splitlines()
    for word in ("demo", "1.4.0+2", "beta", "www: public, shop: failed"):
        assert word in second
    assert "stable" not in first, "nothing points at a blocked release"
    assert "blocked by ann on 2023-11-1" in first
    assert "it loses [data]; its run's artefacts were let go on 2023-11-1" in first


def test_what_keep_let_go_is_removed_in_the_list(place, ledger, released):
    released()
    released()
    with LedgerSession(ledger) as session:
        newest = session.scalars(select(Release).order_by(Release.id.desc())).first()
        news = {"www": News(removed=["1.4.0+1"])}
        publications.record(session, newest.run.stages[0].id, news, 1_700_000_009.0)
        session.commit()
    first = place.slipway("release", "list")[1].splitlines()[-1]
    assert "www: removed, shop: failed" in first
    (found,) = json.loads(place.slipway("release", "list", "--json", "--limit", "2")[1])[1:]
    www, shop = found["publications"]
    assert (www["state"], www["place"], www["public"]) == ("removed", "", 0)
    assert (shop["state"], shop["error"]) == ("failed", "no room [left]")


def test_one_release_is_shown(place, ledger, released):
    released()
    code, out, _ = place.slipway("release", "show", "1.4.0+1")
    assert code == 0
    for word in (
        "demo 1.4.0+1  run 1",
        "main abcdef0123 Mend [bold] things (Ann)",
        "https://dl.example.org/1",
        "no room [left]",
        "1 of 1",
    ):
        assert word in out
    found = json.loads(place.slipway("release", "show", "1.4.0+1", "--json")[1])
    assert (found["version"], found["blocked"], found["pruned_at"]) == ("1.4.0+1", None, None)
    assert [one["state"] for one in found["publications"]] == ["public", "failed"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("9.9.9",), 'there is no release "9.9.9"; `slipway release list` lists them'),
        (("1.4",), 'there is no release "1.4"'),
        (("1.4.0+1", "--project", "dmo"), '--project "dmo" is not in pipeline.toml'),
        (("1.4.0+1",), "demo, other have a release 1.4.0+1 each: name one with --project"),
    ],
    ids=["unknown", "part", "project", "several"],
)
def test_wrong_input_is_told(place, ledger, released, words, says):
    released()
    if says.startswith("demo"):
        released("other")
    code, _, err = place.slipway("release", "show", *words)
    assert code == 2
    assert says in err


def test_without_a_ledger_there_is_nothing_to_show(place):
    place.write(unit=("pass", ""))
    assert place.slipway("release", "list")[1].startswith("no releases yet")
    code, _, err = place.slipway("release", "show", "1.0")
    assert (code, 'there is no release "1.0"' in err) == (2, True)
