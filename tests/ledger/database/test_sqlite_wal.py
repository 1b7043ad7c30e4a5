"""The write-ahead log outlives a transaction while kept; what is committed outlives a crash."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from slipway.ledger.database.sqlite_wal import keep_commits, keep_log
from slipway.scripts.postgresql import cluster
from tests.support.faults import restarted_postgresql, stop_postgresql


def test_the_log_stays_while_it_is_kept(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'state.sqlite'}", poolclass=NullPool)
    log = Path(tmp_path / "state.sqlite-wal")

    def write(statement):
        with engine.begin() as connection:
            connection.execute(text(statement))

    with engine.connect() as connection:
        connection.execute(text("PRAGMA journal_mode = WAL"))
    write("CREATE TABLE a (b)")
    assert not log.exists()
    kept = keep_log(engine)
    write("INSERT INTO a VALUES (1)")
    assert log.exists()
    kept.close()
    assert not log.exists()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM a")) == 1


def test_nothing_is_kept_in_memory():
    assert keep_log(create_engine("sqlite://")) is None


def synchronous(connection):
    return connection.scalar(text("SHOW synchronous_commit"))


@pytest.mark.slow
def test_a_server_that_commits_later_does_not(make_postgresql):
    """Whatever the server is set to: also what a connection that was open before would do."""
    url = make_postgresql()
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            assert synchronous(connection) == "off", "the tests' server is set to lose commits"
        keep_commits(engine)
        with engine.connect() as first, engine.connect() as second:
            assert (synchronous(first), synchronous(second)) == ("on", "on")
            first.rollback()
            assert synchronous(first) == "on"
    finally:
        engine.dispose()


def test_a_server_that_waits_for_more_goes_on_to(make_postgresql):
    url = make_postgresql()
    engine = create_engine(
        url, connect_args={"options": "-c synchronous_commit=remote_apply"}, poolclass=NullPool
    )
    keep_commits(engine)
    with engine.connect() as connection:
        assert synchronous(connection) == "remote_apply"


@pytest.mark.slow
def test_what_is_committed_outlives_a_crash():
    with cluster.started() as server:
        engine = create_engine(server.url("postgres"), poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE notes (number int)"))
        keep_commits(engine)
        try:
            with engine.begin() as connection:
                connection.execute(text("INSERT INTO notes VALUES (1)"))
            restarted_postgresql(server, 0)
            with engine.connect() as connection:
                assert list(connection.scalars(text("SELECT number FROM notes"))) == [1]
        finally:
            stop_postgresql(server)
