"""`slipway prune` over a real ledger, a store and published folders."""

import getpass
import hashlib
import json
import os
import threading

import pytest

from slipway.artefacts.store import Store
from slipway.ledger import runs
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Artefact, Release
from slipway.model.commit import Cause, Commit
from slipway.model.states import StageState
from slipway.scripts.humanize import size_text
from slipway.scripts.releases import manifest
from slipway.scripts.stages.command.stage import CommandStage
from tests.support.ledgers import make_ledger
from tests.support.stored import put

pytestmark = pytest.mark.slow

STAGE = CommandStage(uses="command", argv=("true",))
LONG_AGO = 100.0


def manifest_of(run, program):
    sha256 = hashlib.sha256(program.encode()).hexdigest()
    return manifest.Manifest(
        project="demo",
        version=run.version,
        revision=run.revision,
        run=run.number,
        committed_at=1,
        published_at=1,
        artefacts=[manifest.Artefact(name="program", size=len(program), sha256=sha256)],
    )


@pytest.fixture
def site(place):
    """A site of four old runs: each left a file and published a folder."""
    place.write(unit=("pass", ""))
    text = place.config.read_text("utf-8")
    keep = "[project.demo.keep]\nruns = 2\nreleases = 3\n"
    place.config.write_text(text.replace("[workers", f"{keep}[workers"), "utf-8")
    state = place.folder / ".slipway"
    state.mkdir()
    place.store = Store(state / "store")
    place.releases = state / "releases" / "demo"
    engine = make_ledger(f"sqlite:///{state / 'state.sqlite'}")
    for number in range(1, 5):
        with LedgerSession(engine) as session:
            commit = Commit("main", "a" * 40, "1.0", 1, "A subject", "Ann")
            run = runs.start_run(session, "demo", commit, Cause("force", "ann"), LONG_AGO)
            (result,) = runs.first_try(session, run, "unit", STAGE, LONG_AGO)
            runs.begin(result, number, "local", LONG_AGO)
            runs.finish(result, StageState.PASSED, LONG_AGO, 0)
            runs.settle(run, {"unit": STAGE}, LONG_AGO)
            text = "x" * 1000 * number
            digest = hashlib.sha256(text.encode()).hexdigest()
            kept = put(place.store, text.encode())
            os.utime(kept, (LONG_AGO, LONG_AGO))
            result.artefacts.append(
                Artefact(name="f", sha256=digest, size=len(text), media_type="x", role="product")
            )
            folder = place.releases / run.version
            folder.mkdir(parents=True)
            program = "y" * 50
            (folder / "program").write_text(program)
            (folder / "release.json").write_text(manifest_of(run, program).text())
            digest = hashlib.sha256((folder / "release.json").read_bytes()).hexdigest()
            session.add(
                Release(
                    run=run,
                    version=run.version,
                    place=str(folder),
                    manifest_sha256=digest,
                    published_at=LONG_AGO,
                )
            )
            session.commit()
    engine.dispose()
    (place.releases / "latest").symlink_to("1.0+4")
    return place


def held(site):
    """The bytes of the store's files and of all published folders."""
    files = [*site.store.files(), *(one for one in site.releases.rglob("*") if one.is_file())]
    # Pages and feeds are written anew.
    return sum(file.stat().st_size for file in files if file.parent != site.releases)


def test_a_dry_run_changes_nothing(site):
    before = held(site)
    for _ in range(2):
        code, out, err = site.slipway("prune", "--dry-run")
        assert (code, err) == (0, "")
        assert out.splitlines()[-1].startswith("2 runs, 2 files, 1 release, 3.")
        assert out.endswith(" kB would go\n")
    assert held(site) == before
    assert site.slipway("audit", "--actor", f"{getpass.getuser()} on the master's machine")[1]


def test_it_frees_what_it_says_and_names_who_asked(site):
    before = held(site)
    old = sum(file.stat().st_size for file in (site.releases / "1.0+1").iterdir())
    would = site.slipway("prune", "--dry-run")[1].splitlines()
    code, out, err = site.slipway("prune")
    assert (code, err) == (0, "")
    told = out.splitlines()
    assert told[:-1] == would[:-1]
    assert told[-1] == f"2 runs, 2 files, 1 release, {size_text(3000 + old)} gone"
    freed = before - held(site)
    assert freed == 3000 + old
    assert "demo keeps the newest 2 runs, the newest 3 releases, as keep says" in out
    for word in ("artefacts of run 1", "artefacts of run 2", str(site.releases / "1.0+1")):
        assert word in out
    assert sorted(one.name for one in site.releases.glob("[!.]*+*")) == ["1.0+2", "1.0+3", "1.0+4"]
    assert "1.0+1" not in (site.releases / "index.html").read_text()
    rows = json.loads(site.slipway("audit", "--json")[1])
    (row,) = [one for one in rows if one["action"] == "prune"]
    assert row["actor"] == f"{getpass.getuser()} on the master's machine"
    assert row["new"]["bytes"] == freed
    assert site.slipway("audit", "--verify")[0] == 0
    assert site.slipway("prune")[1].splitlines()[-1] == "0 runs, 0 files, 0 releases, 0 bytes gone"


def test_a_place_that_is_gone_is_told(site):
    site.slipway("prune")
    out = site.slipway("releases")[1]
    (gone,) = [line for line in out.splitlines() if "1.0+1" in line]
    assert gone.rstrip().endswith("(no longer there)")
    assert out.count("no longer there") == 1


def test_it_waits_for_a_backup(site):
    ready, over = threading.Event(), threading.Event()

    def hold():
        with site.store.held(10):
            ready.set()
            over.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    ready.wait(60)
    before = held(site)
    timer = threading.Timer(1.0, over.set)
    timer.start()
    assert site.slipway("prune", "--dry-run")[0] == 0
    code, _, _ = site.slipway("prune")
    assert over.is_set()
    holder.join()
    assert (code, held(site) < before) == (0, True)
