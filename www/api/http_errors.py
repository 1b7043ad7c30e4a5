"""Refusals: why something is not done, as HTTP has it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from slipway.model.answers import WrongAnswers
from slipway.model.errors import Forbidden, MissingTool, SlipwayError

#: So many wrong fields are told.
_MOST = 50


class Refused(SlipwayError):
    """A request that is not done."""

    def __init__(self, status: int, sentence: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = _encodable(sentence)
        self.fields = {_encodable(key): _encodable(told) for key, told in (fields or {}).items()}


def not_found(what: str) -> Refused:
    """Return the refusal of what is not there."""
    return Refused(404, what)


def of_error(error: SlipwayError, *, signed_in: bool, wrong: int) -> Refused:
    """Return an error as a refusal.

    Args:
        error: The error.
        signed_in: Whether it is known who asks.
        wrong: The status of wrong input: 400, or 409 where the state of things refuses it.
    """
    if isinstance(error, WrongAnswers):
        return Refused(400, "some answers are not as they must be", error.errors)
    if isinstance(error, Forbidden):
        return Refused(403 if signed_in else 401, str(error))
    if isinstance(error, MissingTool):
        return Refused(503, str(error))
    return Refused(wrong, str(error))


def of_validation(error: ValidationError, where: str) -> Refused:
    """Return what is wrong with a query or a body, field by field.

    Args:
        error: What pydantic found.
        where: "query" or "body".
    """
    fields: dict[str, str] = {}
    for one in error.errors(include_url=False, include_input=False)[:_MOST]:
        name = ".".join(str(part) for part in one["loc"]) or where
        told = one["msg"].removeprefix("Value error, ")
        if one["type"] == "extra_forbidden":
            told = "is not known here"
        elif one["type"] == "string_pattern_mismatch":
            told = "holds characters that are not allowed"
        fields.setdefault(_printable(name), told[:1].lower() + told[1:])
    name, told = next(iter(fields.items()))
    return Refused(400, f"{where}: {name}: {told}", fields)


def _encodable(text: str) -> str:
    # What came as JSON may hold half of a surrogate pair.
    return text.encode("utf-8", "replace").decode()


def _printable(name: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in name)[:100]
