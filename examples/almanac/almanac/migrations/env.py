"""Connects Alembic with the book's tables.

The database is, in this order: a connection given in `config.attributes`, `sqlalchemy.url` of
the configuration, the environment variable ALMANAC_DATABASE.
"""

from __future__ import annotations

import os
from logging.config import fileConfig

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection

from almanac.database import VARIABLE, make_engine, read_url
from almanac.models import Base


def url() -> str:
    """Return the database URL to migrate."""
    found = context.config.get_main_option("sqlalchemy.url") or os.environ.get(VARIABLE)
    if not found:
        raise CommandError(f"Set sqlalchemy.url or the environment variable {VARIABLE}.")
    return found


def migrate(connection: Connection) -> None:
    """Run the migrations over a connection; SQLite rebuilds tables to change them."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run() -> None:
    """Run online, or print the SQL with --sql."""
    given = context.config.attributes.get("connection")
    if context.is_offline_mode():
        context.configure(url=read_url(url()), target_metadata=Base.metadata, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
    elif given is not None:
        migrate(given)
    else:
        engine = make_engine(url(), migrating=True)
        with engine.connect() as connection:
            migrate(connection)
            connection.commit()
        engine.dispose()


if context.config.cmd_opts is not None and context.config.config_file_name:
    fileConfig(context.config.config_file_name, disable_existing_loggers=False)
run()
