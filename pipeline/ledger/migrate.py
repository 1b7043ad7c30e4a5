"""Bringing a database's ledger tables up to date."""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine

#: Buildbot keeps its own version in `alembic_version`.
VERSION_TABLE = "slipway_alembic_version"


def configuration(connection: Connection) -> Config:
    """Return alembic's configuration for the ledger on one connection."""
    config = Config()
    config.set_main_option("script_location", str(files("slipway.ledger.migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Create or upgrade the ledger's tables; nothing else in the database is touched."""
    with engine.begin() as connection:
        command.upgrade(configuration(connection), "head")
