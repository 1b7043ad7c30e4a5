"""A master waits for its database where waiting helps, and nowhere else."""

import sqlite3
import threading
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from slipway.master import database_retry
from slipway.master.database_retry import Patience, passes


@pytest.mark.parametrize(
    "sentence",
    [
        "database is locked",
        "database or disk is full",
        "disk I/O error",
        "unable to open database file",
    ],
)
def test_what_passes_in_sqlite(sentence):
    assert passes(sqlite3.OperationalError(sentence))


@pytest.mark.parametrize("sentence", ["no such table: runs", 'near "SELEC": syntax error', ""])
def test_what_is_wrong_in_sqlite_stays_wrong(sentence):
    assert not passes(sqlite3.OperationalError(sentence))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.errors.AdminShutdown, True),
        (psycopg.errors.CannotConnectNow, True),
        (psycopg.errors.DiskFull, True),
        (psycopg.errors.TooManyConnections, True),
        (psycopg.errors.DeadlockDetected, True),
        (psycopg.OperationalError, True),
        (psycopg.errors.InvalidPassword, False),
        (psycopg.errors.QueryCanceled, False),
    ],
)
def test_what_passes_in_postgresql(error, expected):
    assert passes(error("said the server")) is expected


def test_a_disk_that_is_full_is_waited_for(tmp_path):
    """SQLite says it itself: its file may have no more pages than it has."""
    engine = create_engine(f"sqlite:///{tmp_path / 'state.sqlite'}", poolclass=NullPool)
    waiting = Patience()
    waiting.teach(engine)
    with engine.begin() as connection:
        connection.execute(text("create table notes (text)"))
    with engine.connect() as connection:
        connection.execute(text("pragma max_page_count = 2"))
        with pytest.raises(OperationalError) as caught:
            connection.execute(text("insert into notes values (zeroblob(1000000))"))
    assert "full" in str(caught.value)
    assert engine.should_retry(caught.value)
    waiting.end()
    assert not engine.should_retry(caught.value), "a master that stops waits for nothing"


def test_a_lock_is_waited_for(tmp_path):
    engine = create_engine(
        f"sqlite:///{tmp_path / 'state.sqlite'}", poolclass=NullPool, connect_args={"timeout": 0}
    )
    Patience().teach(engine)
    with closing(sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)) as other:
        other.execute("create table notes (text)")
        other.execute("begin immediate")
        with engine.connect() as connection, pytest.raises(OperationalError) as caught:
            connection.execute(text("insert into notes values ('mine')"))
    assert engine.should_retry(caught.value)


@pytest.fixture
def nowhere(tmp_path):
    """Return an engine whose server does not answer, and which is taught to wait for it."""
    url = f"postgresql+psycopg://postgres@/postgres?host={tmp_path}"
    engine, waiting = create_engine(url, poolclass=NullPool), Patience()
    waiting.teach(engine)
    return engine, waiting


@pytest.mark.slow
def test_connecting_is_given_up_when_the_master_stops(nowhere, monkeypatch):
    monkeypatch.setattr(database_retry, "_PAUSE", 0.01)
    engine, waiting = nowhere
    errors = []

    def connect():
        try:
            engine.connect()
        except OperationalError as error:
            errors.append(error)

    thread = threading.Thread(target=connect)
    thread.start()
    thread.join(0.5)
    assert thread.is_alive(), "it gave up at once"
    waiting.end()
    thread.join(30)
    assert len(errors) == 1


@pytest.mark.slow
def test_a_server_that_comes_back_is_found(make_postgresql, monkeypatch):
    """What ends connections, and what refuses new ones for a moment, is waited for."""
    monkeypatch.setattr(database_retry, "_PAUSE", 0.01)
    url = make_postgresql()
    refused = create_engine(url, poolclass=NullPool)
    name = refused.url.database
    engine = create_engine(url, poolclass=NullPool)
    Patience().teach(engine)
    home = create_engine(refused.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    try:
        with home.connect() as admin:
            admin.exec_driver_sql(f"alter database {name} connection limit 0")
            # The limit does not count for a superuser: it is asked as somebody who is none.
            admin.exec_driver_sql("drop role if exists guest")
            admin.exec_driver_sql("create role guest login")
            as_guest = create_engine(engine.url.set(username="guest"), poolclass=NullPool)
            Patience().teach(as_guest)
            with pytest.raises(OperationalError, match="too many connections"):
                create_engine(as_guest.url, poolclass=NullPool).connect()
            timer = threading.Timer(
                0.3, lambda: psycopg_do(url, f"alter database {name} connection limit 5")
            )
            timer.start()
            with as_guest.connect() as connection:
                assert connection.scalar(text("select 1")) == 1
            timer.join()
    finally:
        home.dispose()


def psycopg_do(url, statement):
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute(statement)
