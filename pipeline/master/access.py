"""Who asks: what a session, a token, a password or a reverse proxy's header proves."""

from __future__ import annotations

import base64
import binascii
import math
from dataclasses import replace
from typing import Any

from buildbot.www.auth import build_cookie_name

from slipway.ledger import tokens
from slipway.master.crowd import Crowd
from slipway.master.desk import find_desk
from slipway.master.throttle import Throttle
from slipway.model.access import Person
from slipway.model.errors import SlipwayError, WrongInput
from slipway.model.people import ADMIN


class Unknown(SlipwayError):
    """What was presented proves nothing; `status` is HTTP's number for it."""

    def __init__(self, sentence: str, status: int = 401) -> None:
        super().__init__(sentence)
        self.status = status


def identify(request: Any) -> Person:
    """Return who asks; the door has found it out before any endpoint is reached."""
    person: Person = request.person
    return person


def credentials(request: Any, scheme: str) -> str | None:
    """Return what follows a scheme in a request's Authorization; None where it is another's."""
    sent = request.getHeader(b"authorization") or b""
    kind, _, value = sent.decode("utf-8", "replace").strip().partition(" ")
    return value.strip() if kind.lower() == scheme else None


def basic(request: Any) -> tuple[str, str] | None:
    """Return the name and the password of HTTP's basic authentication, where there are."""
    sent = credentials(request, "basic")
    try:
        text = base64.b64decode(sent or "", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    name, colon, password = text.partition(":")
    return (name, password) if colon else None


def address_of(crowd: Crowd, request: Any) -> str:
    """Return a client's address; one that a reverse proxy of ours tells is believed."""
    address = str(getattr(request.getClientAddress(), "host", ""))
    if not crowd.trusts(address):
        return address
    told = request.requestHeaders.getRawHeaders("x-forwarded-for", [])
    # From the right: what stands further left, anybody can have written.
    for one in reversed([part.strip() for line in told for part in line.split(",")]):
        address = one[:100]
        if not crowd.trusts(address):
            break
    return address


def check_patience(throttle: Throttle, name: str, address: str) -> None:
    """Refuse somebody who has failed too often of late.

    Raises:
        Unknown: With the seconds they must wait.
    """
    wait = throttle.wait(name, address)
    if wait > 0:
        msg = f"too many failed sign-ins; try again in {math.ceil(wait)} seconds"
        raise Unknown(msg, 429)


def by_request(crowd: Crowd, throttle: Throttle, request: Any) -> Person:
    """Return who asks, for all but tokens: those are in the database.

    Raises:
        Unknown: What was presented is wrong, or comes too often.
    """
    proxied = crowd.access.provider == "proxy-header"
    if proxied and crowd.trusts(request.getClientAddress().host):
        named = request.requestHeaders.getRawHeaders(crowd.access.header, [])
        if named:
            return _by_header(crowd, named)
    sent = basic(request)
    if sent is not None and sent[0] == ADMIN:
        return _the_admin(crowd, throttle, request, sent[1])
    return crowd.nobody if proxied else _by_session(crowd, request)


def _by_header(crowd: Crowd, named: list[str]) -> Person:
    try:
        return crowd.of_header(named)
    except WrongInput as error:
        raise Unknown(str(error), 403) from None


def _the_admin(crowd: Crowd, throttle: Throttle, request: Any, password: str) -> Person:
    address = address_of(crowd, request)
    check_patience(throttle, ADMIN, address)
    throttle.begins(ADMIN, address)
    admin = crowd.admin(password)
    if admin is None:
        msg = f"the password of {ADMIN} is another; it is in the state folder's admin-password"
        raise Unknown(msg)
    throttle.passed(ADMIN, address)
    return admin


def _by_session(crowd: Crowd, request: Any) -> Person:
    name = build_cookie_name(request.isSecure(), request.sitepath)
    if request.getCookie(name) is None:
        return crowd.nobody
    session = request.getSession()
    person = crowd.of_session(session.user_info)
    if person.anonymous:
        # One of before a new password: pages shall not call them by their name.
        session.expire()
    return person


async def by_token(master: Any, crowd: Crowd, presented: str) -> Person:
    """Return whose token this is, with what both it and its person may do.

    Raises:
        Unknown: It is no token of ours, revoked or expired, or the ledger is not open yet.
    """
    try:
        desk = find_desk(master)
    except KeyError:
        msg = "the master is starting; try again in a few seconds"
        raise Unknown(msg, 503) from None
    holder = await desk.call(tokens.who, presented)
    if holder is None:
        msg = "the token is not known, revoked or expired; make another: slipway token create"
        raise Unknown(msg)
    now = crowd.person(holder.name, holder.via)
    return replace(now, roles=(now.roles & holder.roles) | crowd.nobody.roles)
