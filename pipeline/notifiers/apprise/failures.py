"""Failures of Apprise as sentences, from facts alone: no service's text, nothing of an address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from slipway.model.notices.sending import Retry
from slipway.model.site import is_loopback
from slipway.notifiers.answers import pause_of

__all__ = ["failure", "unusable"]

_LIST = "https://github.com/caronc/apprise/wiki"
#: The beginning of an address names its kind and is no secret; all that follows may be one.
_SCHEMA = re.compile(r"[A-Za-z][A-Za-z0-9]{1,15}(?=://)")
_SERVER, _WRONG, _OTHER = 500, 400, 300
_NO_ENTRY = "does not accept the user, password or token in url"
#: Answers that all notices get until somebody has corrected the address.
_OF_CHANNEL: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: _NO_ENTRY,
    HTTPStatus.FORBIDDEN: _NO_ENTRY,
    HTTPStatus.NOT_FOUND: "has no such place; correct url",
}


def unusable(found: Mapping[str, Any], url: str) -> Retry | None:
    """Return why an address cannot be used; None if it can.

    Args:
        found: What Apprise has read in it.
        url: The address.
    """
    sentence = _of_reading(found, url) or _of_safety(found, url)
    return Retry(sentence, channel=True) if sentence else None


def _of_reading(found: Mapping[str, Any], url: str) -> str:
    match = _SCHEMA.match(url)
    schema = f"{match[0].lower()}://" if match else "such address, which begins with NAME://"
    kind, service = found.get("unread"), found.get("service", "")
    if kind == "unknown":
        return f"url: Apprise knows no {schema}; see {_LIST}"
    if kind == "library":
        words = " ".join(f"'{one.replace(' ', '')}'" for one in found.get("packages", ()))
        needs = f"url: {service} needs {words or 'a library'} on the master's machine"
        return f"{needs}: uv pip install {words}" if words else needs
    if kind is not None:
        return f"url: this is no whole address of {service} ({schema}); see {_LIST}"
    if not service:
        return f"url: Apprise cannot read it: {_kind_of(found)}; see {_LIST}"
    return ""


def _of_safety(found: Mapping[str, Any], url: str) -> str:
    host = found.get("host", "")
    if not found.get("verifies"):
        return (
            "url: verify=no lets anybody on the way read the notices and what is secret; take it "
            "out, and name your authority by authorities"
        )
    if found.get("is_secure") or not host or is_loopback(host):
        return ""
    schema, secure = url.partition("://")[0].lower()[:20], found.get("secure")
    instead = f"write {secure}://" if secure else "use another service"
    return f"url: {schema}:// is not encrypted, so others could read the notices; {instead}"


def failure(found: Mapping[str, Any], timeout: float) -> Retry:
    """Return why a notice was not sent.

    Args:
        found: What was seen: a status, or the kinds of an exception.
        timeout: Seconds that the service had.
    """
    service, status = found.get("service", "the service"), found.get("status")
    if status is None:
        return Retry(f"{service} {_unanswered(found, timeout)}", channel=True)
    if status >= _SERVER or status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT}:
        after = pause_of(str(found.get("after", "")))
        return Retry(f"{service} answers {status}", after=after, channel=True)
    if status in _OF_CHANNEL:
        return Retry(f"{service} {_OF_CHANNEL[status]} ({status})", channel=True)
    if status in range(_OTHER, _WRONG):
        sentence = f"{service} leads elsewhere ({status}), and is not followed; correct url"
        return Retry(sentence, channel=True)
    if status < _OTHER:
        return Retry(f"{service} has answered {status}, but not as Apprise expects")
    return Retry(f"{service} refuses this notice ({status})")


def _unanswered(found: Mapping[str, Any], timeout: float) -> str:
    kinds = found.get("errors", ())
    if "SSLError" in kinds:
        return (
            "has a certificate that is not trusted, so nothing was sent; correct url, or name its "
            "authority by authorities"
        )
    if "Timeout" in kinds or "ReadTimeoutError" in kinds:
        return f"did not answer within {timeout:g} seconds"
    if "ConnectionError" in kinds:
        return "cannot be reached"
    if kinds:
        return f"was not told: {_kind_of(found)}"
    return "was not told, and Apprise does not say why; try its own command with this address"


def _kind_of(found: Mapping[str, Any]) -> str:
    return str(next(iter(found.get("errors", ())), "it says nothing"))[:60]
