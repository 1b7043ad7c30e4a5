# ruff: noqa: S608  the only thing put into these queries is another constant
"""Grant the read-only role its rights, and test each verb that must be denied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from slipway.model.errors import StageFailed
from slipway.scripts.stages.databases.postgresql_catalogue import OURS
from slipway.scripts.stages.databases.read_only_catalogue import find_privileges, prepare_probes

__all__ = [
    "ROLES_SQL",
    "Connection",
    "Query",
    "Verdict",
    "as_json",
    "check",
    "grant",
    "list_schemas",
    "roles_sql",
]

Connection = psycopg.Connection[tuple[Any, ...]]
Query = sql.Composed | sql.SQL

_SCHEMAS: LiteralString = f"SELECT nspname FROM pg_namespace n WHERE {OURS} ORDER BY 1"

_UPDATABLE: LiteralString = f"""
    SELECT n.nspname, c.relname, (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid
        AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        ORDER BY a.attidentity <> '', a.attnum LIMIT 1)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relname NOT LIKE 'slipway\\_probe%' AND {OURS}
    ORDER BY 1, 2"""
_VIEWS: LiteralString = f"""
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND c.relname NOT LIKE 'slipway\\_probe%' AND {OURS}
    ORDER BY 1, 2"""

# Grants on objects inside the database: these are part of the dump.
_PER_SCHEMA: tuple[LiteralString, ...] = (
    "REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC",
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON SEQUENCES TO {role}",
    "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC",
    "REVOKE EXECUTE ON ALL PROCEDURES IN SCHEMA {schema} FROM PUBLIC",
)

ROLES_SQL = """\
-- What the dump cannot hold: the read-only role "{role}" and its rights on the database itself.
-- Run it first, as a superuser, on the database that the dump is to be restored into:
--     createdb {name}
--     psql -d {name} -f {name}-roles.sql
--     pg_restore -d {name} --no-owner {name}.dump
-- It may be run again. The role has no password: set one (ALTER ROLE {role} PASSWORD ...) or let
-- pg_hba.conf say who may be it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE "{role}" LOGIN;
    END IF;
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO "{role}"', current_database());
    -- A seat belt only: whoever has the role can take it off. The rights above are what holds.
    EXECUTE format(
        'ALTER ROLE "{role}" IN DATABASE %I SET default_transaction_read_only = on',
        current_database()
    );
    -- Anybody may make large objects, unless that is forbidden.
    REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea)
        FROM PUBLIC;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'run this as a superuser: %', SQLERRM;
END
$$;
"""


@dataclass(frozen=True)
class Verdict:
    """The result of one statement that the role tried."""

    verb: str
    on: str
    allowed: bool
    expected: bool


def roles_sql(role: str, name: str) -> str:
    """Return the SQL that creates the role and its rights on the database it is run in."""
    return ROLES_SQL.format(role=role, name=name)


def list_schemas(db: Connection) -> list[str]:
    """Return the names of the application's schemas."""
    return [name for (name,) in db.execute(_SCHEMAS).fetchall()]


def grant(db: Connection, role: str) -> None:
    """Grant the role all it needs to read, inside the database."""
    for schema in list_schemas(db):
        for statement in _PER_SCHEMA:
            names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role)}
            db.execute(sql.SQL(statement).format(**names))
    db.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
    db.commit()


def check(owner: Connection, reader: Connection, role: str) -> list[Verdict]:
    """Try every verb as the role.

    Args:
        owner: A connection of the tables' owner, to a database that may be modified.
        reader: A connection of the role to the same database.
        role: The role's name.

    Returns:
        All attempts; each had the expected result.

    Raises:
        StageFailed: The role may do what it must not, or cannot read.
    """
    prepare_probes(owner, list_schemas(owner))
    # Turn the read-only default off first: anybody with the role could do so.
    reader.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
    reader.execute("SET default_transaction_read_only = off")
    reader.commit()
    tried = [
        (Verdict(verb, on, expected, expected), _is_allowed(reader, query))
        for verb, on, query, expected in _attempts(owner)
    ]
    verdicts = [replace(one, allowed=is_so) for one, is_so in tried if is_so is not None]
    verdicts += [
        Verdict(verb, on, allowed=True, expected=False) for verb, on in find_privileges(owner, role)
    ]
    wrong = [verdict for verdict in verdicts if verdict.allowed != verdict.expected]
    if wrong:
        first = wrong[0]
        may = "may" if first.allowed else "may not"
        more = f", and {len(wrong) - 1} more like it" if len(wrong) > 1 else ""
        msg = (
            f'the read-only role "{role}" {may} {first.verb} {first.on}{more}; take the grant out '
            "of the migrations or SQL fixtures that give it"
        )
        raise StageFailed(msg)
    return verdicts


