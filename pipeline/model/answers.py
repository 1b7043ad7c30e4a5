"""Validate a gate's parameter values; used by the REST API, the command line and forms."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import SecretStr

from slipway.model.errors import WrongInput
from slipway.model.parameter import (
    Context,
    Origin,
    Question,
    SecretParameter,
    Value,
    variable,
)
from slipway.model.parameter.characters import shown
from slipway.model.parameter.date import DateParameter, resolve_day
from slipway.model.spelling import did_you_mean

__all__ = ["Answers", "WrongAnswers", "as_environment", "check_answers", "spec"]

#: Maximum number of unknown parameters in a message.
_MOST_UNKNOWN = 10


class WrongAnswers(WrongInput):
    """Invalid parameter values, all at once.

    Attributes:
        errors: A sentence for each invalid parameter.
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__("\n".join(f"{name}: {sentence}" for name, sentence in self.errors.items()))


@dataclass(frozen=True)
class Answers:
    """Validated parameter values.

    Attributes:
        values: The values except secrets, ready for JSON: may be stored and displayed.
        secrets: The given secrets; must never be stored or displayed.
    """

    values: Mapping[str, Value]
    secrets: Mapping[str, SecretStr] = field(default_factory=dict, repr=False)


def check_answers(
    parameters: Sequence[Question], given: Mapping[str, object], context: Context
) -> Answers:
    """Validate parameter values as decoded from JSON, without type coercion.

    Args:
        parameters: The gate's parameters.
        given: The values by parameter; missing ones take their default, None means no value.
        context: The context of defaults and choices.

    Returns:
        A value for every parameter. Validation is idempotent.

    Raises:
        WrongAnswers: All invalid values at once.
    """
    errors = _unknown(parameters, given)
    values: dict[str, Value] = {}
    secrets: dict[str, SecretStr] = {}
    for parameter in parameters:
        try:
            value = _answer(parameter, given, context)
        except ValueError as error:
            errors[parameter.name] = str(error)
            continue
        if not isinstance(parameter, SecretParameter):
            values[parameter.name] = value
        elif value is not None:
            secrets[parameter.name] = SecretStr(str(value))
    if errors:
        raise WrongAnswers(errors)
    return Answers(values, secrets)


def spec(parameters: Sequence[Question], context: Context) -> list[dict[str, object]]:
    """Describe parameters for a web dialog or the command line, ready for JSON, without secrets.

    Returns:
        For each parameter `name`, `type`, `label`, `help`, `required`, `default` (if it is valid
        now, or null), `last` (the last deployment's value, or null), `choices` (a list of `value`
        and `label`, or null) and `limits`.
    """
    return [
        {
            "name": parameter.name,
            "type": parameter.type,
            "label": parameter.title,
            "help": parameter.help,
            "required": parameter.required,
            "default": _prefilled(parameter, context),
            "last": _last(parameter, context),
            "choices": _choices(parameter, context),
            "limits": parameter.limits(context),
        }
        for parameter in parameters
    ]


def _as_text(value: Value) -> str:
    """Return a value as text for an environment variable; no value is an empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def as_environment(values: Mapping[str, Value], secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    """Return values as environment variables for a program: SLIPWAY_PARAM_NAME."""
    plain = {variable(name): _as_text(value) for name, value in values.items()}
    return plain | {variable(name): one.get_secret_value() for name, one in secrets.items()}


def _answer(parameter: Question, given: Mapping[str, object], context: Context) -> Value:
    """Return one parameter's validated value.

    Raises:
        ValueError: The given value, or the default, is not allowed.
    """
    if parameter.name in given:
        return parameter.check(given[parameter.name], context)
    default = _default(parameter, context)
    try:
        return parameter.check(default, context)
    except ValueError as error:
        if default is None:
            raise
        msg = f"must be answered, since its default is not allowed now: {error}"
        raise ValueError(msg) from None


def _default(parameter: Question, context: Context) -> object:
    default = parameter.default
    if isinstance(default, Origin):
        if default.from_ == "last":
            return context.last.get(parameter.name)
        return getattr(context, default.from_) or None
    if isinstance(parameter, DateParameter) and isinstance(default, str):
        return resolve_day(default, context.today)
    return default


def _prefilled(parameter: Question, context: Context) -> Value:
    if isinstance(parameter, SecretParameter):
        return None
    default = _default(parameter, context)
    if default is None:
        return None
    try:
        return parameter.check(default, context)
    except ValueError:
        return None


def _last(parameter: Question, context: Context) -> Value:
    value = context.last.get(parameter.name)
    if isinstance(parameter, SecretParameter):
        return None
    if isinstance(value, list | tuple):
        return [one for one in value if isinstance(one, str)]
    return value if isinstance(value, str | int | bool) else None


def _choices(parameter: Question, context: Context) -> list[dict[str, str]] | None:
    program = getattr(parameter, "choices_from", None)
    offered = parameter.offered(context)
    # A program's choices are hidden from people who may not open the gate.
    if offered is None or (program is not None and parameter.name not in context.choices):
        return None
    return [{"value": one.value, "label": one.label or one.value} for one in offered]


def _unknown(parameters: Sequence[Question], given: Mapping[str, object]) -> dict[str, str]:
    known = [parameter.name for parameter in parameters]
    strange = [name for name in given if name not in known]
    there = f"this gate asks for {', '.join(known)}." if known else "this gate asks for nothing."
    return {
        shown(name)[1:-1]: f"is no parameter; {there}{did_you_mean(name, known)}"
        for name in strange[:_MOST_UNKNOWN]
    }
