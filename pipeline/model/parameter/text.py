"""Text parameters: string, text, secret."""

from __future__ import annotations

import functools
from typing import ClassVar, Literal

from pydantic import Field, field_validator
from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from slipway.model.parameter.base import Context, Question, Source, Value, expect_text
from slipway.model.parameter.characters import clean, named, shown
from slipway.model.secrets.forms import SHORTEST, is_short

__all__ = [
    "SecretParameter",
    "StringParameter",
    "TextParameter",
    "Written",
    "check_length",
    "check_lengths",
]

_ANY_SOURCE: tuple[Source, ...] = ("last", "version", "revision", "branch")


class Written(Question):
    """Base of string and text."""

    sources: ClassVar[tuple[Source, ...]] = _ANY_SOURCE
    lines: ClassVar[bool] = False

    min_length: int = Field(default=0, ge=0)
    """The fewest characters."""
    max_length: int

    def accept(self, value: object, context: Context | None) -> Value:
        """Validate a text: its characters and length."""
        text = expect_text(value, "a text")
        # Limit the length first, as normalisation is more expensive than counting.
        if len(text) <= 4 * self.max_length:
            text = clean(text, lines=self.lines)
        if not text.strip():
            return self.unanswered()
        check_length(text, self.min_length, self.max_length)
        return text

    def check_limits(self) -> None:
        """Check that the limits of the length are consistent."""
        check_lengths(self.min_length, self.max_length)

    def limits(self, context: Context) -> dict[str, object]:
        """Return the limits of the length."""
        return {"min-length": self.min_length, "max-length": self.max_length}


class StringParameter(Written):
    """One line of text."""

    type: Literal["string"]
    max_length: int = Field(default=255, ge=1, le=1000)
    """The most characters."""
    pattern: str | None = Field(default=None, min_length=1, max_length=1000)
    """A regular expression that the whole value must match (syntax of Rust's regex)."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                _matcher(pattern)
            except SchemaError as error:
                msg = f"{shown(pattern)} cannot be used as a regular expression: {_reason(error)}"
                raise ValueError(msg) from None
        return pattern

    def accept(self, value: object, context: Context | None) -> Value:
        """Validate a text: its characters, length and pattern."""
        text = super().accept(value, context)
        if isinstance(text, str) and self.pattern is not None:
            try:
                _matcher(self.pattern).validate_python(text)
            except ValidationError:
                msg = f"{shown(text)} does not match {self.pattern}"
                raise ValueError(msg) from None
        return text

    def limits(self, context: Context) -> dict[str, object]:
        """Return the limits of the length, and the pattern."""
        pattern = {} if self.pattern is None else {"pattern": self.pattern}
        return super().limits(context) | pattern


class TextParameter(Written):
    """Text of many lines."""

    sources: ClassVar[tuple[Source, ...]] = (*_ANY_SOURCE, "changes")
    lines: ClassVar[bool] = True

    type: Literal["text"]
    max_length: int = Field(default=10_000, ge=1, le=100_000)
    """The most characters."""


class SecretParameter(Question):
    """A secret: handed to the deployment, never stored, never shown."""

    sources: ClassVar[tuple[Source, ...]] = ()

    type: Literal["secret"]
    min_length: int = Field(default=1, ge=1)
    """The fewest characters."""
    max_length: int = Field(default=1000, ge=1, le=100_000)
    """The most characters."""

    @field_validator("default", mode="before")
    @classmethod
    def _no_default(cls, default: object) -> None:
        if default is not None:
            msg = "a secret has no default: take it out, the gate asks for the secret each time"
            raise ValueError(msg)

    def accept(self, value: object, context: Context | None) -> Value:
        """Validate a secret's length, and that a process can receive it; do not normalise it."""
        if not isinstance(value, str):
            msg = "must be a text"
            raise ValueError(msg)
        if not value:
            return self.unanswered()
        check_length(value, self.min_length, self.max_length)
        for char in value:
            if (ord(char) < 0x20 and char not in "\t\n\r") or "\ud800" <= char <= "\udfff":  # noqa: PLR2004
                msg = f"holds {named(char)}, which cannot be handed to a program"
                raise ValueError(msg)
        if is_short(value):
            msg = f"must have at least {SHORTEST} characters: a shorter one could not be masked"
            raise ValueError(msg)
        return value

    def check_limits(self) -> None:
        """Check that the limits of the length are consistent."""
        check_lengths(self.min_length, self.max_length)

    def limits(self, context: Context) -> dict[str, object]:
        """Return the limits of the length."""
        return {"min-length": self.min_length, "max-length": self.max_length}


def check_lengths(least: int, most: int) -> None:
    """Check that two limits of a length are consistent.

    Raises:
        ValueError: The lower limit is above the upper one.
    """
    if least > most:
        msg = f"min-length {least} is more than max-length {most}"
        raise ValueError(msg)


def check_length(text: str, least: int, most: int) -> None:
    """Check a text's length; the error does not contain the text.

    Raises:
        ValueError: It is too short or too long.
    """
    if len(text) > most:
        msg = f"must be at most {most} characters long; {len(text)} were given"
        raise ValueError(msg)
    if len(text) < least:
        msg = f"must be at least {least} characters long; {len(text)} were given"
        raise ValueError(msg)


@functools.lru_cache(maxsize=256)
def _matcher(pattern: str) -> SchemaValidator:
    """Return a validator that matches a whole text in linear time.

    Python's `re` takes exponential time for some patterns; pydantic's engine, Rust's regex, does
    not.

    Raises:
        SchemaError: The pattern does not compile.
    """
    SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    whole = rf"\A(?:{pattern})\z"
    return SchemaValidator(core_schema.str_schema(pattern=whole, regex_engine="rust-regex"))


def _reason(error: SchemaError) -> str:
    """Return the last line of the engine's message, which contains the reason."""
    line = str(error).strip().splitlines()[-1]
    line = line.rpartition("rror: ")[2].strip().rstrip(".")
    return line[:1].lower() + line[1:]
