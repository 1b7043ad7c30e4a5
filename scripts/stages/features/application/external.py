"""Test an application that runs elsewhere, such as staging; it is never started or ended."""

from __future__ import annotations

import base64
import ssl
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from slipway.model.duration import format_duration
from slipway.model.errors import StageFailed
from slipway.scripts.stages.features.application.http_probe import check_url

__all__ = ["Elsewhere", "UnderTest", "shown"]

_LIMIT = 10.0
_PAUSE = 0.5


class UnderTest(Protocol):
    """The application that features run against: `Application` or `Elsewhere`."""

    @property
    def url(self) -> str:
        """Its base URL, without a trailing slash."""

    def start(self) -> None:
        """Start it, or check that it answers."""

    def stop(self) -> None:
        """End it and delete everything it used."""

    def check(self) -> None:
        """Check that it still runs; raise StageFailed if not."""

    def restore(self) -> None:
        """Restore its seed databases."""

    @property
    def databases(self) -> dict[str, Path]:
        """The paths of its copies of the seed databases, by name."""

    def mark(self) -> None:
        """Set the start of `log_tail` to the current end of the log."""

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of its output since `mark`."""


class Elsewhere:
    """An application at an existing address."""

    def __init__(
        self,
        base_url: str,
        patience: float = _LIMIT,
        *,
        trust_any_certificate: bool = False,
        place: str = "base-url",
    ) -> None:
        """Validate the address; nothing is requested yet.

        Args:
            base_url: Its base URL; a name and password in it are never shown.
            patience: Seconds it may take to answer at the start.
            trust_any_certificate: True: accept certificates that are not trusted.
            place: The setting that holds the address, for error sentences.

        Raises:
            WrongInput: The address is invalid.
        """
        self.url = check_url(place, base_url)
        self._patience = patience
        # Proxies of the environment are used, because staging may be behind one.
        self._opener = build_opener(_AsItIs, HTTPSHandler(context=_context(trust_any_certificate)))
        self._request = _request(self.url)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Wait until it answers, with any status.

        Raises:
            StageFailed: It does not answer in time.
        """
        end = time.monotonic() + self._patience
        while (why := self._ask(max(0.1, min(_LIMIT, end - time.monotonic())))) is not None:
            if time.monotonic() + _PAUSE > end:
                raise StageFailed(
                    f"{shown(self.url)} did not answer within {format_duration(self._patience)}: "
                    f"{why}; is it up, and is base-url right?"
                )
            time.sleep(_PAUSE)

    def check(self) -> None:
        """Check that it still answers.

        Raises:
            StageFailed: It does not.
        """
        if why := self._ask(_LIMIT):
            raise StageFailed(f"{shown(self.url)} answers no more: {why}")

    def stop(self) -> None:
        """No-op: it is not ours to end."""

    def restore(self) -> None:
        """No-op: its databases are not ours."""

    def mark(self) -> None:
        """No-op: its log is not accessible."""

    @property
    def databases(self) -> dict[str, Path]:
        """Empty: its databases are not ours."""
        return {}

    def log_tail(self, lines: int = 40) -> str:  # noqa: ARG002  the interface's
        """Return an empty text: its log is not accessible."""
        return ""

    def _ask(self, seconds: float) -> str | None:
        """Request it once; return the error, or None if it answers."""
        try:
            self._opener.open(self._request, timeout=seconds).close()
        except HTTPError as answer:
            # Any status counts as an answer.
            answer.close()
        except (OSError, HTTPException, UnicodeError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            if isinstance(reason, TimeoutError):
                return f"no answer within {format_duration(seconds)}"
            if isinstance(reason, ssl.SSLCertVerificationError):
                return "its certificate is not trusted; trust-any-certificate = true takes any"
            return str(reason) or type(reason).__name__
        return None


def shown(url: str) -> str:
    """Return a URL without its name and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


class _AsItIs(HTTPRedirectHandler):
    """A handler that returns redirects instead of following them."""

    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect."""


def _context(trusting: bool) -> ssl.SSLContext | None:  # noqa: FBT001  a setting's value
    if not trusting:
        return None
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _request(url: str) -> Request:
    """Build a request; a name and password in the URL become a Basic Authorization header."""
    parts = urlsplit(url)
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")
    request = Request(urlunsplit(plain))  # noqa: S310  http or https alone, see check_url
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header(
            "Authorization", f"Basic {base64.b64encode(credentials.encode()).decode()}"
        )
    return request
