"""Provide the PostgreSQL server for a seed: a temporary one, or one that the worker names."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from slipway.model.errors import MissingTool, WrongInput
from slipway.scripts.postgresql.cluster import OWNER, Server, started
from slipway.scripts.postgresql.programs import find_programs
from slipway.scripts.stages.databases.read_only_role import roles_sql

__all__ = ["Connection", "Workplace", "opened"]

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Workplace:
    """A server with two empty databases: one to build in, one to restore into."""

    server: Server
    built: str
    restored: str
    version: str
    throw_away: bool

    def connect(self, database: str) -> Connection:
        """Connect as the owner."""
        return psycopg.connect(**self.server.parameters(database))

    def connect_as(self, role: str, database: str) -> Connection:
        """Connect as another role, directly or by SET SESSION AUTHORIZATION."""
        if "password" not in self.server.base and self.throw_away:
            return psycopg.connect(**self.server.parameters(database, role))
        reader = self.connect(database)
        reader.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
        reader.commit()
        return reader

    def make_role(self, role: str, name: str, database: str) -> None:
        """Create the read-only role, and grant its rights on a database."""
        with self.connect(database) as db:
            db.execute(roles_sql(role, name).encode())


@contextlib.contextmanager
def opened(name: str, role: str, server_env: str | None) -> Iterator[Workplace]:
    """Provide a server with two empty databases; everything created is dropped afterwards.

    Args:
        name: The seed's name.
        role: The read-only role; on an external server it is dropped unless it existed before.
        server_env: Name of the environment variable with the server's URL. None: a temporary
            server.

    Raises:
        MissingTool: PostgreSQL is not installed, or the variable is not set.
        WrongInput: The URL is invalid, or the server cannot be reached or used.
    """
    with contextlib.ExitStack() as stack:
        if server_env is None:
            server, tag = stack.enter_context(started()), ""
        else:
            server, tag = _given(server_env), f"_{secrets.token_hex(4)}"
            stack.enter_context(_role_removed(server, role))
        built, restored = f"{name}{tag}", f"{name}{tag}_restored"
        for database in (built, restored):
            stack.enter_context(_database(server, database, keep=server_env is None))
        with psycopg.connect(**server.parameters(built)) as db:
            version = db.info.parameter_status("server_version") or ""
        yield Workplace(server, built, restored, version.split(" ")[0], server_env is None)


def _given(variable: str) -> Server:
    """Connect to the server that an environment variable names.

    Raises:
        MissingTool: The variable is not set.
        WrongInput: The server cannot be reached, or its user is not a superuser.
    """
    url = os.environ.get(variable, "")
    if not url:
        msg = (
            f'server-env: the environment variable "{variable}" is not set on this machine; '
            "set it to a URL such as postgresql://user:password@host:5432/postgres, "
            "or leave server-env out"
        )
        raise MissingTool(msg)
    try:
        base: dict[str, Any] = conninfo_to_dict(re.sub(r"^(postgres(?:ql)?)\+\w+:", r"\1:", url))
        base = {key: value for key, value in base.items() if value is not None}
        home = str(base.pop("dbname", OWNER))
        with psycopg.connect(**base, dbname=home, connect_timeout=15) as db:
            row = db.execute(
                "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            base["user"] = db.info.user
            major = db.info.server_version // 10000
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        msg = f"server-env: the server in {variable} cannot be reached: {reason}"
        raise WrongInput(msg) from None
    if not row or not row[0]:
        msg = (
            f'server-env: user "{base["user"]}" of {variable} is no superuser; only one can make '
            "the read-only role and take everybody's right to make large objects away"
        )
        raise WrongInput(msg)
    return Server(base, find_programs(major), home)


@contextlib.contextmanager
def _role_removed(server: Server, role: str) -> Iterator[None]:
    """Drop a role afterwards, unless it existed before."""
    select = "SELECT FROM pg_roles WHERE rolname = %s"
    with psycopg.connect(**server.parameters(server.home), autocommit=True) as db:
        was_there = db.execute(select, (role,)).fetchone() is not None
    try:
        yield
    finally:
        if not was_there:
            with psycopg.connect(**server.parameters(server.home), autocommit=True) as db:
                db.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


@contextlib.contextmanager
def _database(server: Server, name: str, *, keep: bool) -> Iterator[None]:
    """Create a database and drop it afterwards, unless its whole server is temporary."""
    with psycopg.connect(**server.parameters(server.home), autocommit=True) as db:
        make = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
        db.execute(sql.SQL(make).format(sql.Identifier(name)))
    try:
        yield
    finally:
        if not keep:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            with psycopg.connect(**server.parameters(server.home), autocommit=True) as db:
                db.execute(drop)
