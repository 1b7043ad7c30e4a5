# ruff: noqa: S608  the only thing put into these queries is another constant
"""Write a reproducible PostgreSQL dump, and verify that it restores."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from slipway.model.errors import StageFailed
from slipway.scripts.postgresql.cluster import Server
from slipway.scripts.postgresql.restoring import Log, call, restore
from slipway.scripts.stages.databases.postgresql_catalogue import OURS, list_tables

__all__ = ["Connection", "compare", "dump", "restore"]

Connection = psycopg.Connection[tuple[Any, ...]]

_MAGIC = b"PGDMP"
#: Since format 1.15 the header stores the compression in one byte, before in five.
_SHORT_HEADER = (1, 15)
_INTEGER = 5
#: PostgreSQL deparses `x IN ('a', 'b')` differently after a restore: casts and brackets move.
_MOVING = re.compile(r"::(?:character varying|text|bpchar)(?:\(\d+\))?(?:\[\])?|[()]")
_SEQUENCES = f"""
    SELECT n.nspname, c.relname,
        CASE c.relkind WHEN 'S' THEN pg_sequence_last_value(c.oid) END FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND {OURS} ORDER BY 1, 2"""


def dump(server: Server, database: str, target: Path, when: int, log: Log) -> None:
    """Dump a database into a file of PostgreSQL's custom format.

    Args:
        server: The database's server.
        database: Its name.
        target: The file.
        when: The creation time to record, in seconds since 1970.
        log: Receives pg_dump's output.

    Raises:
        StageFailed: pg_dump failed.
    """
    argv = ["pg_dump", "-Fc", "-Z1", "-f", str(target), "-d", database]
    call(server, argv, log)
    with target.open("r+b") as stream:
        header = stream.read(7)
        if header[:5] != _MAGIC:
            msg = f"pg_dump {server.programs.version} wrote no archive to {target.name}"
            raise StageFailed(msg)
        stream.seek(12 if tuple(header[5:7]) >= _SHORT_HEADER else 16)
        stream.write(_stamp(when))


def _stamp(when: int) -> bytes:
    """Encode a time as pg_dump does: seven integers, each after a sign byte."""
    at = time.gmtime(when)
    parts = (at.tm_sec, at.tm_min, at.tm_hour, at.tm_mday, at.tm_mon - 1, at.tm_year - 1900, 0)
    return b"".join(b"\0" + part.to_bytes(_INTEGER - 1, "little") for part in parts)


def compare(server: Server, first: str, second: str) -> None:
    """Compare two databases: definitions, rows, and the values of sequences.

    Raises:
        StageFailed: They differ.
    """
    if (one := _definitions(server, first)) != (two := _definitions(server, second)):
        line = next((a or b for a, b in zip(one, two, strict=False) if a != b), "its length")
        msg = f"the dump does not restore to the same definitions; they part at: {line}"
        raise StageFailed(msg)
    contents = _contents(server, first), _contents(server, second)
    for what, found in contents[0].items():
        if contents[1].get(what) != found:
            msg = f"the dump does not restore to the same contents: {what} differs"
            raise StageFailed(msg)


def _definitions(server: Server, database: str) -> list[str]:
    statements: list[str] = []
    call(server, ["pg_dump", "-s", "-d", database], statements.append)
    lines = "".join(statements).split("\n")
    # Current versions write a random word after \restrict.
    kept = (line.rstrip() for line in lines if not line.startswith(("--", r"\restrict", r"\unre")))
    return [_MOVING.sub("", line) for line in kept if line]


def _contents(server: Server, database: str) -> dict[str, tuple[Any, ...] | None]:
    """Return row count and hash of each table, and the value of each sequence.

    The hash is a sum over rows: independent of their order, with constant memory.
    """
    found: dict[str, tuple[Any, ...] | None] = {}
    with psycopg.connect(**server.parameters(database)) as db:
        for schema, name in list_tables(db):
            query = sql.SQL(
                "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {} t"
            ).format(sql.Identifier(schema, name))
            found[f"{schema}.{name}"] = db.execute(query).fetchone()
        for schema, name, value in db.execute(_SEQUENCES).fetchall():
            found[f"sequence {schema}.{name}"] = (value,)
    return found
