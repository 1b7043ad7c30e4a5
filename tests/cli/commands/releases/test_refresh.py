"""`slipway release refresh`, and what `slipway key rotate` signs anew: nothing the thief signed."""

import hashlib
import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from slipway.ledger import publications, runs
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.releases import ReleaseBlock
from slipway.ledger.tables.runs import Release
from slipway.model.commit import Cause, Commit
from slipway.model.protocol.delivery import Ended, News
from slipway.scripts.releases.signing.key_ring import read_ring
from slipway.scripts.releases.signing.pointers import open_pointer, sign_pointer
from slipway.scripts.releases.signing.signers import ReleaseSigner, signing_with
from slipway.scripts.stages.command.stage import CommandStage
from slipway.scripts.stages.publish.targets.folder.settings import FolderTarget
from tests.support.ledgers import make_ledger
from tests.support.signed_releases import build_facts, make

STAGES = """
[project.demo.stages.out]
uses = "publish"
needs = ["tests"]
targets = [{ kind = "folder", path = "www" }]
"""
VERSION = "1.4.0+1"
FAR = datetime(2999, 1, 1, tzinfo=UTC)


class Site:
    """A site with one release that is served and public at a folder."""

    def __init__(self, place):
        self.slipway, self.home = place.slipway, place.folder / ".slipway"
        self.served, self.target = self.home / "releases" / "demo", self.home / "www" / "demo"
        place.write(tests=("", ""))
        toml = place.folder / "pipeline.toml"
        toml.write_text(toml.read_text() + STAGES)
        assert self.slipway("key", "new")[0] == 0
        facts = build_facts(project="demo", version=VERSION, run=1)
        make(self.served / VERSION, None, facts=facts)
        self.engine = make_ledger(f"sqlite:///{self.home / 'state.sqlite'}")
        with LedgerSession(self.engine) as session:
            commit = Commit("main", "ab" * 20, "1.4.0", 1, "A subject", "Ann")
            run = runs.start_run(session, "demo", commit, Cause("force", "ann"), 1.0)
            (result,) = runs.first_try(
                session, run, "out", CommandStage(uses="command", argv=("true",)), 2.0
            )
            manifest = (self.served / VERSION / "release.json").read_bytes()
            facts = {
                "folder": str(self.served / VERSION),
                "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
            }
            runs.keep_release(session, run, facts, [], 3.0)
            session.flush()
            release = session.scalars(select(Release)).one()
            target = FolderTarget(kind="folder", path="www")
            publications.begin(session, release, result.id, [target], 1, 4.0)
            told = {"folder": News(ended=Ended(str(self.target)))}
            publications.record(session, result.id, told, 5.0)
            session.commit()

    def ring(self):
        return read_ring((self.home / "keys" / "keys.json").read_bytes(), "keys.json")

    def signer(self):
        raw, sign = signing_with((self.home / "keys" / "release.key").read_text(), "x")
        del raw
        return ReleaseSigner(self.ring().current, sign)

    def bring(self):
        """Bring the release and its pages to the target, as a publication does."""
        assert self.slipway("release", "refresh")[0] == 1
        shutil.copytree(self.served, self.target, symlinks=True)

    def shown(self, folder):
        """Return what a folder's latest.json says to who knows the key that signs now."""
        now, keys = datetime.now(UTC), (self.ring().current,)
        return open_pointer((folder / "latest.json").read_bytes(), keys, "latest.json", now)


@pytest.fixture
def site(place):
    made = Site(place)
    yield made
    made.engine.dispose()


def test_all_is_signed_anew_by_the_key_that_signs_now(site):
    site.bring()
    before = {one: site.shown(one).issued_at for one in (site.served, site.target)}
    code, out, err = site.slipway("release", "refresh")
    assert (code, err) == (0, "")
    assert [one.endswith("signed anew") for one in out.splitlines()] == [True, True]
    assert all(site.shown(one).issued_at > at for one, at in before.items())
    assert site.shown(site.target).version == VERSION
    found = json.loads(site.slipway("release", "refresh", "--json")[1])
    assert [(one["target"], one["problem"]) for one in found] == [("", ""), ("folder", "")]