def _is_allowed(reader: Connection, query: Query) -> bool | None:
    """Return True if the role may run a statement, False if it may not, None if nobody can tell.

    PostgreSQL parses and rewrites a statement before it looks at rights. What it refuses then (a
    syntax of another version, a column that takes no value) says nothing of rights; the privileges
    in the catalogue, which `check` reads as well, do. An error when it runs comes after the rights.
    """
    try:
        reader.execute(query)
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.Error as error:
        return None if (error.sqlstate or "").startswith(_BEFORE_RIGHTS) else True
    finally:
        reader.rollback()
    return True


#: Classes of errors in a statement itself: syntax or access rule, feature not supported.
_BEFORE_RIGHTS = ("42", "0A")

_ON_TABLE: tuple[tuple[str, LiteralString, bool], ...] = (
    ("SELECT from", "SELECT FROM {} LIMIT 1", True),
    ("DELETE from", "DELETE FROM {} WHERE false", False),
    ("TRUNCATE", "TRUNCATE {} CASCADE", False),
    ("SELECT FOR UPDATE from", "SELECT FROM {} LIMIT 1 FOR UPDATE", False),
    ("LOCK", "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", False),
    ("DROP", "DROP TABLE {} CASCADE", False),
    ("ALTER", "ALTER TABLE {} ADD COLUMN slipway_probe integer", False),
)
_ON_COLUMN: tuple[tuple[str, LiteralString], ...] = (
    # OVERRIDING and DEFAULT: a column GENERATED ALWAYS AS IDENTITY takes nothing else.
    (
        "INSERT into",
        "INSERT INTO {0} ({1}) OVERRIDING SYSTEM VALUE SELECT {1} FROM {0} WHERE false",
    ),
    ("UPDATE", "UPDATE {0} SET {1} = DEFAULT WHERE false"),
)
_ON_SCHEMA: tuple[tuple[str, LiteralString, bool], ...] = (
    ("SELECT from a view in", "SELECT FROM {}.slipway_probe_view", True),
    ("SELECT from a later table in", "SELECT FROM {}.slipway_probe", True),
    ("INSERT into a later table in", "INSERT INTO {}.slipway_probe VALUES (1)", False),
    ("run a later SECURITY DEFINER function in", "SELECT {}.slipway_probe_function()", False),
    ("nextval of a later sequence in", "SELECT nextval('{}.slipway_probe_sequence')", False),
    ("CREATE TABLE in", "CREATE TABLE {}.slipway_mine (a integer)", False),
    ("CREATE FUNCTION in", "CREATE FUNCTION {}.slipway_f() RETURNS int RETURN 1", False),
)
_ON_DATABASE: tuple[tuple[str, LiteralString], ...] = (
    ("CREATE TEMP TABLE", "CREATE TEMPORARY TABLE slipway_mine (a integer)"),
    ("CREATE SCHEMA", "CREATE SCHEMA slipway_mine"),
    ("CREATE ROLE", "CREATE ROLE slipway_mine"),
    ("make a large object by lo_create", "SELECT lo_create(0)"),
    ("make a large object by lo_creat", "SELECT lo_creat(-1)"),
    ("make a large object by lo_from_bytea", "SELECT lo_from_bytea(0, '')"),
    ("read password hashes in pg_authid", "SELECT rolpassword FROM pg_authid"),
    ("read files", "SELECT pg_read_file('PG_VERSION')"),
    ("run programs", "COPY (SELECT 1) TO PROGRAM 'true'"),
)


def _attempts(owner: Connection) -> Iterator[tuple[str, str, Query, bool]]:
    for schema, name, column in owner.execute(_UPDATABLE).fetchall():
        table, on = sql.Identifier(schema, name), f"{schema}.{name}"
        for verb, statement, expected in _ON_TABLE:
            yield verb, on, sql.SQL(statement).format(table), expected
        # These affect no rows, so that only the permission can fail.
        # Of a table with generated columns alone only the catalogue can tell.
        for verb, statement in _ON_COLUMN if column is not None else ():
            query = sql.SQL(statement).format(table, sql.Identifier(column))
            yield verb, on, query, False
    for schema, name in owner.execute(_VIEWS).fetchall():
        query = sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(schema, name))
        yield "SELECT from", f"view {schema}.{name}", query, True
    for schema in list_schemas(owner):
        place = sql.Identifier(schema)
        for verb, statement, expected in _ON_SCHEMA:
            yield verb, schema, sql.SQL(statement).format(place), expected
    for verb, statement in _ON_DATABASE:
        yield verb, "(the database)", sql.SQL(statement), False


def as_json(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return the verdicts as JSON objects for the report."""
    return [vars(verdict) for verdict in verdicts]
