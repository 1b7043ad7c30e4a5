"""What is read from Confluence's answers: each is checked before anything is believed."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from slipway.model.errors import StageFailed

__all__ = ["Attachment", "Listing", "Mark", "Page", "next_page", "parsed"]

#: Numbers come as texts or as numbers, depending on the kind and version of Confluence.
_Id = Annotated[str, BeforeValidator(str), Field(pattern=r"^[A-Za-z]{0,10}[0-9]{1,30}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Version(_Part):
    number: int = Field(ge=1)


class Page(_Part):
    """A page."""

    id: _Id
    title: str
    status: str = "current"
    version: _Version
    links: dict[str, Any] = Field(default_factory=dict, alias="_links")


class Mark(_Part):
    """A page's content property: what we know of the page, unseen by readers."""

    id: Annotated[str, BeforeValidator(str)] = ""
    value: dict[str, Any]
    version: _Version


class Attachment(_Part):
    """A file of a page."""

    id: _Id
    name: str
    size: int
    comment: str
    link: str = ""
    """The address to fetch it from, as the server says it."""


_Kind = TypeVar("_Kind", bound=BaseModel)


class Listing(_Part):
    """One part of a list."""

    results: list[Any]
    size: int | None = None
    limit: int | None = None
    links: dict[str, Any] = Field(default_factory=dict, alias="_links")


def parsed(kind: type[_Kind], data: object, where: str, what: str) -> _Kind:
    """Return an answer's JSON as what it must be.

    Raises:
        StageFailed: It is something else.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole"
        msg = f"{what} at {where}: it answers otherwise than Confluence does: {key}: {first['msg']}"
        raise StageFailed(msg) from None


def next_page(listing: Listing, answer: httpx.Response) -> dict[str, str] | None:
    """Return the parameters that ask for the next part of a list; None after the last."""
    link = listing.links.get("next") or answer.links.get("next", {}).get("url")
    if not isinstance(link, str):
        return None
    return dict(httpx.QueryParams(urlsplit(link).query))
