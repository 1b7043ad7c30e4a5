"""Migrate the ledger's tables to the current schema."""

from __future__ import annotations

import threading
from importlib.resources import files

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine

from slipway.ledger import tokens  # noqa: F401
from slipway.ledger.audit.chain import lock
from slipway.ledger.buildbot_index import index_tests
from slipway.ledger.tables import outbox  # noqa: F401

__all__ = ["configuration", "upgrade"]

# All tables must be registered before alembic can compare them with the database.

#: alembic's context is global to the process: one migration at a time.
_TURN = threading.Lock()


def configuration(connection: Connection) -> Config:
    """Return alembic's configuration for the ledger, bound to one connection."""
    config = Config()
    config.set_main_option("script_location", str(files("slipway.ledger.migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Create or upgrade the ledger's tables, and index Buildbot's table of test results.

    Safe to call concurrently: threads and processes wait for each other.
    """
    with _TURN, engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            lock(connection)
        command.upgrade(configuration(connection), "head")
        index_tests(connection)
