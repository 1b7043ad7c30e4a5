"""Base of gate parameters: name, label, default and validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from slipway.model.base import Name, Part
from slipway.model.parameter.characters import clean, shown
from slipway.model.spelling import did_you_mean

__all__ = [
    "Choice",
    "Context",
    "Line",
    "Origin",
    "Question",
    "Source",
    "Value",
    "expect_text",
    "variable",
]

#: A parameter value as stored and displayed, ready for JSON.
Value = str | int | bool | list[str] | None
Source = Literal["last", "version", "revision", "branch", "changes"]

Line = Annotated[str, AfterValidator(clean)]
_VARIABLE = "SLIPWAY_PARAM_"


def variable(name: str) -> str:
    """Return the environment variable of a parameter's value."""
    return _VARIABLE + name.replace("-", "_").upper()


class Choice(Part):
    """One thing that may be chosen."""

    value: Line = Field(min_length=1, max_length=255)
    """The value that is stored and passed on."""
    label: Line | None = Field(default=None, max_length=255)
    """The displayed text. None: the value."""


class Origin(Part):
    """A default that is looked up when the gate asks."""

    # "from" is a keyword of Python: serialise it under its alias always.
    model_config = ConfigDict(serialize_by_alias=True)

    from_: Source = Field(alias="from")
    """`last`: the last deployment's value; `changes`: what has changed since the last release; else
    the run's own version, revision or branch."""


@dataclass(frozen=True)
class Context:
    """Facts that defaults and choices of parameters depend on, when a gate is displayed.

    Attributes:
        today: The date in the local time zone.
        version: The run's version.
        revision: The run's revision.
        branch: The run's branch.
        changes: What has changed since the last release, in Markdown.
        last: The values of the last deployment, by parameter.
        releases: The releases that may be chosen, newest first.
        environments: The environments that may be chosen.
        choices: The choices printed by programs of `choices-from`, by parameter.
    """

    today: date
    version: str = ""
    revision: str = ""
    branch: str = ""
    changes: str = ""
    last: Mapping[str, object] = field(default_factory=dict)
    releases: tuple[Choice, ...] = ()
    environments: tuple[Choice, ...] = ()
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)


_ANY_DEFAULT = {
    "anyOf": [
        {"type": ["string", "integer", "boolean"]},
        {"type": "array", "items": {"type": "string"}},
        {
            "type": "object",
            "properties": {"from": {"enum": list(get_args(Source))}},
            "required": ["from"],
            "additionalProperties": False,
        },
    ]
}


class Question(Part):
    """The keys every parameter has, whatever its type."""

    #: Allowed sources of this type's default.
    sources: ClassVar[tuple[Source, ...]] = ("last",)

    name: Name
    """Name in scripts and on the command line: `$SLIPWAY_PARAM_NAME`, in capitals."""
    type: str
    label: Line | None = Field(default=None, min_length=1, max_length=100)
    """The displayed label. None: derived from the name."""
    help: Line | None = Field(default=None, max_length=500)
    """A sentence that helps to answer."""
    required: bool = Field(default=False, strict=True)
    """True: a value is required, given or by default."""
    default: Annotated[Any, WithJsonSchema(_ANY_DEFAULT)] = None
    """The answer where none is given: a value, or { from = "last" | "version" | ... }."""

    @field_validator("default", mode="before")
    @classmethod
    def _origin(cls, default: object) -> object:
        if not isinstance(default, dict):
            return default
        if list(default) != ["from"]:
            msg = 'a table as default has the key "from" alone: { from = "last" }'
            raise ValueError(msg)
        source = default["from"]
        if source not in cls.sources:
            allowed = ", ".join(f'"{one}"' for one in cls.sources) or "none"
            msg = f"from = {shown(source)} is not allowed for this type; allowed: {allowed}."
            raise ValueError(msg + did_you_mean(str(source)[:50], cls.sources))
        return Origin.model_validate(default)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        self.check_limits()
        if self.default is not None and not isinstance(self.default, Origin):
            try:
                self.check_default()
            except ValueError as error:
                details = {"key": "default", "error": str(error)}
                raise PydanticCustomError("key_error", "default: {error}", details) from None
        return self

    @property
    def title(self) -> str:
        """The label for people."""
        return self.label or self.name.replace("-", " ").replace("_", " ").strip().capitalize()

    def check(self, value: object, context: Context | None) -> Value:
        """Validate and normalise a value.

        Args:
            value: The value as decoded from JSON. None: no value.
            context: The facts that the value may depend on. None: skip checks that need it.

        Returns:
            The value in its canonical form. Idempotent.

        Raises:
            ValueError: The value is not allowed; the sentence, without the parameter's name, says
                what is.
        """
        if value is None:
            return self.unanswered()
        return self.accept(value, context)

    def unanswered(self) -> Value:
        """Return the representation of "no value".

        Raises:
            ValueError: The parameter is required.
        """
        if self.required:
            msg = "must be answered"
            raise ValueError(msg)
        return None

    def accept(self, value: object, context: Context | None) -> Value:
        """Validate a value other than None; arguments and errors as in `check`."""
        raise NotImplementedError

    def check_limits(self) -> None:
        """Validate the keys in combination.

        Raises:
            ValueError: They contradict each other.
        """

    def check_default(self) -> None:
        """Validate a default in pipeline.toml.

        Raises:
            ValueError: It would not be a valid value.
        """
        self.check(self.default, None)

    def limits(self, context: Context) -> dict[str, object]:
        """Return the limits for a form, by key."""
        return {}

    def offered(self, context: Context) -> tuple[Choice, ...] | None:
        """Return the choices. None: this type has no list of choices."""
        return None


def expect_text(value: object, what: str) -> str:
    """Return a value if it is a text.

    Raises:
        ValueError: It has another type.
    """
    if not isinstance(value, str):
        msg = f"must be {what}; {shown(value)} was given"
        raise ValueError(msg)
    return value
