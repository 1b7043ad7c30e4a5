"""Who only reads does not wait for what is being written, and cannot write."""

import shutil
import sqlite3
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from buildbot.db import enginestrategy
from buildbot.db.pool import DBThreadPool
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from twisted.internet import defer, reactor
from twisted.trial.unittest import TestCase

from slipway.ledger.audit.recording import AuditRow
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Base, Run
from slipway.ledger.transitions import transition
from slipway.master.database import Database, make_reading
from slipway.master.ledger_service import LedgerService
from slipway.model.states import IllegalTransition, RunState

LONG = 30


class Waits(Exception):
    """What was waited for did not come."""


def pool_names():
    return sorted(one.name for one in threading.enumerate() if "DBThreadPool" in one.name)


def count(connection):
    return connection.execute(text("SELECT count(*) FROM notes")).scalar()


def add(connection):
    connection.execute(text("INSERT INTO notes VALUES ('a note')"))


class Begun(TestCase):
    """A database as Buildbot opens it, and Slipway's hand on it."""

    timeout = 120
    url = "sqlite:///state.sqlite"

    async def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.file = self.folder / "state.sqlite"
        self.threads = pool_names()
        self.engine = enginestrategy.create_engine(self.url, basedir=str(self.folder))
        self.pool = DBThreadPool(self.engine, reactor=reactor)
        self.pool.start()
        await self.pool.do_with_engine(Base.metadata.create_all)
        await self.pool.do_with_transaction(
            lambda connection: connection.execute(text("CREATE TABLE notes (text text)")) and None
        )
        db = SimpleNamespace(pool=self.pool)
        self.master = SimpleNamespace(
            db=db, reactor=reactor, mq=SimpleNamespace(produce=lambda *_: None)
        )
        self.database = Database(self.master)
        await self.database.open()

    async def tearDown(self):
        await self.database.close()
        await self.pool.stop()

    def read(self, work=count):
        return self.database.readers.do_with_transaction(work)

    def write(self, work=add):
        return self.pool.do_with_transaction(work)


