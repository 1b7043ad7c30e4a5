"""Turn validation errors into sentences: the value, what is allowed, a suggestion."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel

from slipway.config.line_numbers import Path
from slipway.model.kinds.registry import Kinds
from slipway.model.secrets.location import PLACES, SecretPlace
from slipway.model.site import Site
from slipway.model.spelling import did_you_mean

__all__ = ["TAGS", "dotted", "error_path", "key_path", "known_keys", "sentence", "tag_key"]

#: Pydantic's error types for a value of the wrong shape.
_MISSHAPEN = {
    *("model_type", "model_attributes_type", "dict_type", "tuple_type", "string_type"),
}
#: Discriminator keys of tables, and the word for what they discriminate.
TAGS = {"uses": "kind of stage", "type": "type of parameter", "kind": "kind"}
_ASK = {"uses": "write what the stage does", "type": "write what is asked"}
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def key_path(loc: tuple[str | int, ...], data: Any) -> Path:
    """Return the file's key path of an error, without pydantic's own location marks."""
    path: list[str | int] = []
    here = data
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        inside = isinstance(here, dict) and part in here
        listed = isinstance(here, list) and isinstance(part, int) and part < len(here)
        if inside or listed:
            here = here[part]
        elif not last or not isinstance(here, dict) or part == "[key]" or _is_tag(part, here):
            continue
        path.append(part)
    return tuple(path)


def error_path(error: Mapping[str, Any], data: Any) -> Path:
    """Return the file's key path of a pydantic error."""
    path = key_path(error["loc"], data)
    if error["type"] == "union_tag_invalid":
        return (*path, tag_key(error))
    if error["type"] == "key_error":
        return (*path, error["ctx"]["key"])
    return path


def _is_tag(part: str | int, table: Mapping[str, Any]) -> bool:
    """Return True if a location mark is the table's own kind, such as "tests" of a stage."""
    return any(table.get(key) == part for key in TAGS)


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
    """Return one pydantic error as a sentence."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind in _MISSHAPEN and _is_place(error["loc"]):
        # The input may be the secret itself.
        return f"write where it is kept: {PLACES}, never the secret"
    if kind == "extra_forbidden":
        return _unknown_key(str(path[-1]), known_keys(error["loc"][:-1]))
    if kind.startswith("union_tag"):
        return _about_kind(error)
    if kind == "literal_error":
        return _choice(value, re.findall(r"'([^']*)'", context["expected"]))
    if kind == "string_pattern_mismatch":
        return f"{_shown(value)} does not fit {context['pattern']}{_hint(path)}"
    fixed = {
        "missing": "is missing; it cannot be guessed, write it down",
        "value_error": str(context.get("error")),
        "key_error": str(context.get("error")),
        "tuple_type": f"{_shown(value)} is not allowed; write a list: [...]",
        "dict_type": f"{_shown(value)} is not allowed; write a table",
        "model_type": f"{_shown(value)} is not allowed; write a table: {{ key = ... }}",
        "model_attributes_type": f"{_shown(value)} is not allowed; write a table",
    }
    return fixed.get(kind) or f"{_shown(value)} is not allowed: {_lower(error['msg'])}"


def _is_place(loc: tuple[str | int, ...]) -> bool:
    """Return True if a location is that of a secret's place, or of a part of one."""
    for count in range(1, len(loc) + 1):
        found = _at(loc[:count])
        types = (one for one in (found, *get_args(found)) if isinstance(one, type))
        if any(issubclass(one, SecretPlace) for one in types):
            # "secrets" itself is a table of them, with a name between.
            return "branches" not in loc[count : count + 2]
    return False


def _about_kind(error: Mapping[str, Any]) -> str:
    key, tag = tag_key(error), error["ctx"].get("tag")
    found = _at(error["loc"])
    members = _members(found)
    if tag is None:
        return f"{key} is missing; {_ASK.get(key, 'write which')}: {_quoted(members)}"
    if isinstance(found, Kinds) and (why := found.why_not(str(tag))):
        return why
    return f"unknown {TAGS[key]}: {_choice(str(tag), list(members))}"


