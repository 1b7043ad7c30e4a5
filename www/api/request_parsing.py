"""Parse the query and the body of a request, before validation."""

from __future__ import annotations

import json
from typing import Any, get_origin

from slipway.www.api.http_errors import Refused
from slipway.www.shapes.base import Asked

__all__ = ["LARGEST", "read_body", "read_query"]

#: Maximum bytes of a body.
LARGEST = 256 * 1024
_DEEPEST = "the body is nested too deeply"


def read_query(request: Any, shape: type[Asked]) -> dict[str, Any]:
    """Return a query's parameters as texts, those of a list as lists.

    Raises:
        Refused: A parameter is no UTF-8, or a single-valued one comes twice.
    """
    found: dict[str, Any] = {}
    for raw, values in request.args.items():
        name = _text(raw)
        texts = [_text(value) for value in values]
        field = shape.model_fields.get(name)
        if field is not None and get_origin(field.annotation) is list:
            found[name] = texts
        elif len(texts) > 1:
            raise Refused(400, f"query: {name[:100]}: comes {len(texts)} times; write it once")
        else:
            found[name] = texts[0]
    return found


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Refused(400, "query: it is no UTF-8 text") from None


def read_body(request: Any) -> dict[str, Any]:
    """Parse a body, which must be a JSON object.

    Raises:
        Refused: The body is too large, not declared as JSON, or invalid.
    """
    kind = (request.getHeader("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, "the body must be JSON; send Content-Type: application/json")
    body = request.content.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise Refused(413, f"the body has more than {LARGEST:,} bytes")
    try:
        found = json.loads(body, parse_constant=_no_number)
    except RecursionError:
        raise Refused(400, _DEEPEST) from None
    except ValueError as error:
        raise Refused(400, f"the body is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise Refused(400, "the body must be a JSON object, such as {}")
    return found


def _no_number(name: str) -> Any:
    msg = f"{name} is no JSON number"
    raise ValueError(msg)
