"""The write-ahead log outlives a transaction while somebody keeps it."""

from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from slipway.ledger.keeper import keep_log


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
