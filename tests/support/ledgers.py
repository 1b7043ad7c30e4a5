"""Ledgers for tests: a file of SQLite is a copy of one that the migrations have made."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from sqlalchemy import Engine, create_engine

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
    return _filled(create_engine(url), buildbot=buildbot)


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
