"""Build the request of a submitted form, as browsers do."""

from __future__ import annotations

import mimetypes
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit

from slipway.sessions.errors import SessionError, Unsupported
from slipway.sessions.http.fields import (
    BUTTONS,
    CHOICES,
    chosen,
    controls,
    is_checked,
    is_disabled,
    kind,
    option_value,
    value,
)
from slipway.sessions.http.page import Page, known_charset

__all__ = ["Entry", "Submission", "submission"]

_MULTIPART = "multipart/form-data"
_PLAIN = "text/plain"
_URLENCODED = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Submission:
    """The request of a form."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Entry = tuple[str, "str | Path | None"]
"""A name with its text, its file, or no file."""


def submission(page: Page, form: Any, button: Any = None) -> Submission:
    """Return the request of a form.

    Args:
        page: The page that the form is on.
        form: The form.
        button: The pressed button; it sends its name and value and may override the address.

    Raises:
        Unsupported: The form's target is a script or a mail address.
        SessionError: A file to send cannot be read.
    """
    method = _form_attribute(form, button, "method", "get").lower()
    if method == "dialog":
        raise Unsupported("a form of a dialog needs a browser; tag the scenario @javascript")
    action = _form_attribute(form, button, "action", "").strip()
    url = page.absolute(action) if action else page.url
    scheme = urlsplit(url).scheme.lower()
    if scheme not in {"http", "https"}:
        sentence = (
            "a form sent by a script" if scheme == "javascript" else f"a form sent to {scheme}:"
        )
        raise Unsupported(f"{sentence} needs a browser; tag the scenario @javascript")
    charset = _charset(page, form)
    entries = [(_newlines(n), v) for n, v in _entries(page, form, button, charset)]
    if method != "post":
        parts = urlsplit(url)
        return Submission("GET", parts._replace(query=_urlencoded(entries, charset)).geturl())
    return _post(
        url, _form_attribute(form, button, "enctype", _URLENCODED).lower(), entries, charset
    )


def _post(url: str, enctype: str, entries: list[Entry], charset: str) -> Submission:
    if enctype == _MULTIPART:
        boundary = f"----slipway{secrets.token_hex(12)}"
        body = b"".join(_multipart(entries, charset, boundary))
        content_type = f"{_MULTIPART}; boundary={boundary}"
    elif enctype == _PLAIN:
        body = "".join(f"{n}={_text(v)}\r\n" for n, v in entries).encode(charset, "replace")
        content_type = _PLAIN
    else:
        body = _urlencoded(entries, charset).encode()
        content_type = _URLENCODED
    return Submission("POST", url, {"Content-Type": content_type}, body)


def _form_attribute(form: Any, button: Any, name: str, default: str) -> str:
    value = None if button is None else button.get(f"form{name}")
    return str((form.get(name) or default) if value is None else value or default)


def _charset(page: Page, form: Any) -> str:
    for declared in (form.get("accept-charset") or "").replace(",", " ").split():
        name = known_charset(declared)
        if name:
            return name
    return "utf-8" if page.charset.startswith("utf-16") else page.charset


def _entries(page: Page, form: Any, button: Any, charset: str) -> Iterator[Entry]:
    for node in controls(page, form):
        what = kind(node)
        is_omitted = what in BUTTONS and node is not button
        if (
            is_omitted
            or is_disabled(node)
            or next(node.iterancestors("datalist"), None) is not None
        ):
            continue
        name = node.get("name") or ""
        if what == "image":
            start = f"{name}." if name else ""
            yield f"{start}x", "0"
            yield f"{start}y", "0"
        elif not name or (what in CHOICES and not is_checked(page, node)):
            continue
        elif what == "select":
            yield from (
                (name, option_value(one)) for one in chosen(page, node) if not is_disabled(one)
            )
        elif what == "file":
            yield from ((name, file) for file in page.fields.get(node) or (None,))
        elif what == "hidden" and name.lower() == "_charset_":
            yield name, charset
        else:
            yield name, value(page, node)


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


def _text(value: str | Path | None) -> str:
    """Return an entry as text; for a file its name."""
    if isinstance(value, str):
        return _newlines(value)
    return "" if value is None else value.name


def _urlencoded(entries: list[Entry], charset: str) -> str:
    return "&".join(f"{_quoted(n, charset)}={_quoted(_text(v), charset)}" for n, v in entries)


def _quoted(text: str, charset: str) -> str:
    data = text.encode(charset, "xmlcharrefreplace")
    return quote_plus(data, safe="*").replace("~", "%7E")


def _multipart(entries: list[Entry], charset: str, boundary: str) -> Iterator[bytes]:
    for name, entry in entries:
        yield f"--{boundary}\r\nContent-Disposition: form-data; name=".encode()
        yield _in_quotes(name, charset)
        if isinstance(entry, str):
            yield b"\r\n\r\n" + _newlines(entry).encode(charset, "xmlcharrefreplace")
        else:
            yield b"; filename=" + _in_quotes(entry.name if entry else "", charset)
            yield f"\r\nContent-Type: {_media_type(entry)}\r\n\r\n".encode()
            yield _content(entry)
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def _in_quotes(text: str, charset: str) -> bytes:
    data = text.encode(charset, "xmlcharrefreplace")
    data = data.replace(b'"', b"%22").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
    return b'"' + data + b'"'


def _media_type(file: Path | None) -> str:
    guessed = mimetypes.guess_type(file.name)[0] if file else None
    return guessed or "application/octet-stream"


def _content(file: Path | None) -> bytes:
    if file is None:
        return b""
    try:
        return file.read_bytes()
    except OSError as wrong:
        raise SessionError(f"{file} cannot be sent: {wrong.strerror}") from None
