# ruff: noqa: S608  the only thing put into these queries is another constant
"""Query the catalogue for a role's privileges, and create the objects that test them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from slipway.scripts.stages.databases.postgresql_catalogue import OURS

__all__ = ["Connection", "find_privileges", "prepare_probes"]

Connection = psycopg.Connection[tuple[Any, ...]]

# Each query returns a verb and its object. Attempts alone would miss privileges on single columns.
_PRIVILEGES: tuple[LiteralString, ...] = (
    f"""SELECT lower(p), format('%%I.%%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
    unnest(ARRAY['INSERT', 'UPDATE', 'REFERENCES']) p
    WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND {OURS}
    AND has_any_column_privilege(%(role)s, c.oid, p) ORDER BY 2, 1""",
    f"""SELECT lower(p), format('%%I.%%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
    unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER']) p
    WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND {OURS}
    AND has_table_privilege(%(role)s, c.oid, p) ORDER BY 2, 1""",
    f"""SELECT 'advance', format('sequence %%I.%%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {OURS} AND CASE c.relkind WHEN 'S'
    THEN has_sequence_privilege(%(role)s, c.oid, 'USAGE, UPDATE') END ORDER BY 2""",
    f"""SELECT 'run', format('SECURITY DEFINER function %%s', f.oid::regprocedure)
    FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
    WHERE f.prosecdef AND {OURS} AND has_function_privilege(%(role)s, f.oid, 'EXECUTE')
    ORDER BY 2""",
    """SELECT 'be', format('superuser, or make roles or databases (%%s)', rolname)
    FROM pg_roles WHERE rolname = %(role)s AND (rolsuper OR rolcreaterole OR rolcreatedb
    OR rolreplication OR rolbypassrls)""",
    """SELECT 'act as', format('role %%I', g.rolname) FROM pg_auth_members m
    JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member
    WHERE u.rolname = %(role)s ORDER BY 2""",
    f"""SELECT 'own', format('%%I.%%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_roles u ON u.oid = c.relowner
    WHERE u.rolname = %(role)s AND {OURS} ORDER BY 2""",
)

_PROBES: tuple[LiteralString, ...] = (
    "CREATE TABLE {}.slipway_probe (a integer)",
    "CREATE VIEW {0}.slipway_probe_view AS SELECT * FROM {0}.slipway_probe",
    "CREATE SEQUENCE {}.slipway_probe_sequence",
    """CREATE FUNCTION {0}.slipway_probe_function() RETURNS void LANGUAGE sql SECURITY DEFINER
    AS 'INSERT INTO {0}.slipway_probe VALUES (1)'""",
)


def find_privileges(owner: Connection, role: str) -> list[tuple[str, str]]:
    """Return each privilege the role has and must not have, as verb and object."""
    found: list[tuple[str, str]] = []
    for query in _PRIVILEGES:
        rows = owner.execute(query, {"role": role}).fetchall()
        found += [(verb, what) for verb, what in rows]
    owner.rollback()
    return found


def prepare_probes(owner: Connection, schemas: Sequence[str]) -> None:
    """Create, as the owner, a table, view, sequence and function in each schema, as later ones."""
    for schema in schemas:
        for statement in _PROBES:
            owner.execute(sql.SQL(statement).format(sql.Identifier(schema)))
    owner.commit()
