"""The packages that SQLAlchemy loads by name, which cx_Freeze cannot find."""

from __future__ import annotations

from importlib import metadata

from .found import there

__all__ = ["BESIDES", "DRIVERS", "SQLALCHEMY", "Wrong", "dialect_packages", "one_dialect"]

# The drivers of each dialect. SQLAlchemy imports them by name at run time, so cx_Freeze cannot find
# them.
DRIVERS = {
    "sqlite": ("aiosqlite",),
    "postgresql": ("psycopg", "psycopg2", "asyncpg", "pg8000"),
    "mysql": ("MySQLdb", "pymysql", "mysql.connector", "aiomysql", "asyncmy", "mariadb"),
    "oracle": ("oracledb", "cx_Oracle"),
    "mssql": ("pyodbc", "pymssql", "aioodbc"),
}
# Modules that drivers import by name themselves.
BESIDES = {"psycopg": ("psycopg_binary", "psycopg_c"), "asyncpg": ("greenlet",)}
SQLALCHEMY = ("sqlalchemy.sql.default_comparator",)


class Wrong(Exception):
    """The settings are wrong; the message is the sentence for the user."""


def dialect_packages(asked: list[str] | None) -> list[str]:
    """Return the packages that SQLAlchemy imports only at run time.

    Args:
        asked: Names of dialects. None: sqlite, and those whose driver is installed.

    Raises:
        Wrong: SQLAlchemy, a dialect or its driver is missing.
    """
    if not there("sqlalchemy"):
        if asked:
            msg = (
                f"dialects {', '.join(asked)} are asked for, but SQLAlchemy is not in the "
                "application's environment; add it to the dependencies"
            )
            raise Wrong(msg)
        return []
    names = asked
    if names is None:
        names = ["sqlite", *(name for name in DRIVERS if any(map(there, DRIVERS[name])))]
    found = [module for module in SQLALCHEMY if there(module)]
    for name in dict.fromkeys(names):
        found += one_dialect(name.partition("+")[0], strict=asked is not None)
    return list(dict.fromkeys(found))


def one_dialect(name: str, *, strict: bool) -> list[str]:
    """Return the packages of one dialect, built into SQLAlchemy or from a plugin.

    Args:
        name: The dialect.
        strict: True: a dialect without its driver is an error.

    Raises:
        Wrong: The dialect or its driver is missing.
    """
    if there(f"sqlalchemy.dialects.{name}"):
        drivers = [driver for driver in DRIVERS.get(name, ()) if there(driver)]
        if strict and name in DRIVERS and name != "sqlite" and not drivers:
            wanted = ", ".join(DRIVERS[name])
            msg = f"dialect {name} needs one of its drivers in the dependencies: {wanted}"
            raise Wrong(msg)
        besides = [module for driver in drivers for module in BESIDES.get(driver, ())]
        return [f"sqlalchemy.dialects.{name}", *drivers, *filter(there, besides)]
    found = [
        point.value.partition(":")[0].partition(".")[0]
        for distribution in metadata.distributions()
        for point in distribution.entry_points
        if point.group == "sqlalchemy.dialects" and point.name.partition(".")[0] == name
    ]
    if not found:
        known = ", ".join(sorted(DRIVERS))
        msg = f'SQLAlchemy has no dialect "{name}" in this environment; its own are {known}'
        raise Wrong(msg)
    return found
