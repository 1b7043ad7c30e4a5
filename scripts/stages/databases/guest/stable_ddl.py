"""Makes SQLAlchemy write the same DDL each time: its sets of constraints and indexes are unordered.

Only for the short-lived processes that write DDL or run migrations.
"""

from __future__ import annotations

from typing import Any

#: Far from the small numbers that other keys of a dictionary hash to.
BASE = 1 << 40


def number_schema_items() -> None:
    """Let schema items hash to the order they were first met in, and not to their addresses."""
    from sqlalchemy.sql.schema import SchemaItem

    # The items are kept, so that no address is used twice.
    met: dict[int, tuple[int, Any]] = {}

    def number(item: Any) -> int:
        found = met.get(id(item))
        if found is None:
            found = met[id(item)] = (BASE + len(met), item)
        return found[0]

    SchemaItem.__hash__ = number  # type: ignore[method-assign, assignment]
