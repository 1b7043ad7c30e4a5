"""Describe an application's tables, with its own Python and SQLAlchemy.

`schema.py --output FILE --metadata module:attribute --dialects sqlite,postgresql` reads the models,
`schema.py --output FILE --url URL` reads an existing database. Both write JSON to FILE:
`{"sqlalchemy": version, "ddl": {dialect: [statement]}, "tables": [table]}`, or `{"error":
sentence}`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

__all__ = [
    "URLS",
    "Unusable",
    "bare_type",
    "bits_of",
    "configure",
    "describe_column",
    "describe_type",
    "first_line",
    "from_database",
    "from_models",
    "kind_of",
    "load_metadata",
    "main",
    "reflect_table",
    "set_up_mappers",
    "write_ddl",
]

# DDL can be written without an installed driver. Every SQLAlchemy knows psycopg2.
URLS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg2://"}


class Unusable(Exception):
    """The application's models or database cannot be used; the message is the reason."""


def load_metadata(place: str) -> Any:
    """Return the MetaData at "module:attribute".

    Raises:
        Unusable: It cannot be imported, or is not a MetaData.
    """
    module_name, _, attributes = place.partition(":")
    try:
        found = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and module_name.startswith(error.name):
            raise Unusable(f'there is no module "{error.name}" in the project') from None
        raise Unusable(f'importing {module_name} failed: no module "{error.name}"') from None
    except Exception as error:  # noqa: BLE001  the application may raise anything
        text = " ".join(str(error).split())
        raise Unusable(f"importing {module_name} failed: {type(error).__name__}: {text}") from None
    for name in attributes.split("."):
        if not hasattr(found, name):
            raise Unusable(f'"{name}" of {place} is not there')
        found = getattr(found, name)
    if not hasattr(found, "sorted_tables"):
        raise Unusable(f"{place} is no SQLAlchemy MetaData but a {type(found).__name__}")
    return found


def configure(dialect: Any, version: str) -> None:
    """Tell a dialect of PostgreSQL which server it writes for, as it does when it connects.

    Without it SQLAlchemy 2.1 writes for PostgreSQL 18, whose computed columns need not say STORED.
    Source: PGDialect.initialize in sqlalchemy/dialects/postgresql/base.py.
    """
    match = re.match(r"(\d+)(?:\.(\d+))?", version)
    if match is None or dialect.name != "postgresql":
        return
    numbers = (int(match[1]), int(match[2] or 0))
    dialect.server_version_info = numbers
    for name, since in (
        ("supports_identity_columns", (10,)),
        ("supports_virtual_generated_columns", (18,)),
    ):
        if hasattr(dialect, name):
            setattr(dialect, name, numbers >= since)


def set_up_mappers() -> None:
    """Let the models be set up, as the application's first query does: some add tables then.

    Raises:
        Unusable: A model is wrong.
    """
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.orm import configure_mappers

    try:
        configure_mappers()
    except SQLAlchemyError as error:
        raise Unusable(f"the models cannot be set up: {first_line(error)}") from None


def first_line(error: Exception) -> str:
    """Return the first line of an error's text."""
    return " ".join(str(error).split("\n")[0].split())


def write_ddl(metadata: Any, name: str, version: str = "") -> list[str]:
    """Return the DDL statements with which SQLAlchemy itself creates everything.

    Args:
        metadata: The MetaData.
        name: The database: sqlite or postgresql.
        version: The server's version; empty if it has none.

    Raises:
        Unusable: SQLAlchemy cannot write DDL for the models.
    """
    from sqlalchemy import create_mock_engine
    from sqlalchemy.exc import SQLAlchemyError

    statements: list[str] = []

    def keep(element: Any, *_args: Any, **_options: Any) -> None:
        try:
            statements.append(str(element.compile(dialect=engine.dialect)).strip())
        except SQLAlchemyError as error:
            item = getattr(element, "element", element)
            on = getattr(item, "fullname", None) or getattr(item, "name", None)
            more = f"{on}: " if on else ""
            raise Unusable(
                f"the models cannot be made in {name}: {more}{first_line(error)}; "
                "if it cannot have that, take it out of the stage's targets"
            ) from None

    # Other parameter styles double each % in a CHECK constraint.
    engine = create_mock_engine(URLS[name], keep, paramstyle="named")
    configure(engine.dialect, version)
    try:
        metadata.create_all(engine, checkfirst=False)
    except SQLAlchemyError as error:
        raise Unusable(f"the models cannot be made in {name}: {first_line(error)}") from None
    return statements


def bare_type(given: Any, dialect: Any) -> tuple[Any, bool]:
    """Return a column's type for a dialect, without decorators, and True if it had one."""
    from sqlalchemy import Interval
    from sqlalchemy.types import TypeDecorator

    decorated = False
    given = getattr(given, "_variant_mapping", {}).get(dialect.name, given)
    while isinstance(given, TypeDecorator) and not isinstance(given, Interval):
        decorated = True
        given = given.load_dialect_impl(dialect)
    return given, decorated


def kind_of(given: Any) -> str:
    """Return the kind of a type, such as "integer"."""
    import sqlalchemy as sa

    kinds = (
        ("enum", sa.Enum),
        ("uuid", getattr(sa, "Uuid", ())),
        ("interval", sa.Interval),
        ("boolean", sa.Boolean),
        ("datetime", sa.DateTime),
        ("date", sa.Date),
        ("time", sa.Time),
        ("float", sa.Float),
        ("numeric", sa.Numeric),
        ("integer", sa.Integer),
        ("json", sa.JSON),
        ("binary", sa.types._Binary),  # noqa: SLF001  the base of all binary types
        ("string", sa.String),
    )
    for kind, known in kinds:
        if isinstance(given, known):
            return kind
    return "interval" if given.__visit_name__ == "INTERVAL" else "other"


