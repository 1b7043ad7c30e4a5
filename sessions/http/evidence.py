"""Collect evidence of a page over plain HTTP when a step has failed: the page and its requests."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

from slipway.sessions.http.page import Page
from slipway.sessions.http.transport import Exchange, without_password

__all__ = ["shown_exchanges", "shown_page"]

_MOST = 5 << 20
_SECRET = re.compile(r"auth|token|secret|password|api-?key|session", re.IGNORECASE)
_COOKIE_VALUE = re.compile(r"(^|;\s*)([^=;]+)=[^;]*")


def shown_page(page: Page) -> bytes:
    """Return a page as UTF-8; the byte order mark overrides the encoding that the page declares."""
    data = codecs.BOM_UTF8 + page.source.encode(errors="replace")
    if len(data) > _MOST:
        data = data[:_MOST] + f"\n<!-- cut: {len(data)} bytes in all -->".encode()
    return data


def shown_exchanges(exchanges: Iterable[Exchange], url: str) -> bytes:
    """Return requests and answers as text, without credentials."""
    lines = [f"page: {without_password(url)}", ""]
    for one in exchanges:
        lines.append(f"{one.method} {without_password(one.url)}")
        lines += [f"{name}: {_masked(name, value)}" for name, value in one.sent]
        if one.body_size:
            lines.append(f"({one.body_size} bytes)")
        lines += ["", one.status or "no answer"]
        lines += [f"{name}: {_masked(name, value)}" for name, value in one.received]
        lines.append("")
    return "\n".join(lines).encode(errors="replace")


def _masked(name: str, value: str) -> str:
    lower = name.lower()
    if lower == "set-cookie":
        first, semicolon, rest = value.partition(";")
        return f"{first.partition('=')[0]}=***{semicolon}{rest}"
    if lower == "cookie":
        return _COOKIE_VALUE.sub(r"\1\2=***", value)
    if lower in {"location", "referer"}:
        return without_password(value)
    return "***" if _SECRET.search(lower) and lower != "www-authenticate" else value
