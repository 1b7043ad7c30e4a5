"""Bringing a database's ledger tables up to date."""

from __future__ import annotations

import threading
from importlib.resources import files

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine

from slipway.ledger import tokens  # noqa: F401
from slipway.ledger.audit.chain import lock
from slipway.ledger.buildbot_index import index_tests

# All tables must be known before they can be compared with what is there.

#: alembic's context is one for the whole process.
_TURN = threading.Lock()


def configuration(connection: Connection) -> Config:
    """Return alembic's configuration for the ledger on one connection."""
    config = Config()
    config.set_main_option("script_location", str(files("slipway.ledger.migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Create or upgrade the ledger's tables; of Buildbot's own one gets an index.

    Threads and processes that do it at the same time wait for each other.
    """
    with _TURN, engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            lock(connection)
        command.upgrade(configuration(connection), "head")
        index_tests(connection)
