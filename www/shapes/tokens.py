"""Shapes of API tokens."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from slipway.model.records.token import TokenRecord
from slipway.www.shapes.base import Asked, Line, Shape

__all__ = ["NewToken", "Token", "TokenMade"]


class Token(TokenRecord, Shape):
    """A token without its secret."""

    state: str
    """live, expired or revoked."""


class NewToken(Asked):
    """A request to create a token."""

    name: Line
    roles: list[Line] = Field(default_factory=list)
    """None: all that one has."""
    days: Annotated[float, Field(allow_inf_nan=False)] = 90


class TokenMade(Shape):
    """A new token with its secret, which is shown only once."""

    token: str
    item: Token
