"""`slipway backup` of ledgers that somebody writes to."""

import hashlib
import shutil
import sqlite3
import subprocess
import threading

import pytest
from sqlalchemy import create_engine, func, select

from slipway.artefacts.store import Store
from slipway.ledger import runs
from slipway.ledger.audit import chain
from slipway.ledger.audit.queries import verify
from slipway.ledger.audit.recording import AuditRow
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Artefact
from slipway.model.commit import Cause, Commit
from slipway.scripts.postgresql.programs import find_programs
from slipway.scripts.stages.command.stage import CommandStage
from tests.support.ledgers import make_ledger
from tests.support.stored import put

STAGE = CommandStage(uses="command", argv=("true",))


class Ledger:
    """A ledger that is written to, as a master does: with its log kept open."""

    def __init__(self, place, url):
        self.place = place
        self.state = place.folder / ".slipway"
        self.engine = make_ledger(url)
        self.store = Store(self.state / "store")

    def note(self, count=1):
        with LedgerSession(self.engine, actor="ann") as session:
            for number in range(count):
                chain.note(session, "look", "thing", number, summary="x" * 500)
            session.commit()

    def leave(self, text):
        """Write a run down that has left a file."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        put(self.store, text.encode())
        with LedgerSession(self.engine) as session:
            commit = Commit("main", "a" * 40, "1.4.0", 1, "A subject", "Ann")
            run = runs.start_run(session, "demo", commit, Cause("force", "ann"), 1.0)
            (result,) = runs.first_try(session, run, "unit", STAGE, 1.0)
            result.artefacts.append(
                Artefact(name="file", sha256=digest, size=len(text), media_type="x", role="product")
            )
            session.commit()
        return digest

    def rows(self):
        with self.engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(AuditRow))


@pytest.fixture
def ledger(place):
    place.write(unit=("pass", ""))
    (place.folder / ".slipway").mkdir()
    made = Ledger(place, f"sqlite:///{place.folder / '.slipway' / 'state.sqlite'}")
    with made.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    # Never the last one that goes: what is written stays in the log.
    kept = sqlite3.connect(made.state / "state.sqlite")
    kept.execute("select count(*) from slipway_audit").fetchone()
    kept.execute("PRAGMA wal_autocheckpoint = 0")
    yield made
    kept.close()
    made.engine.dispose()


def rows_in(file):
    """How many audit rows a copy has, which must be a whole trail."""
    engine = create_engine(f"sqlite:///{file}")
    verdict = verify(engine)
    engine.dispose()
    assert verdict.problem == ""
    return verdict.rows


def test_a_copy_has_what_is_only_in_the_log(place, ledger):
    ledger.note(20)
    plain = place.folder / "plain.sqlite"
    shutil.copy(ledger.state / "state.sqlite", plain)
    target = place.folder / "kept"
    code, out, err = place.slipway("backup", "kept")
    assert (code, err) == (0, "")
    assert rows_in(target / "state.sqlite") == ledger.rows() == 20
    assert sorted(one.name for one in target.iterdir()) == ["state.sqlite"]
    modes = [one.stat().st_mode & 0o777 for one in (target, target / "state.sqlite")]
    assert modes == [0o700, 0o600]
    assert "its audit trail is whole, 20 rows" in out
    for name in ("store", "releases"):
        assert f"  {ledger.state / name}\n" in out
    # The README once said to do this.
    with pytest.raises((AssertionError, sqlite3.DatabaseError)):
        assert rows_in(plain) == 20


@pytest.mark.slow
def test_a_copy_is_whole_while_others_write(place, ledger):
    over = threading.Event()

    def write():
        while not over.is_set():
            ledger.note()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = []
        for number in range(5):
            before = ledger.rows()
            assert place.slipway("backup", f"kept-{number}")[0] == 0
            found.append(rows_in(place.folder / f"kept-{number}" / "state.sqlite"))
            assert found[-1] >= before
    finally:
        over.set()
        writer.join()
    assert found == sorted(found)


@pytest.mark.parametrize("way", ["folder", "file", "link", "no parent", "in the store"])
def test_nothing_is_written_over(place, ledger, way):
    target = place.folder / "kept"
    if way == "folder":
        target.mkdir()
    elif way == "file":
        target.write_text("mine")
    elif way == "link":
        target.symlink_to("nowhere")
    elif way == "no parent":
        target = target / "deeper"
    else:
        target = ledger.state / "store" / "kept"
        target.parent.mkdir()
    before = sorted(place.folder.rglob("*"))
    code, out, err = place.slipway("backup", target)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert str(place.folder) in err
    assert sorted(place.folder.rglob("*")) == before


def test_without_a_site_there_is_nothing(place):
    place.write(unit=("pass", ""))
    code, _, err = place.slipway("backup", "kept")
    assert (code, "there is nothing to back up yet" in err) == (2, True)
    assert not [name for name in ("kept", ".slipway") if (place.folder / name).exists()]


@pytest.mark.slow
def test_a_damaged_database_is_told_and_not_kept(place, ledger):
    ledger.note(200)
    ledger.engine.dispose()
    file = ledger.state / "state.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(file.read_bytes())
    data[8192:40960] = b"\xff" * 32768
    file.write_bytes(data)
    code, _, err = place.slipway("backup", "kept")
    assert code in {1, 3}
    assert len(err.splitlines()) == 1
    assert not list(place.folder.glob("*kept*"))


def test_a_trail_that_was_altered_is_told_and_kept(place, ledger):
    ledger.note(3)
    with sqlite3.connect(ledger.state / "state.sqlite") as connection:
        triggers = "select name from sqlite_master where type = 'trigger'"
        for (name,) in connection.execute(triggers).fetchall():
            connection.execute(f"drop trigger {name}")
        connection.execute("update slipway_audit set actor = 'bob' where id = 2")
    code, out, _ = place.slipway("backup", "kept")
    assert (code, "row 2" in out) == (1, True)
    assert (place.folder / "kept" / "state.sqlite").is_file()


def test_all_of_a_site(place, ledger):
    digests = {ledger.leave("one"), ledger.leave("two")}
    release = ledger.state / "releases" / "demo" / "1.0+1"
    release.mkdir(parents=True)
    (release / "release.json").write_text("{}")
    (release.parent / "latest").symlink_to("1.0+1")
    (release.parent / ".1.0+2.abc.part").mkdir()
    target = place.folder / "kept"
    code, out, err = place.slipway("backup", "kept", "--all")
    assert (code, err) == (0, "")
    assert "2 files of the store, 1 release\n" in out
    assert {one.parent.name + one.name for one in Store(target / "store").files()} == digests
    for digest in digests:
        copy = Store(target / "store").path(digest).read_bytes()
        assert hashlib.sha256(copy).hexdigest() == digest
    copied = target / "releases" / "demo"
    assert (copied / "latest").readlink().name == "1.0+1"
    assert sorted(one.name for one in copied.iterdir()) == ["1.0+1", "latest"]


def test_what_the_store_lacks_is_told(place, ledger):
    digest = ledger.leave("one")
    ledger.store.path(digest).unlink()
    code, out, _ = place.slipway("backup", "kept", "--all")
    assert (code, f"the store lacks 1 file that runs have left, such as {digest}" in out) == (
        1,
        True,
    )


@pytest.mark.slow
def test_a_dump_of_postgresql_can_be_restored(place, make_postgresql):
    url = make_postgresql()
    place.write(unit=("pass", ""))
    plain = url.replace("postgresql+psycopg://", "postgresql://")
    text = f'[site]\ndatabase = "{plain}"\n' + place.config.read_text("utf-8")
    place.config.write_text(text, "utf-8")
    made = Ledger(place, url)
    made.note(5)
    code, out, err = place.slipway("backup", "kept")
    assert (code, err) == (0, "")
    assert "its audit trail is whole, 5 rows" in out
    dump = place.folder / "kept" / "state.dump"
    assert dump.stat().st_mode & 0o777 == 0o600
    other = make_postgresql()
    restore = [find_programs().path("pg_restore"), "--no-owner", "--exit-on-error"]
    named = other.replace("postgresql+psycopg://", "postgresql://")
    subprocess.run([*restore, f"--dbname={named}", str(dump)], check=True)
    engine = create_engine(other)
    assert (verify(engine).rows, verify(engine).problem) == (5, "")
    engine.dispose()
    made.engine.dispose()


def test_the_keys_that_sign_releases_are_in_it(ledger):
    """Whoever knows them would trust no other."""
    place = ledger.place
    code, out, _ = place.slipway("backup", place.folder / "before")
    assert (code, "private key" in out) == (0, False)
    assert not (place.folder / "before" / "keys").exists()
    assert place.slipway("key", "new")[0] == 0
    code, out, _ = place.slipway("backup", place.folder / "copy")
    assert (code, "the private key that signs releases" in out) == (0, True)
    for name in ("release.key", "keys.json"):
        copy, own = place.folder / "copy" / "keys" / name, ledger.state / "keys" / name
        assert copy.read_text() == own.read_text()
        assert copy.stat().st_mode & 0o777 == 0o600
    assert (place.folder / "copy" / "keys").stat().st_mode & 0o777 == 0o700
