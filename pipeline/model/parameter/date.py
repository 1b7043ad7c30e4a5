"""Date parameters."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator

from slipway.model.parameter.base import Context, Question, Value, expect_text
from slipway.model.parameter.characters import shown

__all__ = ["DateParameter", "Day", "resolve_day"]

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RELATIVE = re.compile(r"today(?:([+-][0-9]{1,5})d)?")
_FORM = "a date such as 2026-03-31"


def _as_text(value: object) -> object:
    """Convert a TOML date (`min = 2026-03-31`) to text."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    return value


def _read_day(value: object) -> str:
    value = _as_text(value)
    if not isinstance(value, str) or not (_RELATIVE.fullmatch(value) or _is_day(value)):
        msg = f'{shown(value)} is no day; write {_FORM}, "today", "today+7d" or "today-1d"'
        raise ValueError(msg)
    return value


Day = Annotated[
    str,
    BeforeValidator(_read_day),
    WithJsonSchema({"type": "string", "examples": ["2026-03-31", "today+7d"]}),
]


class DateParameter(Question):
    """A day, in JSON a text: "2026-03-31"."""

    type: Literal["date"]
    min: Day | None = Field(default=None)
    """The first day: a date, "today", "today+7d". None: no limit."""
    max: Day | None = Field(default=None)
    """The last day. None: no limit."""

    @field_validator("default", mode="before")
    @classmethod
    def _toml_date(cls, default: Any) -> Any:
        return _as_text(default)

    def accept(self, value: object, context: Context | None) -> Value:
        """Validate a date: its form, existence and limits."""
        text = expect_text(value, _FORM)
        if not _is_day(text):
            msg = f"must be {_FORM}; {shown(text)} was given"
            raise ValueError(msg)
        least, most = self._limit(self.min, context), self._limit(self.max, context)
        if (least and text < least) or (most and text > most):
            span = f"{f'from {least} ' if least else ''}{f'to {most}' if most else 'on'}"
            msg = f"must be a date {span.strip()}; {text} was given"
            raise ValueError(msg)
        return text

    def check_limits(self) -> None:
        """Check that absolute limits are consistent."""
        least, most = self._limit(self.min, None), self._limit(self.max, None)
        if least and most and least > most:
            msg = f"min {least} is later than max {most}"
            raise ValueError(msg)

    def check_default(self) -> None:
        """Validate a default; one relative to today is validated when the gate is displayed."""
        if not (isinstance(self.default, str) and _RELATIVE.fullmatch(self.default)):
            super().check_default()

    def limits(self, context: Context) -> dict[str, object]:
        """Return the limits as dates."""
        found = {"min": self._limit(self.min, context), "max": self._limit(self.max, context)}
        return {key: day for key, day in found.items() if day}

    def _limit(self, day: str | None, context: Context | None) -> str | None:
        if day is None or not day.startswith("today"):
            return day
        return None if context is None else resolve_day(day, context.today)


def resolve_day(day: str, today: dt.date) -> str:
    """Resolve "today+7d" to a date; return a date unchanged."""
    match = _RELATIVE.fullmatch(day)
    if match is None:
        return day
    days = int(match[1] or 0)
    try:
        return (today + dt.timedelta(days=days)).isoformat()
    except OverflowError:
        return (dt.date.max if days > 0 else dt.date.min).isoformat()


def _is_day(text: str) -> bool:
    if not _ISO.fullmatch(text):
        return False
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True
