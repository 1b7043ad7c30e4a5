"""Read the simple index of a project, as JSON (PEP 691) or as a page (PEP 503)."""

from __future__ import annotations

import html.parser
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urljoin

import httpx
from pydantic import BaseModel, Field

from slipway.scripts.stages.publish.targets.http_api import HttpApi

__all__ = ["ACCEPTED", "Listed", "listed"]

#: What is asked for.
ACCEPTED = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.1"
)


@dataclass(frozen=True)
class Listed:
    """A file of a project at an index."""

    name: str
    url: str
    """Its whole address."""
    sha256: str
    """Empty: the index does not tell it."""


class _File(BaseModel):
    filename: str
    url: str
    hashes: dict[str, str] = Field(default_factory=dict)


class _Page(BaseModel):
    files: list[_File] = Field(default_factory=list)


def listed(api: HttpApi, answer: httpx.Response, what: str) -> Iterator[Listed]:
    """Yield the files that a page of the index lists.

    Args:
        api: The client that has asked for it.
        answer: The page.
        what: What is done, for sentences.
    """
    base = str(answer.url)
    if "json" in answer.headers.get("content-type", ""):
        for one in api.read(_Page, answer, what).files:
            yield Listed(one.filename, _joined(base, one.url), one.hashes.get("sha256", ""))
        return
    links = _Links()
    links.feed(answer.text)
    for link in links.found:
        url, _, fragment = _joined(base, link).partition("#")
        kind, _, digest = fragment.partition("=")
        name = unquote(url.partition("?")[0].rpartition("/")[2])
        yield Listed(name, url, digest.lower() if kind == "sha256" else "")


def _joined(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        # No address at all; it is told when somebody reads it.
        return link


class _Links(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]
