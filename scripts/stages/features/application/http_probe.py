"""Probe an application over HTTP, without proxies, reading at most a few bytes."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from slipway.model.errors import WrongInput

__all__ = ["LIMIT", "Answer", "accepts", "ask", "check_url"]

#: Default timeout in seconds of one answer.
LIMIT = 5.0
_MOST = 4096
#: Characters of a path or query that are not percent-encoded.
_KEPT = "/%?:@!$&'()*+,;=~"


@dataclass(frozen=True)
class Answer:
    """The result of one request."""

    status: int | None
    """The HTTP status. None: there was no answer."""
    text: str
    """A description of the result, for a sentence."""
    body: bytes = b""
    """The first bytes of the body."""


def check_url(place: str, url: str) -> str:
    """Validate a URL and return it without trailing slashes.

    Raises:
        WrongInput: It is not an HTTP or HTTPS URL.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or any(letter.isspace() for letter in url):
        raise WrongInput(
            f'{place} "{url}" is no address; write one such as "https://staging.example.com"'
        )
    return url.rstrip("/")


def ask(url: str, seconds: float = LIMIT) -> Answer:
    """Request a page; redirects are answers and are not followed.

    Args:
        url: A complete URL.
        seconds: Timeout of each socket operation.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    asked = kind(parts.hostname or "", parts.port, timeout=seconds)
    target = quote(parts.path or "/", _KEPT) + (
        f"?{quote(parts.query, _KEPT)}" if parts.query else ""
    )
    try:
        asked.request("GET", target, headers={"Connection": "close"})
        with asked.getresponse() as response:
            body = response.read(_MOST)
            return Answer(response.status, f"status {response.status} {response.reason}", body)
    except TimeoutError:
        return Answer(None, f"no answer within {seconds:.0f} seconds")
    except ConnectionRefusedError:
        return Answer(None, "connection refused")
    except http.client.HTTPException as error:
        return Answer(None, f"no HTTP answer ({type(error).__name__})")
    except (OSError, ValueError) as error:
        return Answer(None, str(getattr(error, "strerror", None) or error))
    finally:
        asked.close()


def accepts(host: str, port: int) -> bool:
    """Return True if a port accepts a connection."""
    try:
        socket.create_connection((host, port), timeout=LIMIT).close()
    except OSError:
        return False
    return True
