"""Base classes of all shapes, and shapes that several endpoints use."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from slipway.model.records.base import Record

__all__ = [
    "MOST",
    "Asked",
    "Json",
    "Line",
    "Listing",
    "NoQuery",
    "Nothing",
    "Number",
    "Paging",
    "Problem",
    "Shape",
    "Words",
]

T = TypeVar("T")

#: Maximum of PostgreSQL's integers.
MOST = 2**31 - 1

#: One line of text from a client; without control characters, of which databases refuse NUL.
Line = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]
#: Text from a client, with line breaks.
Words = Annotated[
    str,
    StringConstraints(max_length=4000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"),
]
Number = Annotated[int, Field(ge=1, le=MOST)]


class Shape(Record):
    """Base of answers and their parts; they are built when the master starts."""

    model_config = ConfigDict(defer_build=False)


class Asked(BaseModel):
    """Base of requests: a query or a body. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoQuery(Asked):
    """A query without parameters."""


class Nothing(Asked):
    """A body without keys."""


class Paging(Asked):
    """The position in a list, newest first."""

    before: Number | None = None
    """The `next` of the part before."""
    limit: Annotated[int, Field(ge=1, le=100)] = 30


class Listing(Shape, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: int | None = None
    """To be given as `before` for the next part; null: there is none."""


class Problem(Shape):
    """The reason why a request failed."""

    error: str
    fields: dict[str, str] = Field(default_factory=dict)
    """A sentence for each field that is wrong."""


Json = dict[str, Any]
