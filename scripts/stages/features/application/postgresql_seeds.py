"""PostgreSQL seeds for applications under test: restored once, a copy for each of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString
from urllib.parse import quote

import psycopg
from psycopg import sql

from slipway.model.errors import StageFailed
from slipway.scripts.postgresql.cluster import Server, started
from slipway.scripts.postgresql.restoring import restore


@dataclass(frozen=True)
class Dump:
    """What a `databases` stage leaves of one PostgreSQL database."""

    file: Path
    """In pg_dump's custom format."""
    roles: Path | None = None
    """The SQL that makes the roles the dump speaks of; run first."""


class Copies:
    """One application's own databases, on a server that other applications share."""

    def __init__(self, server: Server, seeds: Mapping[str, str], number: int) -> None:
        """Prepare; `put_back` makes the databases.

        Args:
            server: A throw-away one.
            seeds: The restored databases by the seeds' names.
            number: Tells this application's databases from the others'.
        """
        self._server = server
        self._seeds = {name: (seed, f"{name}_{number}") for name, seed in seeds.items()}

    @property
    def password(self) -> str:
        """What must not be seen in logs."""
        return str(self._server.base["password"])

    @property
    def addresses(self) -> dict[str, str]:
        """Where they are, by name: what stands behind the two slashes of a database's URL."""
        base = self._server.base
        place = f"{base['user']}:{quote(self.password, safe='')}@{base['host']}:{base['port']}"
        return {name: f"{place}/{quote(copy)}" for name, (_, copy) in self._seeds.items()}

    def put_back(self) -> None:
        """Make them anew from the seeds; whoever is connected is thrown out.

        Raises:
            StageFailed: The server refuses.
        """
        for name, (seed, copy) in self._seeds.items():
            _execute(
                self._server,
                f'seed "{name}" cannot be copied',
                ("DROP DATABASE IF EXISTS {} WITH (FORCE)", copy),
                ("CREATE DATABASE {} TEMPLATE {}", copy, seed),
            )

    def remove(self) -> None:
        """Drop them; a server that has gone has taken them along."""
        for _, copy in self._seeds.values():
            with contextlib.suppress(StageFailed):
                drop = ("DROP DATABASE IF EXISTS {} WITH (FORCE)", copy)
                _execute(self._server, "cannot be dropped", drop)


@contextlib.contextmanager
def restored(
    dumps: Mapping[str, Dump], log: Callable[[str], None] = lambda _: None
) -> Iterator[Callable[[int], Copies]]:
    """Start a server of our own, restore dumps into it, and end it whatever happens.

    Args:
        dumps: By the seeds' names.
        log: Gets what pg_restore says.

    Yields:
        What makes the copies for the application of a number.

    Raises:
        MissingTool: PostgreSQL is not here.
        StageFailed: The server does not start, or a dump cannot be restored.
    """
    # By TCP and with a password: every driver can do that, and nobody else on this machine can.
    with started(tcp=True) as server:
        seeds = {name: f"seed_{number}" for number, name in enumerate(dumps)}
        for name, seed in seeds.items():
            dump, what = dumps[name], f'seed "{name}" cannot be restored'
            _execute(server, what, ("CREATE DATABASE {} TEMPLATE template0", seed))
            if dump.roles is not None:
                _run_script(server, what, seed, dump.roles)
            try:
                restore(server, dump.file, seed, log)
            except StageFailed as error:
                msg = f"{what} from {dump.file.name}: {error}"
                raise StageFailed(msg) from None
        yield lambda number: Copies(server, seeds, number)


def _run_script(server: Server, what: str, database: str, file: Path) -> None:
    try:
        with psycopg.connect(**server.parameters(database), autocommit=True) as db:
            db.execute(file.read_bytes())
    except (OSError, psycopg.Error) as error:
        msg = f"{what}: {file.name}: {' '.join(str(error).split())}"
        raise StageFailed(msg) from None


def _execute(
    server: Server, what: str, *statements: tuple[LiteralString, *tuple[str, ...]]
) -> None:
    try:
        with psycopg.connect(**server.parameters(server.home), autocommit=True) as db:
            for text, *names in statements:
                db.execute(sql.SQL(text).format(*map(sql.Identifier, names)))
    except psycopg.Error as error:
        msg = f"{what}: PostgreSQL says: {' '.join(str(error).split())}"
        raise StageFailed(msg) from None