def tag_key(error: Mapping[str, Any]) -> str:
    """Return the discriminator key of an error about a kind."""
    return str(error["ctx"]["discriminator"]).strip("'")


def _unknown_key(key: str, known: list[str]) -> str:
    hint = did_you_mean(key, known)
    if not hint and known:
        hint = f" Allowed: {', '.join(sorted(known))}."
    return f'unknown key "{key}".{hint}'


def _choice(value: Any, allowed: list[str]) -> str:
    return (
        f"{_shown(value)} is not allowed; allowed: {_quoted(allowed)}."
        f"{did_you_mean(str(value), allowed)}"
    )


_HINTS = {
    "metadata": ' (module:attribute, such as "app.models:Base.metadata")',
    "email": ' (such as "ann@example.org")',
    "header": ' (such as "X-Remote-User")',
    "server": ' (such as "https://gitlab.com")',
    "url": ' (such as "http://localhost:8010/", with the slash at its end)',
    "database": ' (such as "sqlite:///state.sqlite" or "postgresql://user@host/slipway")',
}
_PERSON_HINT = " (letters, digits and . _ @ + -, a letter or digit first)"
_VARIABLE_HINT = " (the name of an environment variable: letters, digits and _, no digit first)"
_NAME_HINT = " (lower-case letters, digits, - and _, a letter first)"


def _hint(path: Path) -> str:
    if len(path) == 2 and path[0] == "people":  # noqa: PLR2004  people.NAME
        return _PERSON_HINT
    if path[4:5] == ("secrets",):
        return _VARIABLE_HINT
    return _HINTS.get(str(path[-1]), _NAME_HINT)


def _quoted(words: Any) -> str:
    return ", ".join(f'"{word}"' for word in words)


def _shown(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004  one line of a terminal


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def known_keys(loc: tuple[str | int, ...]) -> list[str]:
    """Return the keys that the model knows at a pydantic location."""
    model = _at(loc)
    for one in (model, *get_args(model)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return [field.alias or name for name, field in one.model_fields.items()]
    return []


def _at(loc: tuple[str | int, ...]) -> Any:
    """Return the model's type at a pydantic location, or None."""
    model: Any = Site
    for part in loc:
        model = _plain(_step(model, part))
        if model is None:
            break
    return model


def _step(model: Any, part: str | int) -> Any:
    """Descend one part of a pydantic location in the model's types."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        fields = model.model_fields.items()
        field = next((f for name, f in fields if part in (f.alias, name)), None)
        kinds = (one for one in field.metadata if isinstance(one, Kinds)) if field else ()
        return next(iter(kinds), field and field.annotation)
    if get_origin(model) is dict:
        return get_args(model)[1]
    if get_origin(model) is tuple and isinstance(part, int):
        return get_args(model)[0]
    members = _members(model)
    if part in members:
        return members[str(part)]
    choices = [a for a in get_args(model) if isinstance(a, type) and a is not type(None)]
    if isinstance(model, Kinds):
        choices = list(model.members.values())
    if choices and issubclass(choices[0], BaseModel) and isinstance(part, str):
        return _step(choices[0], part)
    return choices[0] if choices else None


def _plain(model: Any) -> Any:
    """Return a type without its Annotated metadata, but with its discriminated members."""
    if get_origin(model) is not Annotated:
        return model
    return next((one for one in get_args(model) if isinstance(one, Kinds)), get_args(model)[0])


def _members(model: Any) -> dict[str, type[BaseModel]]:
    """Return the members of a union of tables, by their discriminator's values."""
    if isinstance(model, Kinds):
        return dict(model.members)
    found: dict[str, type[BaseModel]] = {}
    for one in get_args(model):
        if isinstance(one, type) and issubclass(one, BaseModel):
            for key in TAGS:
                field = one.model_fields.get(key)
                if field is not None and get_origin(field.annotation) is Literal:
                    found |= dict.fromkeys(get_args(field.annotation), one)
    return found
