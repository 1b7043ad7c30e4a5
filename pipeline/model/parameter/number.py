"""Number and boolean parameters: integer, decimal, boolean."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from slipway.model.parameter.base import Context, Question, Value
from slipway.model.parameter.characters import shown

__all__ = ["BooleanParameter", "DecimalParameter", "Exact", "IntegerParameter", "read_decimal"]

#: Larger numbers are not exact in browsers (ECMAScript's Number.MAX_SAFE_INTEGER).
_SAFE = 2**53 - 1
_DECIMAL = re.compile(r"[+-]?[0-9]{1,40}(?:\.([0-9]{1,20}))?")


def read_decimal(value: object) -> Decimal:
    """Parse an exact decimal number.

    Args:
        value: A whole number, or text such as "-1.50"; no exponent, at most 40 digits before the
            point and 20 after it.

    Raises:
        ValueError: It is no decimal number. Floats are refused, as they are not exact.
    """
    if isinstance(value, Decimal) and value.is_finite():
        value = format(value, "f")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**40:
        return Decimal(value)
    if isinstance(value, float):
        msg = f"must be a decimal number between quotes, so that it stays exact; {value} was given"
        raise ValueError(msg)
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        msg = f'must be a decimal number such as "1.50"; {shown(value)} was given'
        raise ValueError(msg)
    return Decimal(value)


Exact = Annotated[
    Decimal,
    BeforeValidator(read_decimal),
    PlainSerializer(lambda number: format(number, "f"), return_type=str),
    WithJsonSchema({"type": ["string", "integer"], "pattern": f"^{_DECIMAL.pattern}$"}),
]


class IntegerParameter(Question):
    """A whole number."""

    type: Literal["integer"]
    min: int = Field(default=-_SAFE, ge=-_SAFE, le=_SAFE, strict=True)
    """The least; browsers are exact down to the default."""
    max: int = Field(default=_SAFE, ge=-_SAFE, le=_SAFE, strict=True)
    """The most; browsers are exact up to the default."""

    def accept(self, value: object, context: Context | None) -> Value:
        """Validate an integer; booleans and floats are refused."""
        if not isinstance(value, int) or isinstance(value, bool):
            msg = f"must be a whole number; {shown(value)} was given"
            raise ValueError(msg)
        if not self.min <= value <= self.max:
            msg = f"must be a whole number from {self.min} to {self.max}; {shown(value)} was given"
            raise ValueError(msg)
        return value

    def check_limits(self) -> None:
        """Check that the limits are consistent."""
        if self.min > self.max:
            msg = f"min {self.min} is more than max {self.max}"
            raise ValueError(msg)

    def limits(self, context: Context) -> dict[str, object]:
        """Return the limits that differ from the defaults."""
        return {
            key: limit
            for key, limit in (("min", self.min), ("max", self.max))
            if abs(limit) != _SAFE
        }


class DecimalParameter(Question):
    """An exact decimal number, in JSON a text: "1.50"."""

    type: Literal["decimal"]
    min: Exact | None = None
    """The least. None: no limit."""
    max: Exact | None = None
    """The most. None: no limit."""
    places: int | None = Field(default=None, ge=0, le=20, strict=True)
    """Digits after the point: more are refused, missing ones are filled up. None: as given."""

    def accept(self, value: object, context: Context | None) -> Value:
        """Validate a decimal number without loss of precision."""
        number = read_decimal(value)
        if (self.min is not None and number < self.min) or (
            self.max is not None and number > self.max
        ):
            msg = f"must be {self._span()}; {number:f} was given"
            raise ValueError(msg)
        whole, _, fraction = f"{number:f}".partition(".")
        if self.places is not None:
            if len(fraction) > self.places:
                msg = f"must have at most {self.places} digits after the point; {number:f} has more"
                raise ValueError(msg)
            fraction = fraction.ljust(self.places, "0")
        text = f"{whole}.{fraction}" if fraction else whole
        return text.removeprefix("-") if not number else text

    def check_limits(self) -> None:
        """Check that the limits are consistent."""
        if self.min is not None and self.max is not None and self.min > self.max:
            msg = f"min {self.min:f} is more than max {self.max:f}"
            raise ValueError(msg)

    def limits(self, context: Context) -> dict[str, object]:
        """Return the limits that were set."""
        found: dict[str, Any] = {"min": self.min, "max": self.max}
        written = {key: f"{limit:f}" for key, limit in found.items() if limit is not None}
        return written | ({} if self.places is None else {"places": self.places})

    def _span(self) -> str:
        least = "" if self.min is None else f"at least {self.min:f}"
        most = "" if self.max is None else f"at most {self.max:f}"
        return " and ".join(filter(None, (least, most)))


class BooleanParameter(Question):
    """Yes or no."""

    type: Literal["boolean"]

    def accept(self, value: object, context: Context | None) -> Value:
        """Validate a boolean; the text "true" and the number 1 are refused."""
        if not isinstance(value, bool):
            msg = f"must be true or false; {shown(value)} was given"
            raise ValueError(msg)
        return value

    def unanswered(self) -> Value:
        """Return false, the value of an unanswered switch."""
        return bool(super().unanswered())
