"""Map errors to HTTP responses."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from slipway.model.answers import WrongAnswers
from slipway.model.errors import Forbidden, MissingTool, SlipwayError

__all__ = ["Refused", "not_found", "of_error", "of_validation"]

#: Maximum number of wrong fields that are reported.
_MOST = 50


class Refused(SlipwayError):
    """A request that is refused, with its HTTP status."""

    def __init__(self, status: int, sentence: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = _encodable(sentence)
        self.fields = {_encodable(key): _encodable(text) for key, text in (fields or {}).items()}


def not_found(what: str) -> Refused:
    """Return the 404 error for a missing thing."""
    return Refused(404, what)


def of_error(error: SlipwayError, *, signed_in: bool, wrong: int) -> Refused:
    """Convert an error.

    Args:
        error: The error.
        signed_in: True if the person is known.
        wrong: The status for wrong input: 400, or 409 if a state does not allow the action.
    """
    if isinstance(error, WrongAnswers):
        return Refused(400, "some answers are not as they must be", error.errors)
    if isinstance(error, Forbidden):
        return Refused(403 if signed_in else 401, str(error))
    if isinstance(error, MissingTool):
        return Refused(503, str(error))
    return Refused(wrong, str(error))


def of_validation(error: ValidationError, where: str) -> Refused:
    """Convert validation errors of a query or a body, with a sentence for each field.

    Args:
        error: Pydantic's error.
        where: "query" or "body".
    """
    fields: dict[str, str] = {}
    for one in error.errors(include_url=False, include_input=False)[:_MOST]:
        name = ".".join(str(part) for part in one["loc"]) or where
        sentence = one["msg"].removeprefix("Value error, ")
        if one["type"] == "extra_forbidden":
            sentence = "is not known here"
        elif one["type"] == "string_pattern_mismatch":
            sentence = "holds characters that are not allowed"
        fields.setdefault(_printable(name), sentence[:1].lower() + sentence[1:])
    name, sentence = next(iter(fields.items()))
    return Refused(400, f"{where}: {name}: {sentence}", fields)


def _encodable(text: str) -> str:
    # JSON input may contain an unpaired surrogate.
    return text.encode("utf-8", "replace").decode()


def _printable(name: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in name)[:100]
