"""Turn failures of HTTP into sentences: what may pass by itself, and what must be mended."""

from __future__ import annotations

import email.utils
import ssl
import time
from functools import cache
from http import HTTPStatus

import httpx

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.releases.target import TryAgain

__all__ = ["TIMEOUT", "checked", "failure", "send", "trusting", "usual_authorities"]

#: Seconds to connect, and to wait for each block.
TIMEOUT = httpx.Timeout(60, connect=30)
_LONGEST_WAIT = 3600.0
_SHOWN = 300
#: Largest answer that is read into memory.
_LONGEST = 32_000_000


@cache
def usual_authorities() -> ssl.SSLContext:
    """Return the authorities that clients trust, read once: that takes 35 ms of a processor."""
    context = httpx.create_ssl_context()
    # An organisation's own authority is in the system's store, which httpx does not look into.
    context.load_default_certs()
    return context


@cache
def trusting(authorities: str | None) -> ssl.SSLContext:
    """Return the usual authorities and those of a file.

    Args:
        authorities: The PEM file. None: there are no others.

    Raises:
        WrongInput: It cannot be read.
    """
    if authorities is None:
        return usual_authorities()
    context = usual_authorities.__wrapped__()
    try:
        context.load_verify_locations(authorities)
    except (OSError, ssl.SSLError) as error:
        msg = f"authorities: {authorities} holds no certificates that can be read: {error}"
        raise WrongInput(msg) from None
    return context


def send(client: httpx.Client, request: httpx.Request, where: str, what: str) -> httpx.Response:
    """Send a request and return the answer, whatever its status; the answer is not read.

    Args:
        client: The client.
        request: The request.
        where: The place, for sentences.
        what: What is done, such as "uploading almanac.zip".

    Raises:
        StageFailed: The server's certificate is not accepted.
        TryAgain: The network fails.
    """
    try:
        return client.send(request, stream=True)
    except httpx.TransportError as error:
        msg = f"{what} to {where} failed: {str(error) or type(error).__name__}"
        if "CERTIFICATE_VERIFY_FAILED" in msg:
            msg += "; the server's certificate is not one that this machine trusts"
            raise StageFailed(msg) from None
        raise TryAgain(msg) from None


def checked(answer: httpx.Response, where: str, what: str, *fine: int) -> httpx.Response:
    """Return an answer that was read, if its status is 2xx or among those given.

    Raises:
        StageFailed: Another status, with a part of the answer's text; or the answer is too long.
        TryAgain: 5xx, 408, 425 or 429.
    """
    answer = _read(answer, where, what)
    if answer.is_success or answer.status_code in fine:
        return answer
    raise failure(answer, answer.text, where, what)


def failure(answer: httpx.Response, text: str, where: str, what: str) -> StageFailed:
    """Return the error for an answer: `TryAgain` for 5xx, 408, 425 and 429.

    Args:
        answer: The answer; only its head is looked at.
        text: The beginning of its body. It is shown, but for a page of HTML.
        where: The place, for sentences.
        what: What was done, such as "uploading almanac.zip".
    """
    code = answer.status_code
    if "html" in answer.headers.get("content-type", ""):
        text = ""
    text = "".join(c if c.isprintable() else " " for c in text[:_SHOWN]).strip()
    msg = f"{what} at {where}: the server answers {code} {answer.reason_phrase}"
    msg += f": {text}" if text else ""
    if code in (401, 403):
        return StageFailed(f"{msg}; see that the account or token has the right to do that")
    if code >= HTTPStatus.INTERNAL_SERVER_ERROR or code in (408, 425, 429):
        return TryAgain(msg, _after(answer))
    return StageFailed(msg)


def _read(answer: httpx.Response, where: str, what: str) -> httpx.Response:
    """Return an answer that was read, as long as its length is one that a program would send."""
    data = bytearray()
    try:
        for block in answer.iter_bytes():
            data += block
            if len(data) > _LONGEST:
                msg = f"{what} at {where}: the answer is longer than {_LONGEST:,} bytes"
                raise StageFailed(msg)
    except httpx.RequestError as error:
        msg = f"{what} at {where} failed: {str(error) or type(error).__name__}"
        raise TryAgain(msg) from None
    finally:
        answer.close()
    headers = [
        (name, value)
        for name, value in answer.headers.multi_items()
        if name not in ("content-encoding", "content-length", "transfer-encoding")
    ]
    return httpx.Response(
        answer.status_code,
        headers=headers,
        content=bytes(data),
        request=answer.request,
        extensions=answer.extensions,
    )


def _after(answer: httpx.Response) -> float | None:
    """Return the seconds that Retry-After asks for, whether given as seconds or as a date."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdigit():
        return min(float(text), _LONGEST_WAIT)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return min(max(0.0, at.timestamp() - time.time()), _LONGEST_WAIT)
