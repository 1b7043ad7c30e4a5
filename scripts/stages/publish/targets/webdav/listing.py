"""Read what a WebDAV server says is in a folder (RFC 4918, and RFC 4331 for quotas)."""

from __future__ import annotations

import email.utils
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

__all__ = ["ASKED", "Entry", "Unreadable", "read_entries"]

#: The body of a request for all that is needed.
ASKED = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/>'
    b"<quota-available-bytes/></prop></propfind>"
)


class Unreadable(Exception):
    """The answer is no list of properties."""


@dataclass(frozen=True)
class Entry:
    """One thing in a folder, or the folder itself."""

    name: str
    """The last part of its path."""
    path: str
    """Its path at the server."""
    is_folder: bool
    size: int | None = None
    changed: float | None = None
    """Seconds since 1970, by the server's clock."""
    room: int | None = None
    """Bytes that may still be written there."""


def read_entries(data: bytes) -> list[Entry]:
    """Return what a 207 answer lists.

    Raises:
        Unreadable: It is no such answer, or declares entities, which no server does.
    """
    if b"\0" in data or b"<!" in data.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        msg = "it declares a document type"
        raise Unreadable(msg)
    try:
        root = ET.fromstring(data)  # noqa: S314  without entities nothing grows
    except ET.ParseError as error:
        msg = f"it is no XML: {error}"
        raise Unreadable(msg) from None
    if root.tag != "{DAV:}multistatus":
        msg = "it is no multistatus"
        raise Unreadable(msg)
    return list(_entries(root))


def _entries(root: ET.Element) -> Iterator[Entry]:
    for response in root.iterfind("{DAV:}response"):
        path = unquote(urlsplit((response.findtext("{DAV:}href") or "").strip()).path)
        found: dict[str, ET.Element] = {}
        for part in response.iterfind("{DAV:}propstat"):
            if " 200" in (part.findtext("{DAV:}status") or ""):
                found |= {one.tag: one for one in part.iterfind("{DAV:}prop/*")}
        kind = found.get("{DAV:}resourcetype")
        yield Entry(
            name=path.rstrip("/").rpartition("/")[2],
            path=path,
            is_folder=kind is not None and kind.find("{DAV:}collection") is not None,
            size=_number(found, "getcontentlength"),
            changed=_time(found),
            room=_number(found, "quota-available-bytes"),
        )


def _number(found: dict[str, ET.Element], name: str) -> int | None:
    element = found.get(f"{{DAV:}}{name}")
    text = (element.text or "").strip() if element is not None else ""
    # Nextcloud says -3 for a quota that is not set.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None  # noqa: PLR2004


def _time(found: dict[str, ET.Element]) -> float | None:
    element = found.get("{DAV:}getlastmodified")
    try:
        return email.utils.parsedate_to_datetime(
            (element.text or "") if element is not None else ""
        ).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
