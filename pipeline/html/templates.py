"""Render templates of pages: every text is escaped; an undefined name is an error.

A template is named by its package and file, `slipway.html/page.html.j2`. Its texts come from
commits, logs and people: every value that is not `Markup` is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Protocol, cast
from urllib.parse import quote

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from slipway.html.theme import variables

__all__ = [
    "Macros",
    "asset",
    "beside",
    "clean",
    "environment",
    "is_link",
    "load",
    "macros",
    "render",
]

_SCHEME = re.compile(r"[^/?#]*?:")
_FOLLOWED = re.compile(r"(?:https?|mailto):", re.IGNORECASE)


class Macros(Protocol):
    """A template's macros: each takes values and returns HTML."""

    def __getattr__(self, name: str) -> Callable[..., Markup]:
        """Return a macro."""


def render(name: str, **given: Any) -> str:
    """Return a page or a part of one.

    Args:
        name: The template.
        given: The template's variables.
    """
    return environment().get_template(name).render(given)


def load(*names: str) -> None:
    """Compile templates that are needed soon."""
    for name in names:
        environment().get_template(name)


def macros(name: str) -> Macros:
    """Return the macros of a template."""
    return cast("Macros", environment().get_template(name).module)


def clean(text: str) -> str:
    """Return a text without characters that are invalid in a page or change the text direction.

    Control characters, surrogates, line breaks and direction marks become spaces.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else " " for sign in text)


def is_link(address: str) -> bool:
    """Return True if an address may become a link: web, mail, or a relative path."""
    # Browsers ignore these characters in an address; they could hide its scheme.
    if address != clean(address).strip() or "\\" in address or address.startswith("//"):
        return False
    return not _SCHEME.match(address) or bool(_FOLLOWED.match(address))


def beside(*path: str) -> str:
    """Return the relative address of a file beside the page, or in a folder there."""
    # "./" keeps a name like "data:x" from being parsed as a scheme.
    return "./" + "/".join(quote(part, errors="replace") for part in path)


@cache
def asset(name: str) -> Markup:
    """Return a style sheet or a script of ours, for embedding in a page.

    Args:
        name: Its package and file, as `slipway.html/page.css`.
    """
    text = _read(name)
    if "</" in text:
        msg = f'{name} holds "</", which would end the element that it is in; write it otherwise'
        raise ValueError(msg)
    return Markup(text)  # noqa: S704  a file of this package


@cache
def environment() -> Environment:
    """Return the environment of all templates."""
    made = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    made.globals.update(asset=asset, beside=beside, palette=_palette)
    made.tests["link"] = is_link
    return made


def _palette(selector: str, *, dark: bool = True) -> Markup:
    return Markup(variables(selector, dark=dark))  # noqa: S704  a selector in a template, no data


def _shown(value: object) -> object:
    """Return a value that is about to be escaped, cleaned; HTML passes unchanged."""
    if isinstance(value, Markup):
        return value
    text = str(value)
    return text if text.isprintable() else clean(text)


def _read(name: str) -> str:
    package, _, file = name.partition("/")
    return files(package).joinpath(file).read_text(encoding="utf-8")
