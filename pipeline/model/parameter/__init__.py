"""Gate parameters: one typed definition for pipeline.toml, REST, the command line and forms."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from slipway.model.parameter.base import Choice, Context, Origin, Question, Value, variable
from slipway.model.parameter.choice import (
    ChoiceParameter,
    EnvironmentParameter,
    MultiChoiceParameter,
    ReleaseParameter,
    read_choices,
)
from slipway.model.parameter.date import DateParameter
from slipway.model.parameter.number import BooleanParameter, DecimalParameter, IntegerParameter
from slipway.model.parameter.text import SecretParameter, StringParameter, TextParameter

__all__ = [
    "PARAMETERS",
    "AnyParameter",
    "Choice",
    "Context",
    "Origin",
    "Parameters",
    "Question",
    "SecretParameter",
    "Value",
    "asks_changes",
    "read_choices",
    "variable",
]

AnyParameter = Annotated[
    StringParameter
    | TextParameter
    | IntegerParameter
    | DecimalParameter
    | BooleanParameter
    | ChoiceParameter
    | MultiChoiceParameter
    | DateParameter
    | ReleaseParameter
    | EnvironmentParameter
    | SecretParameter,
    Field(discriminator="type"),
]

PARAMETERS: dict[str, type[Question]] = {
    "string": StringParameter,
    "text": TextParameter,
    "integer": IntegerParameter,
    "decimal": DecimalParameter,
    "boolean": BooleanParameter,
    "choice": ChoiceParameter,
    "multi-choice": MultiChoiceParameter,
    "date": DateParameter,
    "release": ReleaseParameter,
    "environment": EnvironmentParameter,
    "secret": SecretParameter,
}


def asks_changes(parameter: Question) -> bool:
    """Return whether a parameter asks for the notes of a release, prepared from its commits."""
    default = parameter.default
    return isinstance(default, Origin) and default.from_ == "changes"


def _apart(parameters: tuple[Question, ...]) -> tuple[Question, ...]:
    """Refuse two parameters that map to the same environment variable."""
    seen: dict[str, str] = {}
    for parameter in parameters:
        name = variable(parameter.name)
        if name in seen:
            other = seen[name]
            problem = (
                "comes twice" if other == parameter.name else f'and "{other}" are both ${name}'
            )
            msg = f'"{parameter.name}" {problem}; give one another name'
            raise ValueError(msg)
        seen[name] = parameter.name
    return parameters


#: The parameters of a gate, in the order of the form.
Parameters = Annotated[tuple[AnyParameter, ...], Field(max_length=50), AfterValidator(_apart)]
