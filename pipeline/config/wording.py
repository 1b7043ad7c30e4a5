"""Validation errors as sentences: the value, what is allowed, did you mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from slipway.config.lines import Path
from slipway.model.graph import did_you_mean
from slipway.model.site import Site
from slipway.model.stage import KINDS

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def key_path(loc: tuple[str | int, ...], data: Any) -> Path:
    """Return the keys of the file that an error is about, without pydantic's own marks in it."""
    path: list[str | int] = []
    here = data
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        inside = isinstance(here, dict) and part in here
        listed = isinstance(here, list) and isinstance(part, int) and part < len(here)
        if inside or listed:
            here = here[part]
        elif not (last and isinstance(here, dict) and part not in (*KINDS, "[key]")):
            continue
        path.append(part)
    return tuple(path)


def dotted(path: Path) -> str:
    """Write a path as TOML does: project.almanac.stages.tests.suites[0].runner."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            word = part if _PLAIN_KEY.fullmatch(part) else f'"{part}"'
            text += f".{word}" if text else word
    return text


def sentence(error: Mapping[str, Any], path: Path) -> str:
    """Write one pydantic error as a sentence."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if path and path[-1] == "password" and isinstance(value, str):
        # What was written may be the secret itself.
        return 'write where it is kept: { env = "NAME" } or { file = "path" }, never the secret'
    if kind == "extra_forbidden":
        return _unknown_key(str(path[-1]), known_keys(error["loc"][:-1]))
    if kind == "union_tag_invalid":
        return f"unknown kind of stage: {_choice(str(context['tag']), list(KINDS))}"
    if kind == "literal_error":
        return _choice(value, re.findall(r"'([^']*)'", context["expected"]))
    if kind == "string_pattern_mismatch":
        return f"{_shown(value)} does not fit {context['pattern']}{_hint(path)}"
    fixed = {
        "missing": "is missing; it cannot be guessed, write it down",
        "union_tag_not_found": f"uses is missing; write what the stage does: {_quoted(KINDS)}",
        "value_error": str(context.get("error")),
        "tuple_type": f"{_shown(value)} is not allowed; write a list: [...]",
        "dict_type": f"{_shown(value)} is not allowed; write a table",
        "model_type": f"{_shown(value)} is not allowed; write a table: {{ key = ... }}",
        "model_attributes_type": f"{_shown(value)} is not allowed; write a table",
    }
    return fixed.get(kind) or f"{_shown(value)} is not allowed: {_lower(error['msg'])}"


def _unknown_key(key: str, known: list[str]) -> str:
    told = did_you_mean(key, known)
    if not told and known:
        told = f" Allowed: {', '.join(sorted(known))}."
    return f'unknown key "{key}".{told}'


def _choice(value: Any, allowed: list[str]) -> str:
    return (
        f"{_shown(value)} is not allowed; allowed: {_quoted(allowed)}."
        f"{did_you_mean(str(value), allowed)}"
    )


_HINTS = {
    "metadata": ' (module:attribute, such as "app.models:Base.metadata")',
    "url": ' (such as "http://localhost:8010/", with the slash at its end)',
    "database": ' (such as "sqlite:///state.sqlite" or "postgresql://user@host/slipway")',
}
_NAME_HINT = " (lower-case letters, digits, - and _, a letter first)"


def _hint(path: Path) -> str:
    return _HINTS.get(str(path[-1]), _NAME_HINT)


def _quoted(words: Any) -> str:
    return ", ".join(f'"{word}"' for word in words)


def _shown(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004  one line of a terminal


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def known_keys(loc: tuple[str | int, ...]) -> list[str]:
    """Return the keys that the model knows at a place pydantic named."""
    model: Any = Site
    for part in loc:
        model = _step(model, part)
        if model is None:
            return []
    for one in (model, *get_args(model)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return [field.alias or name for name, field in one.model_fields.items()]
    return []


def _step(model: Any, part: str | int) -> Any:
    """Follow one part of a pydantic location down the model's types."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        fields = model.model_fields.items()
        return next((f.annotation for name, f in fields if part in (f.alias, name)), None)
    if get_origin(model) is dict:
        return get_args(model)[1]
    if isinstance(part, str) and part in KINDS:
        return KINDS[part]
    choices = [a for a in get_args(model) if isinstance(a, type) and a is not type(None)]
    if choices and issubclass(choices[0], BaseModel) and isinstance(part, str):
        return _step(choices[0], part)
    return choices[0] if choices else None