def bits_of(given: Any) -> int:
    """Return the size in bits of an integer type in PostgreSQL."""
    import sqlalchemy as sa

    if isinstance(given, sa.SmallInteger):
        return 16
    return 64 if isinstance(given, sa.BigInteger) else 32


def describe_type(given: Any) -> dict[str, Any]:
    """Describe the properties of a type that determine how its values are written."""
    from sqlalchemy.dialects import sqlite

    bare, decorated = bare_type(given, sqlite.dialect())
    kind = kind_of(bare)
    facts = {"kind": kind, "decorated": decorated}
    if kind == "integer":
        facts["bits"] = bits_of(bare)
    elif kind in ("numeric", "float"):
        facts["scale"] = getattr(bare, "scale", None) if kind == "numeric" else None
    elif kind == "enum":
        facts["values"] = list(bare.enums)
        facts["native"] = bool(bare.native_enum)
    elif kind == "uuid":
        facts["native"] = bool(getattr(bare, "native_uuid", True))
    elif kind == "string":
        facts["length"] = bare.length
    elif kind in ("datetime", "time", "date"):
        facts["timezone"] = bool(getattr(bare, "timezone", False))
        usual = getattr(sqlite, kind.upper())()._storage_format  # noqa: SLF001  no public attribute
        storage = getattr(bare.dialect_impl(sqlite.dialect()), "_storage_format", usual)
        facts["storage"] = None if storage == usual else storage
    return facts


def describe_column(column: Any) -> dict[str, Any]:
    """Describe a column of the models."""
    default = column.default
    sequence = default.name if getattr(default, "is_sequence", False) else None
    return {
        "name": column.name,
        **describe_type(column.type),
        "nullable": bool(column.nullable),
        "primary_key": bool(column.primary_key),
        "default": column.server_default is not None,
        "autoincrement": sequence is None and column.table.autoincrement_column is column,
        "computed": column.computed is not None,
        "sequence": sequence,
    }


def from_models(metadata: Any, dialects: list[str], postgresql: str = "") -> dict[str, Any]:
    """Describe all tables of a MetaData, with their DDL.

    Args:
        metadata: The MetaData.
        dialects: The databases to write DDL for.
        postgresql: The version of the PostgreSQL server.
    """
    return {
        "ddl": {name: write_ddl(metadata, name, postgresql) for name in dialects},
        "tables": [
            {
                "name": table.name,
                "schema": table.schema,
                "columns": [describe_column(column) for column in table.columns],
                "references": sorted({key.column.table.fullname for key in table.foreign_keys}),
            }
            for table in metadata.sorted_tables
        ],
    }


def reflect_table(
    inspector: Any, name: str, schema: str | None, default_schema: str | None
) -> dict[str, Any]:
    """Describe one table of an existing database."""
    keys = inspector.get_pk_constraint(name, schema=schema)["constrained_columns"]
    columns = []
    for column in inspector.get_columns(name, schema=schema):
        facts = describe_type(column["type"])
        alone = keys == [column["name"]] and facts["kind"] == "integer"
        columns.append(
            {
                "name": column["name"],
                **facts,
                "nullable": bool(column["nullable"]),
                "primary_key": column["name"] in keys,
                "default": column.get("default") is not None or bool(column.get("identity")),
                "autoincrement": alone and inspector.dialect.name == "sqlite",
                "computed": bool(column.get("computed")),
                "sequence": None,
            }
        )
    shown = None if schema == default_schema else schema
    references = {
        ".".join(
            part
            for part in (key["referred_schema"], key["referred_table"])
            if part and part != default_schema
        )
        for key in inspector.get_foreign_keys(name, schema=schema)
    }
    return {"name": name, "schema": shown, "columns": columns, "references": sorted(references)}


def from_database(url: str) -> dict[str, Any]:
    """Describe the tables of an existing database."""
    from sqlalchemy import create_engine, inspect

    engine = create_engine(url)
    inspector = inspect(engine)
    usual = inspector.default_schema_name
    schemas = [
        name
        for name in inspector.get_schema_names()
        if not re.match(r"pg_|information_schema$", name)
    ]
    tables = [
        reflect_table(inspector, name, schema, usual)
        for schema in schemas
        for name in inspector.get_table_names(schema=schema)
    ]
    engine.dispose()
    return {"ddl": {}, "tables": tables}


def main() -> None:
    """Answer one request and write the answer to a file, as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("--metadata")
    parser.add_argument("--url")
    parser.add_argument("--dialects", default="")
    parser.add_argument("--postgresql", default="")
    given = parser.parse_args()
    stable_ddl = importlib.import_module("stable_ddl")
    # From here on this file's folder must not hide the application's modules.
    sys.path[0] = str(Path.cwd())
    try:
        stable_ddl.number_schema_items()
        import sqlalchemy

        if given.url:
            answer = from_database(given.url)
        else:
            dialects = [name for name in given.dialects.split(",") if name]
            metadata = load_metadata(given.metadata)
            set_up_mappers()
            answer = from_models(metadata, dialects, given.postgresql)
        answer["sqlalchemy"] = sqlalchemy.__version__
    except ModuleNotFoundError as error:
        answer = {"error": f'the application\'s environment has no module "{error.name}"'}
    except Unusable as error:
        answer = {"error": str(error)}
    Path(given.output).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
