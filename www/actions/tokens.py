"""Create, list and revoke API tokens."""

from __future__ import annotations

import time

from sqlalchemy.orm import Session

from slipway.ledger import tokens
from slipway.model.access import Person, held, may
from slipway.model.records.token import TokenRecord
from slipway.www.api.call import Call
from slipway.www.api.http_errors import Refused
from slipway.www.shapes.base import Listing
from slipway.www.shapes.tokens import NewToken, Token, TokenMade

__all__ = ["create_token", "list_tokens", "revoke_token"]


async def list_tokens(call: Call) -> Listing[Token]:
    """Answer GET tokens: the user's own; all tokens for users who may see them."""
    return await call.read(_list, _whose(call.person))


def _whose(person: Person) -> str | None:
    return None if may(person, "token.any") else person.name


def _list(session: Session, person: str | None) -> Listing[Token]:
    return Listing[Token](items=[_token(one) for one in tokens.list_tokens(session, person)])


async def create_token(call: Call) -> TokenMade:
    """Answer POST tokens: create a token of the user's own, with at most the user's roles.

    A token cannot create tokens: a stolen one would outlive its expiry.
    """
    if call.person.by_token:
        refusal = "a token makes no token; sign in, or use: slipway token create"
        raise Refused(403, refusal)
    wanted = call.body.roles or sorted(call.person.roles)
    above = sorted(set(wanted) - held(call.person.roles))
    if above:
        refusal = f"you do not have the role {above[0]} yourself"
        raise Refused(400, refusal, {"roles": refusal})
    return await call.change(_create, call.person, call.body, wanted)


def _create(session: Session, person: Person, body: NewToken, roles: list[str]) -> TokenMade:
    made, text = tokens.create(session, person.name, body.name, roles, body.days, person.name)
    return TokenMade(token=text, item=_token(made))


async def revoke_token(call: Call) -> Token:
    """Answer POST tokens/ID/revoke."""
    return await call.change(_revoke, int(call.path["id"]), _whose(call.person))


def _revoke(session: Session, number: int, person: str | None) -> Token:
    return _token(tokens.revoke(session, number, person))


def _token(record: TokenRecord) -> Token:
    return Token.extend(record, state=record.state_at(time.time()))
