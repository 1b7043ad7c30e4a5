"""Provide PostgreSQL seeds to applications under test: restored once, one copy for each."""

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

__all__ = ["Copies", "Dump", "restored"]


@dataclass(frozen=True)
class Dump:
    """The output of a `databases` stage for one PostgreSQL database."""

    file: Path
    """The dump, in pg_dump's custom format."""
    roles: Path | None = None
    """The SQL that creates the roles of the dump; run first."""


class Copies:
    """The databases of one application, on a server shared with other applications."""

    def __init__(self, server: Server, seeds: Mapping[str, str], number: int) -> None:
        """Prepare the names; `put_back` creates the databases.

        Args:
            server: A temporary server.
            seeds: The restored databases by the seeds' names.
            number: Number of the application, unique on the server.
        """
        self._server = server
        self._seeds = {name: (seed, f"{name}_{number}") for name, seed in seeds.items()}

    @property
    def password(self) -> str:
        """The server's password, to be masked in logs."""
        return str(self._server.base["password"])

    @property
    def addresses(self) -> dict[str, str]:
        """The URLs of the databases by name, without the scheme and its two slashes."""
        base = self._server.base
        place = f"{base['user']}:{quote(self.password, safe='')}@{base['host']}:{base['port']}"
        return {name: f"{place}/{quote(copy)}" for name, (_, copy) in self._seeds.items()}

    def put_back(self) -> None:
        """Recreate the databases from the seeds; connected clients are disconnected.

        Raises:
            StageFailed: The server refused.
        """
        for name, (seed, copy) in self._seeds.items():
            _execute(
                self._server,
                f'seed "{name}" cannot be copied',
                ("DROP DATABASE IF EXISTS {} WITH (FORCE)", copy),
                ("CREATE DATABASE {} TEMPLATE {}", copy, seed),
            )

    def remove(self) -> None:
        """Drop the databases; errors are ignored, because the server may be gone."""
        for _, copy in self._seeds.values():
            with contextlib.suppress(StageFailed):
                drop = ("DROP DATABASE IF EXISTS {} WITH (FORCE)", copy)
                _execute(self._server, "cannot be dropped", drop)


@contextlib.contextmanager
def restored(
    dumps: Mapping[str, Dump], log: Callable[[str], None] = lambda _: None
) -> Iterator[Callable[[int], Copies]]:
    """Start a temporary server, restore dumps into it, and in any case end it.

    Args:
        dumps: The dumps by the seeds' names.
        log: Receives pg_restore's output.

    Yields:
        A function that returns the copies for the application of a number.

    Raises:
        MissingTool: PostgreSQL is not installed.
        StageFailed: The server does not start, or a dump cannot be restored.
    """
    # TCP works with every driver, and the password keeps other users of this machine out.
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