class ReadersTest(Begun):
    """An SQLite file with a write-ahead log."""

    async def test_who_reads_does_not_wait_for_a_long_write(self):
        goes_on, holds = threading.Event(), defer.Deferred()

        def long(connection):
            add(connection)
            reactor.callFromThread(holds.callback, None)
            if not goes_on.wait(LONG):
                raise Waits

        written = self.write(long)
        await holds
        for _ in range(10):
            assert await self.read() == 0
        assert not written.called
        goes_on.set()
        await written
        assert await self.read() == 1

    async def test_who_reads_does_not_wait_for_another_process_that_writes(self):
        with closing(sqlite3.connect(self.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("INSERT INTO notes VALUES ('theirs')")
            assert await self.read() == 0
            other.execute("COMMIT")
        assert await self.read() == 1

    @pytest.mark.slow
    async def test_what_was_answered_is_seen(self):
        for number in range(1, 50):
            await self.write()
            assert await defer.gatherResults([self.read() for _ in range(4)]) == [number] * 4

    async def test_a_reading_sees_one_state(self):
        between, goes_on = defer.Deferred(), threading.Event()

        def twice(connection):
            before = count(connection)
            reactor.callFromThread(between.callback, None)
            if not goes_on.wait(LONG):
                raise Waits
            return before, count(connection)

        reading = self.read(twice)
        await between
        await self.write()
        goes_on.set()
        assert await reading == (0, 0)
        assert await self.read() == 1

    async def test_who_reads_cannot_write(self):
        with pytest.raises(OperationalError) as caught:
            await self.read(add)
        assert "readonly" in str(caught.value)
        self.flushLoggedErrors(OperationalError)
        assert await self.read() == 0

    async def test_a_call_that_says_it_reads_cannot_change_the_ledger(self):
        ledger = LedgerService.__new__(LedgerService)
        self.patch(LedgerService, "master", self.master)
        ledger._database, ledger._upgraded, ledger._pipelines = self.database, True, {}

        def change(session):
            session.add(Run(project="demo", number=1, branch="main", revision="a" * 40))
            session.flush()

        with pytest.raises(OperationalError) as caught:
            await ledger.read(change)
        assert "readonly" in str(caught.value)
        self.flushLoggedErrors(OperationalError)
        with LedgerSession(self.engine) as session:
            assert session.query(Run).count() == 0

    async def test_an_illegal_transition_changes_nothing_and_is_in_the_trail(self):
        ledger = LedgerService.__new__(LedgerService)
        self.patch(LedgerService, "master", self.master)
        ledger._database, ledger._upgraded, ledger._pipelines = self.database, True, {}
        facts = {"branch": "main", "revision": "a" * 40, "version": "1+1", "trigger": "force"}

        def start(session):
            run = Run(project="demo", number=1, committed_at=1, started_at=1.0, **facts)
            session.add(run)
            session.flush()
            transition(run, RunState.FAILED, "it has failed", 2.0)

        def change(session):
            run = session.query(Run).one()
            run.reason = "changed"
            transition(run, RunState.WAITING, "ann has asked", 3.0)

        await ledger.call(start)
        with pytest.raises(IllegalTransition, match="is failed and cannot become waiting"):
            await ledger.change("ann", change)
        (failure,) = self.flushLoggedErrors(IllegalTransition)
        assert "in change" in failure.getTraceback()
        with LedgerSession(self.engine) as session:
            run = session.query(Run).one()
            assert (run.state, run.reason) == (RunState.FAILED, "")
            last = session.query(AuditRow).order_by(AuditRow.id.desc()).first()
            assert (last.action, last.entity, last.actor) == ("illegal", "run", "ann")
            assert last.new == {"from": "failed", "to": "waiting", "why": "ann has asked"}
        # The ledger goes on.
        assert await ledger.call(lambda session: session.query(Run).count()) == 1

    async def test_what_is_left_of_a_failed_reading_is_nothing(self):
        def wrong(connection):
            count(connection)
            raise Waits

        for _ in range(10):
            with pytest.raises(Waits):
                await self.read(wrong)
        self.flushLoggedErrors(Waits)
        await self.write()
        assert await self.read() == 1

    async def test_a_long_reading_does_not_keep_the_log_once_it_has_ended(self):
        begun, goes_on = defer.Deferred(), threading.Event()

        def long(connection):
            count(connection)
            reactor.callFromThread(begun.callback, None)
            if not goes_on.wait(LONG):
                raise Waits

        reading = self.read(long)
        await begun

        def much(connection):
            for _ in range(50):
                connection.execute(text("INSERT INTO notes VALUES (zeroblob(100000))"))

        await self.write(much)
        goes_on.set()
        await reading

        def whole(engine):
            with engine.connect() as connection:
                return tuple(connection.exec_driver_sql("PRAGMA wal_checkpoint(RESTART)").one())

        busy, pages, copied = await self.pool.do_with_engine(whole)
        assert (busy, pages) == (0, copied)

    @pytest.mark.slow
    async def test_nothing_stays_when_the_master_stops(self):
        goes_on = threading.Event()
        reading = self.read(lambda connection: (goes_on.wait(LONG), count(connection))[1])
        threading.Timer(0.2, goes_on.set).start()
        await self.database.close()
        assert await reading == 0
        assert self.database.readers is self.pool
        assert await self.read() == 0, "who comes later reads in Buildbot's own thread"
        await self.database.close()
        await self.pool.stop()
        assert pool_names() == self.threads
        assert sorted(one.name for one in self.folder.iterdir()) == ["state.sqlite"]


class NoReadersTest(Begun):
    """A database in memory: no other connection would see what is in it."""

    url = "sqlite://"

    async def test_it_is_read_where_it_is_written(self):
        assert self.database.readers is self.pool
        await self.write()
        assert await self.read() == 1


def test_a_file_without_a_write_ahead_log_has_no_readers_of_its_own(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'state.sqlite'}")
    assert make_reading(engine) is None
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    assert make_reading(engine) is not None
    engine.dispose()


@pytest.mark.slow
def test_postgresql_has_connections_enough(make_postgresql):
    engine = create_engine(make_postgresql())
    assert make_reading(engine) is None
    engine.dispose()