def test_a_rotation_signs_what_is_served_at_once_and_says_what_is_left(site):
    site.bring()
    old = site.ring().current
    code, out, _ = site.slipway("key", "rotate", "--compromised")
    assert code == 0
    assert "targets show pointers that it signed until you run: slipway release refresh" in out
    assert site.shown(site.served).version == VERSION
    there = (site.target / "latest.json").read_bytes()
    assert open_pointer(there, (old,), "latest.json", datetime.now(UTC)).version == VERSION
    assert site.slipway("release", "refresh")[0] == 0
    assert site.shown(site.target).version == VERSION
    ring = read_ring((site.target / "keys.json").read_bytes(), "keys.json")
    assert ring.current == site.ring().current


def test_a_rotation_without_a_theft_signs_anew_and_says_nothing_of_targets(site):
    site.bring()
    code, out, _ = site.slipway("key", "rotate")
    assert (code, "targets" in out) == (0, False)
    assert site.shown(site.served).version == VERSION


@pytest.mark.parametrize("signed", [True, False], ids=["stolen-key", "unsigned"])
def test_a_pointer_of_the_future_holds_nothing_back(site, signed):
    """Whoever stole the key, or may write at the target, dates a pointer centuries ahead."""
    site.bring()
    thief = site.signer()
    document = {**json.loads((site.target / "latest.json").read_text()), "version": "6.6.6"}
    document.pop("signed")
    forged = sign_pointer(document, thief, FAR) if signed else {**document, "issued_at": str(FAR)}
    assert site.slipway("key", "rotate", "--compromised")[0] == 0
    (site.target / "latest.json").write_text(json.dumps(forged))
    code, _, err = site.slipway("release", "refresh")
    assert (code, err) == (0, "")
    assert site.shown(site.target).version == VERSION


def test_later_pointers_of_the_site_itself_stay(site):
    site.bring()
    document = json.loads((site.target / "latest.json").read_text())
    soon = datetime.now(UTC) + timedelta(hours=1)
    later = json.dumps(sign_pointer(document, site.signer(), soon))
    (site.target / "latest.json").write_text(later)
    code, _, err = site.slipway("release", "refresh")
    assert (code, "shows later pointers" in err) == (0, True)
    assert (site.target / "latest.json").read_text() == later


def test_what_was_blocked_meanwhile_is_in_the_pages(site):
    site.bring()
    with LedgerSession(site.engine) as session:
        block = ReleaseBlock(project="demo", version=VERSION, reason="bad", person="ann", at=6.0)
        session.add(block)
        session.commit()
    assert site.slipway("release", "refresh")[0] == 0
    assert site.shown(site.target).version is None


def test_a_target_that_is_not_seen_from_here_is_told(site):
    code, out, _ = site.slipway("release", "refresh")
    assert code == 1
    assert "no pointer is seen there from this machine; if a worker on another machine" in out


def test_a_folder_that_cannot_be_written_is_told_and_the_key_is_the_new_one(site):
    site.bring()
    before = site.ring().current.id
    (site.served / "latest.json").unlink()
    (site.served / "latest.json").mkdir()
    (site.served / "latest.json" / "in its way").write_text("x")
    code, _, err = site.slipway("key", "rotate", "--compromised")
    assert (code, len(err.splitlines())) == (3, 1)
    assert f"the pages and pointers in {site.served} are the old ones: " in err
    assert "then run: slipway release refresh" in err
    assert site.ring().current.id != before
    shutil.rmtree(site.served / "latest.json")
    assert site.slipway("release", "refresh")[0] == 0


def test_a_ledger_that_is_gone_is_told(site):
    site.engine.dispose()
    (site.home / "state.sqlite").rename(site.home / "away")
    code, _, err = site.slipway("release", "refresh")
    assert (code, "start slipway up" in err) == (3, True)


def test_an_unknown_project_is_wrong_input(site):
    code, _, err = site.slipway("release", "refresh", "--project", "dmo")
    assert (code, 'Did you mean "demo"?' in err) == (2, True)


def test_where_nothing_was_released_there_is_nothing_to_sign(place):
    place.write(tests=("", ""))
    code, out, _ = place.slipway("release", "refresh")
    assert (code, out) == (0, "there are no releases yet, so nothing is to be signed anew\n")
