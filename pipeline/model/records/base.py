"""Base classes of the records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, computed_field

__all__ = ["Record", "Timed"]


class Record(BaseModel):
    """Facts as the ledger has them. All keys are always written, those with a default, too."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        # Most commands use few of the records: build each validator at its first use.
        defer_build=True,
        json_schema_serialization_defaults_required=True,
    )

    @classmethod
    def extend(cls, record: Record, **more: Any) -> Self:
        """Return a record of this class with the fields of one that it derives from, and more."""
        return cls(**vars(record), **more)

    @classmethod
    def pick(cls, facts: Mapping[str, Any], **more: Any) -> Self:
        """Return a record with those of its fields that a mapping has, and more.

        Raises:
            pydantic.ValidationError: A field is missing or has a wrong value.
        """
        return cls(**{name: facts[name] for name in cls.model_fields if name in facts}, **more)


class Timed(Record):
    """Facts of what begins and ends. Times are seconds since 1970."""

    started_at: float | None
    finished_at: float | None

    @computed_field  # type: ignore[prop-decorator]  # mypy's documented limit
    @property
    def seconds(self) -> float | None:
        """Duration in seconds; null if it has not begun or not ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return round(max(0.0, self.finished_at - self.started_at), 3)
