# ruff: noqa: S608  the only thing put into these queries is another constant
"""Query PostgreSQL's catalogue: constraints, indexes, sequences, row counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from slipway.scripts.stages.databases.tables import Table

__all__ = ["OURS", "Connection", "attach", "count_rows", "detach", "list_tables", "set_sequences"]

Connection = psycopg.Connection[tuple[Any, ...]]

OURS: LiteralString = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"

_FOREIGN_KEYS: LiteralString = f"""
    SELECT n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND c.relkind = 'r' AND NOT c.relispartition AND {OURS}
    AND obj_description(k.oid, 'pg_constraint') IS NULL
    ORDER BY 1, 2, 3"""

# Indexes that other objects depend on are kept.
_INDEXES: LiteralString = f"""
    SELECT n.nspname, i.relname, pg_get_indexdef(i.oid)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = i.relnamespace
    WHERE NOT x.indisunique AND NOT x.indisclustered AND NOT x.indisreplident AND x.indisvalid
    AND c.relkind = 'r' AND NOT c.relispartition AND {OURS}
    AND obj_description(i.oid, 'pg_class') IS NULL
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid)
    ORDER BY 1, 2"""

_SEQUENCES: LiteralString = f"""
    SELECT n.nspname, c.relname, a.attname,
        pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND {OURS}
    AND pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) IS NOT NULL
    UNION
    SELECT n.nspname, c.relname, a.attname, s.oid::regclass::text
    FROM pg_depend d JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
    JOIN pg_attrdef f ON f.oid = d.objid
    JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
    JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND {OURS}
    ORDER BY 1, 2, 3, 4"""

_TABLES: LiteralString = f"""
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND {OURS} ORDER BY 1, 2"""


def detach(db: Connection) -> list[sql.Composed]:
    """Drop indexes and foreign keys that are cheaper to create after loading.

    Returns:
        The statements that recreate them, foreign keys last.
    """
    again = []
    for schema, index, definition in db.execute(_INDEXES).fetchall():
        db.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(schema, index)))
        again.append(_as_it_is(definition))
    for schema, table, name, definition in db.execute(_FOREIGN_KEYS).fetchall():
        names = {"table": sql.Identifier(schema, table), "name": sql.Identifier(name)}
        db.execute(sql.SQL("ALTER TABLE {table} DROP CONSTRAINT {name}").format(**names))
        add = sql.SQL("ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        again.append(add.format(**names, definition=_as_it_is(definition)))
    return again


def _as_it_is(text: str) -> sql.Composed:
    """Wrap SQL that the server itself wrote."""
    return sql.Composed([sql.SQL(text)])


def attach(db: Connection, again: Sequence[sql.Composed]) -> None:
    """Recreate the dropped indexes and foreign keys."""
    for statement in again:
        db.execute(statement)


def set_sequences(db: Connection, tables: Sequence[Table]) -> None:
    """Advance each sequence beyond the largest given id."""
    known = [tuple(row) for row in db.execute(_SEQUENCES).fetchall()]
    for table in tables:
        schema = table.schema or "public"
        known += [
            (schema, table.name, column.name, f'"{column.sequence}"')
            for column in table.columns
            if column.sequence
        ]
    for schema, table_name, column_name, sequence in known:
        query = sql.SQL(
            "SELECT setval({sequence}::regclass, m) "
            "FROM (SELECT max({column}) AS m FROM {table}) x WHERE m > 0"
        ).format(
            sequence=sql.Literal(sequence),
            column=sql.Identifier(column_name),
            table=sql.Identifier(schema, table_name),
        )
        db.execute(query)


def list_tables(db: Connection) -> list[tuple[str, str]]:
    """Return schema and name of each table."""
    return [(schema, name) for schema, name in db.execute(_TABLES).fetchall()]


def count_rows(db: Connection) -> dict[str, int]:
    """Return the row count of each table; names in the schema "public" are unqualified."""
    counts = {}
    for schema, name in list_tables(db):
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
        row = db.execute(query).fetchone()
        counts[name if schema == "public" else f"{schema}.{name}"] = row[0] if row else 0
    return counts
