"""Where the book is kept: the engine, the schema's revision, and its upgrade."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from almanac.changes import AUTHOR
from almanac.errors import AlmanacError

VARIABLE = "ALMANAC_DATABASE"
REVISION = "0003"
"""The newest migration: what this program's models need."""

Sessions = sessionmaker[Session]


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder in which this user's programs keep their data."""
    if sys.platform == "win32":
        base = environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Application Support")
    else:
        base = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "almanac"


def default_url(environ: Mapping[str, str] = os.environ) -> str:
    """Return the database to use if the command line names none."""
    return environ.get(VARIABLE) or f"sqlite:///{(data_folder(environ) / 'almanac.db').as_posix()}"


def read_url(text_: str) -> URL:
    """Read a database URL; PostgreSQL always means psycopg 3."""
    try:
        url = make_url(text_)
    except ArgumentError:
        raise AlmanacError(f"{text_!r} is not a database URL such as sqlite:///book.db.") from None
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    return url


def make_engine(text_: str, migrating: bool = False) -> Engine:
    """Return an engine for a URL; the folder of a SQLite file is made if it is missing.

    A migration rebuilds SQLite tables by dropping them, which would delete the rows that refer
    to them if foreign keys were enforced meanwhile.
    """
    url = read_url(text_)
    try:
        engine = create_engine(url)
    except NoSuchModuleError:
        raise AlmanacError(f"This program has no driver for {url.drivername}.") from None
    except ImportError as error:
        raise AlmanacError(f"{error.name} is not installed, {url.drivername} needs it.") from None
    if engine.dialect.name == "sqlite":
        if not migrating:
            event.listen(engine, "connect", _enforce_foreign_keys)
        if url.database and url.database != ":memory:":
            _make_folder(Path(url.database).parent)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AlmanacError(f"The folder {folder} cannot be made: {error.strerror}.") from None


def _enforce_foreign_keys(connection: Any, record: object) -> None:  # noqa: ANN401
    connection.execute("PRAGMA foreign_keys = ON")


def open_book(url: str, author: str | None = None) -> Sessions:
    """Return the sessions of a book: a new one is created, an outdated one refused."""
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            _prepare(connection)
    except AlmanacError:
        engine.dispose()
        raise
    except SQLAlchemyError as error:
        engine.dispose()
        raise AlmanacError(f"The database cannot be opened: {reason(error)}.") from None
    return sessionmaker(engine, info={AUTHOR: author})


def reason(error: SQLAlchemyError) -> str:
    """Return the first line of what the database said."""
    return str(getattr(error, "orig", None) or error).splitlines()[0].rstrip(".")


def _prepare(connection: Connection) -> None:
    tables = set(inspect(connection).get_table_names())
    if not tables & {"people", "alembic_version"}:
        upgrade(connection)
    elif "alembic_version" in tables:
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if found != REVISION:
            outdated = found is None or str(found) < REVISION
            advice = "run `almanac upgrade`" if outdated else "use a newer program"
            raise AlmanacError(
                f"The database is at revision {found}, this program needs {REVISION}: {advice}."
            )


def close_book(sessions: Sessions) -> None:
    """Close the connections of a book."""
    sessions.kw["bind"].dispose()


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the tables to a revision; for filled tables open the connection with `migrating`."""
    from alembic import command
    from alembic.config import Config

    folder = Path(str(files("almanac") / "migrations"))
    if not list(folder.glob("env.py*")):
        raise AlmanacError("This program was packed without the files of almanac.migrations.")
    config = Config()
    config.set_main_option("script_location", folder.as_posix().replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    if not any((folder / "versions").glob("*.py")):
        config.set_main_option("sourceless", "true")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
