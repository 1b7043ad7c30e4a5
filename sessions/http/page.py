"""Parse a page that was received over plain HTTP, as a browser does."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urldefrag, urljoin

import lxml.html
from lxml import etree

from slipway.sessions.errors import SessionError
from slipway.sessions.http.text import visible_text
from slipway.sessions.locators import fold

__all__ = ["Page", "clean", "join", "known_charset"]

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]*?charset\s*=\s*[\"']?\s*([^\s\"'/>;]+)", re.IGNORECASE)
_META_BYTES = 4096
_HTML = {"text/html", "application/xhtml+xml", ""}
_TEXTUAL = re.compile(
    r"text/|application/(.+\+)?(json|xml|javascript|yaml|x-ndjson)$|.+\+(json|xml)$"
)
_LATIN = {"iso8859-1", "ascii"}


class Page:
    """An answer. It is parsed lazily, and only once."""

    def __init__(self, url: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Keep an answer without parsing it."""
        self.url = url
        self.status = status
        self.headers = headers
        self.body = body
        self.media_type = headers.get("content-type", "").split(";")[0].strip().lower()
        self.request: Any = None
        """The request, for reloading."""
        self.fields: dict[Any, Any] = {}
        """The visitor's changes of fields; other fields have the values of the page."""

    @cached_property
    def charset(self) -> str:
        """The encoding, from the byte order mark, the header or the page itself.

        By default UTF-8 if the body is valid UTF-8, else Windows-1252, as in browsers.
        """
        for mark, name in _BOMS:
            if self.body.startswith(mark):
                return name
        declared = _HEADER_CHARSET.search(self.headers.get("content-type", ""))
        known = known_charset(declared.group(1)) if declared else ""
        if not known:
            meta = _META_CHARSET.search(self.body[:_META_BYTES])
            known = known_charset(meta.group(1).decode("ascii", "replace")) if meta else ""
            if known.startswith("utf-16"):  # a page that declares UTF-16 in ASCII is not UTF-16
                known = "utf-8"
        if known:
            return known
        try:
            self.body.decode()
        except UnicodeDecodeError:
            return "cp1252"
        return "utf-8"

    @property
    def is_html(self) -> bool:
        """True if the answer is HTML."""
        if self.media_type:
            return self.media_type in _HTML
        return self.body.lstrip()[:1] == b"<"

    @property
    def is_text(self) -> bool:
        """True if the answer is HTML or plain text."""
        if self.is_html or _TEXTUAL.match(self.media_type):
            return True
        return not self.media_type and b"\0" not in self.body

    @property
    def source(self) -> str:
        """The answer as text; empty if it is not text, such as a picture."""
        if not self.is_text:
            return ""
        return self.body.decode(self.charset, "replace").removeprefix("\ufeff")

    @cached_property
    def tree(self) -> Any:
        """The page's elements; plain text is put into a <pre>, as browsers do."""
        if not self.is_html:
            return _plain(self.source if self.is_text else self._declared_charset())
        body = self.body
        if self.charset != "utf-8" or not _is_utf8(body):
            body = self.source.encode(errors="replace")
        parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
        try:
            root = lxml.html.document_fromstring(body, parser=parser)
        except (etree.ParserError, etree.XMLSyntaxError):  # nothing but white space
            root = _plain("")
        return root

    @cached_property
    def text(self) -> str:
        """The visible text."""
        return visible_text(self.tree) if self.is_html else fold(self.tree.text_content())

    @property
    def title(self) -> str:
        """The title; empty if there is none."""
        found = self.tree.find(".//head/title")
        found = self.tree.find(".//title") if found is None else found
        return "" if found is None else fold(found.text or "")

    @cached_property
    def base(self) -> str:
        """The base of relative addresses."""
        if not self.is_html:
            return self.url
        found = self.tree.find(".//base[@href]")
        return self.url if found is None else join(self.url, clean(found.get("href")))

    def absolute(self, address: str) -> str:
        """Return the absolute URL of an address on the page."""
        address = clean(address)
        if not address or (address.startswith("#") and self.base == self.url):
            return urldefrag(self.url).url + address
        return join(self.base, address)

    def toggle(self, details: Any) -> None:
        """Open or close a <details>."""
        if details.attrib.pop("open", None) is None:
            details.set("open", "")
        self.__dict__.pop("text", None)

    def forget(self) -> None:
        """Free the memory of the parsed page; it is parsed again when needed."""
        self.__dict__.pop("tree", None)
        self.__dict__.pop("text", None)
        self.fields.clear()

    def _declared_charset(self) -> str:
        kind = self.media_type or "unknown type"
        return f"({kind}, {len(self.body)} bytes: no page and no text)"


def join(base: str, address: str) -> str:
    """Return the absolute URL of an address relative to another one.

    Raises:
        SessionError: The address is invalid.
    """
    try:
        return urljoin(base, address)
    except ValueError as wrong:
        raise SessionError(f'"{address}" is no address: {wrong}') from None


def clean(address: str) -> str:
    """Return an address from an attribute without the characters that browsers ignore."""
    return re.sub(r"[\t\r\n]", "", address.strip())


def known_charset(charset: str) -> str:
    """Return Python's name of an encoding; empty if it is unknown."""
    try:
        name = codecs.lookup(charset).name
        "".encode(name)  # some of Python's codecs are not text encodings
    except (LookupError, ValueError, TypeError):
        return ""
    return "cp1252" if name in _LATIN else name


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _plain(text: str) -> Any:
    root = lxml.html.Element("html")
    pre = etree.SubElement(etree.SubElement(root, "body"), "pre")
    pre.text = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
    return root
