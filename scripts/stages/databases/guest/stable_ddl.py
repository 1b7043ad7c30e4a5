"""Make SQLAlchemy's DDL deterministic: its sets of constraints and indexes are unordered.

Only for the short-lived processes that write DDL or run migrations.
"""

from __future__ import annotations

from typing import Any

__all__ = ["BASE", "number_schema_items"]

#: Far from the small numbers that other dictionary keys hash to.
BASE = 1 << 40


def number_schema_items() -> None:
    """Patch schema items to hash to the order of their first use instead of their addresses."""
    from sqlalchemy.sql.schema import SchemaItem

    # The items are kept alive, so that no address is reused.
    met: dict[int, tuple[int, Any]] = {}

    def number(item: Any) -> int:
        found = met.get(id(item))
        if found is None:
            found = met[id(item)] = (BASE + len(met), item)
        return found[0]

    SchemaItem.__hash__ = number  # type: ignore[method-assign, assignment]
