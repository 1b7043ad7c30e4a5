"""What every parameter is: a name, a label, a default, and one place that checks values."""

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

#: What is stored and shown of an answer, ready for JSON.
Value = str | int | bool | list[str] | None
Source = Literal["last", "version", "revision", "branch"]

Line = Annotated[str, AfterValidator(clean)]
_VARIABLE = "SLIPWAY_PARAM_"


def variable(name: str) -> str:
    """Return the environment variable a parameter's value is handed over in."""
    return _VARIABLE + name.replace("-", "_").upper()


class Choice(Part):
    """One thing that may be chosen."""

    value: Line = Field(min_length=1, max_length=255)
    """What is stored and handed over."""
    label: Line | None = Field(default=None, max_length=255)
    """What people see. None: the value."""


class Origin(Part):
    """A default that is looked up when the gate asks."""

    # "from" is a word of Python's own: it goes out as it came in, however the part is dumped.
    model_config = ConfigDict(serialize_by_alias=True)

    from_: Source = Field(alias="from")
    """`last`: the last deployment's value; else the run's own version, revision or branch."""


@dataclass(frozen=True)
class Context:
    """What parameters may depend on, at the moment a gate asks.

    Attributes:
        today: The date, where the people are.
        version: The run's version.
        revision: The run's revision.
        branch: The run's branch.
        last: The values of the last deployment, by parameter.
        releases: The releases that may be chosen, the newest first.
        environments: The environments that may be chosen.
        choices: What programs named by `choices-from` have printed, by parameter.
    """

    today: date
    version: str = ""
    revision: str = ""
    branch: str = ""
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

    #: Where this type's default may come from.
    sources: ClassVar[tuple[Source, ...]] = ("last",)

    name: Name
    """How scripts and the command line call it: `$SLIPWAY_PARAM_NAME`, in capitals."""
    type: str
    label: Line | None = Field(default=None, min_length=1, max_length=100)
    """What people see. None: made from the name."""
    help: Line | None = Field(default=None, max_length=500)
    """A sentence that helps to answer."""
    required: bool = Field(default=False, strict=True)
    """True: it must be answered, here or by a default."""
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
                told = {"key": "default", "error": str(error)}
                raise PydanticCustomError("key_error", "default: {error}", told) from None
        return self

    @property
    def title(self) -> str:
        """What people see."""
        return self.label or self.name.replace("-", " ").replace("_", " ").strip().capitalize()

    def check(self, value: object, context: Context | None) -> Value:
        """Check one answer.

        Args:
            value: The answer as JSON has it; None: unanswered.
            context: What the answer may depend on. None: only what can be told without it.

        Returns:
            The answer in its one form; checked again, it stays the same.

        Raises:
            ValueError: A sentence that says what is allowed; the parameter's name is not in it.
        """
        if value is None:
            return self.unanswered()
        return self.accept(value, context)

    def unanswered(self) -> Value:
        """Return what stands for no answer.

        Raises:
            ValueError: It must be answered.
        """
        if self.required:
            msg = "must be answered"
            raise ValueError(msg)
        return None

    def accept(self, value: object, context: Context | None) -> Value:
        """Check an answer that is there; arguments and errors as those of `check`."""
        raise NotImplementedError

    def check_limits(self) -> None:
        """Check the keys against each other.

        Raises:
            ValueError: They contradict.
        """

    def check_default(self) -> None:
        """Check a default that stands in the file.

        Raises:
            ValueError: It would not be accepted as an answer.
        """
        self.check(self.default, None)

    def limits(self, context: Context) -> dict[str, object]:
        """Return what a form needs to know of the limits, by key."""
        return {}

    def offered(self, context: Context) -> tuple[Choice, ...] | None:
        """Return what may be chosen. None: this type is not chosen from a list."""
        return None


def expect_text(value: object, what: str) -> str:
    """Return a value that is a text.

    Raises:
        ValueError: It is something else.
    """
    if not isinstance(value, str):
        msg = f"must be {what}; {shown(value)} was given"
        raise ValueError(msg)
    return value
