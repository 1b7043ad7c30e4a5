"""Ledgers for tests: each is a copy of one that the migrations have made."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, make_url

from slipway.ledger.database.migrate import upgrade

_SQLITE = "sqlite:///"


def make_ledger(url: str, *, buildbot: bool = False) -> Engine:
    """Make the ledger's tables in a database that is empty, and return an engine on it.

    Args:
        url: The database; a file of SQLite is not there yet.
        buildbot: Whether Buildbot's own tables are there, too.
    """
    if url.startswith(_SQLITE):
        shutil.copyfile(_template(buildbot=buildbot), url.removeprefix(_SQLITE))
        return create_engine(url)
    wanted = make_url(url)
    template = _template_on(wanted.set(database="postgres"), buildbot=buildbot)
    with _server(wanted.set(database="postgres")) as server:
        server.exec_driver_sql(f"drop database {wanted.database}")
        server.exec_driver_sql(f"create database {wanted.database} template {template}")
    return create_engine(wanted)


def _filled(engine: Engine, *, buildbot: bool) -> Engine:
    if buildbot:
        from buildbot.db.model import Model

        Model.metadata.create_all(engine)
    upgrade(engine)
    return engine


@functools.cache
def _template(*, buildbot: bool) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="slipway-ledger-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _filled(create_engine(f"{_SQLITE}{folder / 'ledger'}"), buildbot=buildbot).dispose()
    return folder / "ledger"


@functools.cache
def _template_on(home: URL, *, buildbot: bool) -> str:
    """Make the template on a server, once in this process, and return its database's name."""
    name = f"template_{buildbot:d}_{os.getpid()}"
    with _server(home) as server:
        server.exec_driver_sql(f"create database {name}")
    _filled(create_engine(home.set(database=name)), buildbot=buildbot).dispose()
    return name


@contextmanager
def _server(home: URL) -> Iterator[Connection]:
    engine = create_engine(home, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()
