"""Who asks: what a session, a token, a password or a reverse proxy's header proves."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import Any

from buildbot.www.auth import build_cookie_name

from slipway.master.access.bearer_tokens import Bearers
from slipway.master.access.client_addresses import house, parse
from slipway.master.access.login_throttle import Attempt, Throttle
from slipway.master.access.users import Crowd
from slipway.model.access import Person, Unknown
from slipway.model.errors import WrongInput
from slipway.model.people import ADMIN

#: More reverse proxies than this stand nowhere in a row.
_HOPS = 20


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
    """Return what a client's address counts as; one that a reverse proxy of ours tells is believed.

    From the right: what stands further left, anybody can have written. Where all of it is within
    trusted networks, it is the rightmost: that one the proxy has seen itself.
    """
    address = str(getattr(request.getClientAddress(), "host", ""))
    if not crowd.trusts(address):
        return house(address)
    told = request.requestHeaders.getRawHeaders("x-forwarded-for", [])
    hops = [part for line in told for part in line.split(",")][-_HOPS:]
    for hop in reversed(hops):
        if parse(hop) is None:
            break
        if not crowd.trusts(hop):
            return house(hop)
    nearest = hops[-1] if hops and parse(hops[-1]) else address
    return house(nearest)


def admin_password(crowd: Crowd, request: Any) -> str | None:
    """Return the password that somebody presents as the admin's; None where nobody does."""
    sent = basic(request)
    if sent is None or sent[0] != ADMIN or _named(crowd, request):
        return None
    return sent[1]


def by_request(crowd: Crowd, request: Any) -> Person:
    """Return who asks, by what needs no waiting: a proxy's header or a session.

    Raises:
        Unknown: What was presented is wrong.
    """
    named = _named(crowd, request)
    if named:
        return _by_header(crowd, named)
    proxied = crowd.access.provider == "proxy-header"
    return crowd.nobody if proxied else _by_session(crowd, request)


def _named(crowd: Crowd, request: Any) -> list[str]:
    """Return whom a reverse proxy of ours names, where one signs people in."""
    if crowd.access.provider != "proxy-header":
        return []
    if not crowd.trusts(request.getClientAddress().host):
        return []
    return list(request.requestHeaders.getRawHeaders(crowd.access.header, []))


def _by_header(crowd: Crowd, named: list[str]) -> Person:
    try:
        return crowd.of_header(named)
    except WrongInput as error:
        raise Unknown(str(error), 403) from None


async def by_password(crowd: Crowd, throttle: Throttle, password: str, address: str) -> Person:
    """Return the admin, who has come with the password.

    One that Slipway has made is found by no number of guesses: who knows it is let in whatever
    others have tried from the same address. One of somebody's own has to wait, as all others.

    Raises:
        Unknown: It is another password, or too many such have come from the address.
    """
    attempt = Attempt(ADMIN, address)
    safe = crowd.admin_is_safe
    if not safe:
        await throttle.turn(attempt)
    admin = crowd.admin(password)
    if admin is None:
        if safe and not throttle.guesses.take(address):
            msg = "too many failed sign-ins; try again in a few seconds"
            raise Unknown(msg, 429)
        msg = f"the password of {ADMIN} is another; it is in the state folder's admin-password"
        raise Unknown(msg)
    if not safe:
        throttle.passed(attempt)
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


async def by_token(bearers: Bearers, crowd: Crowd, presented: str, address: str) -> Person:
    """Return whose token this is, with what both it and its person may do.

    Raises:
        Unknown: It is no token of ours, revoked or expired; too many such have come from there;
            or the ledger is not open yet.
    """
    holder = await bearers.holder(presented, address)
    now = crowd.person(holder.name, holder.via)
    return replace(now, roles=(now.roles & holder.roles) | crowd.nobody.roles)
