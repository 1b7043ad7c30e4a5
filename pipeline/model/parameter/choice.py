"""Parameters with a list of choices: choice, multi-choice, release, environment."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator

from slipway.model.parameter.base import Choice, Context, Question, Source, Value, expect_text
from slipway.model.parameter.characters import clean, shown
from slipway.model.spelling import did_you_mean

__all__ = [
    "ChoiceParameter",
    "Chosen",
    "EnvironmentParameter",
    "Listed",
    "MultiChoiceParameter",
    "ReleaseParameter",
    "read_choices",
]

_MOST = 1000
_MOST_SHOWN = 12


def _as_choice(value: object) -> object:
    if isinstance(value, str):
        return {"value": value}
    if isinstance(value, dict | Choice):
        return value
    msg = f"{shown(value)} is no choice; write a text between quotes, or {{ value, label }}"
    raise ValueError(msg)


def read_choices(output: str) -> tuple[Choice, ...]:
    """Parse the output of a `choices-from` program.

    Args:
        output: One choice per line: the value, or the value, a tab and the label. Empty lines are
            ignored.

    Raises:
        ValueError: A line is no valid choice or a duplicate, or there are none or more than 1,000.
    """
    found: dict[str, Choice] = {}
    for number, line in enumerate(output.splitlines(), 1):
        value, _, label = line.partition("\t")
        if not value.strip():
            continue
        try:
            one = Choice(value=value.strip(), label=label.strip() or None)
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Value error, ")
            msg = f"line {number} of the choices: {reason}"
            raise ValueError(msg) from None
        if one.value in found:
            msg = f"line {number} of the choices: {shown(one.value)} comes twice"
            raise ValueError(msg)
        found[one.value] = one
    if not 0 < len(found) <= _MOST:
        msg = f"{len(found)} choices were printed; there must be 1 to {_MOST}, one a line"
        raise ValueError(msg)
    return tuple(found.values())


class Chosen(Question):
    """Base of the parameters with a list of choices."""

    def accept(self, value: object, context: Context | None) -> Value:
        """Check that the value is one of the choices."""
        return self.one(value, self.allowed(context))

    def one(self, value: object, allowed: tuple[Choice, ...] | None) -> str:
        """Validate one value; with `allowed` None, the list is not known yet.

        Raises:
            ValueError: It is not one of the choices.
        """
        text = clean(expect_text(value, "one of the choices")[:_MOST])
        if allowed is None:
            return text
        values = [choice.value for choice in allowed]
        if text not in values:
            msg = f"{shown(value)} cannot be chosen; {_listed(values)}{did_you_mean(text, values)}"
            raise ValueError(msg)
        return text

    def allowed(self, context: Context | None) -> tuple[Choice, ...] | None:
        """Return the choices; None if they are not known yet."""
        return None if context is None else self.offered(context)


class Listed(Chosen):
    """Base of choice and multi-choice: the source of their choices."""

    choices: tuple[
        Annotated[Choice, BeforeValidator(_as_choice, json_schema_input_type=str | Choice)], ...
    ] = Field(default=(), max_length=_MOST)
    """The choices: texts, or tables { value = "de", label = "Germany" }."""
    choices_from: tuple[str, ...] | None = Field(default=None, min_length=1)
    """A program and its arguments, run on the master's machine; it prints one choice a line."""

    @field_validator("choices_from")
    @classmethod
    def _no_nul(cls, argv: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if argv is not None and (not argv[0] or any("\0" in word for word in argv)):
            msg = "the program's name is empty, or a word holds a NUL; no system can start that"
            raise ValueError(msg)
        return argv

    def allowed(self, context: Context | None) -> tuple[Choice, ...] | None:
        """Return the choices; those of a program are unknown until the gate is displayed."""
        if self.choices_from is None:
            return self.choices
        return None if context is None else self.offered(context)

    def offered(self, context: Context) -> tuple[Choice, ...]:
        """Return the choices."""
        if self.choices_from is None:
            return self.choices
        return context.choices.get(self.name, ())

    def check_limits(self) -> None:
        """Check that there is exactly one source of choices, without duplicates."""
        if bool(self.choices) == (self.choices_from is not None):
            msg = 'write either choices = ["a", "b"] or choices-from = ["program", "argument"]'
            raise ValueError(msg)
        values = [choice.value for choice in self.choices]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            msg = f"choices names {', '.join(map(shown, twice))} more than once"
            raise ValueError(msg)


class ChoiceParameter(Listed):
    """One of several values."""

    sources: ClassVar[tuple[Source, ...]] = ("last", "version", "revision", "branch")

    type: Literal["choice"]


class MultiChoiceParameter(Listed):
    """Any of several values; in the order of the choices, in JSON a list."""

    type: Literal["multi-choice"]
    min: int = Field(default=0, ge=0, strict=True)
    """The fewest that an answer may choose; nothing chosen is no answer."""
    max: int | None = Field(default=None, ge=1, strict=True)
    """The most. None: all."""

    def accept(self, value: object, context: Context | None) -> Value:
        """Validate a list: each value, no duplicates, not too few, not too many."""
        if not isinstance(value, list | tuple) or len(value) > _MOST:
            msg = f"must be a list of at most {_MOST} choices; {shown(value)} was given"
            raise ValueError(msg)
        if not value:
            return self.unanswered()
        allowed = self.allowed(context)
        chosen = [self.one(one, allowed) for one in value]
        if len(set(chosen)) < len(chosen):
            twice = next(one for one in chosen if chosen.count(one) > 1)
            msg = f"{shown(twice)} is chosen more than once"
            raise ValueError(msg)
        if not self.min <= len(chosen) <= (self.max or _MOST):
            most = "all" if self.max is None else str(self.max)
            msg = f"must be {self.min} to {most} of the choices; {len(chosen)} were chosen"
            raise ValueError(msg)
        if allowed is None:
            return chosen
        return [choice.value for choice in allowed if choice.value in chosen]

    def unanswered(self) -> Value:
        """Return the empty list."""
        super().unanswered()
        return []

    def check_limits(self) -> None:
        """Check that the limits are consistent."""
        super().check_limits()
        if self.max is not None and self.min > self.max:
            msg = f"min {self.min} is more than max {self.max}"
            raise ValueError(msg)
        if self.choices and self.min > len(self.choices):
            msg = f"min {self.min} is more than the {len(self.choices)} choices"
            raise ValueError(msg)

    def limits(self, context: Context) -> dict[str, object]:
        """Return the limits on the number of choices."""
        found: dict[str, Any] = {"min": self.min}
        return found if self.max is None else found | {"max": self.max}


class ReleaseParameter(Chosen):
    """A release of this project, by its version; only those that may be deployed here."""

    sources: ClassVar[tuple[Source, ...]] = ("last", "version")

    type: Literal["release"]

    def offered(self, context: Context) -> tuple[Choice, ...]:
        """Return the releases."""
        return context.releases


class EnvironmentParameter(Chosen):
    """An environment of this project, by its name."""

    type: Literal["environment"]

    def offered(self, context: Context) -> tuple[Choice, ...]:
        """Return the environments."""
        return context.environments


def _listed(values: list[str]) -> str:
    if not values:
        return "there is nothing to choose from now."
    more = f" and {len(values) - _MOST_SHOWN} more" if len(values) > _MOST_SHOWN else ""
    return f"allowed: {', '.join(map(shown, values[:_MOST_SHOWN]))}{more}."
