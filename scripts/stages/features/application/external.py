"""An application that somebody else runs, such as staging: nothing is started and nothing ended."""

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

_LIMIT = 10.0
_PAUSE = 0.5


class UnderTest(Protocol):
    """What features are run against: `Application` or `Elsewhere`."""

    @property
    def url(self) -> str:
        """Its address, without a slash at its end."""

    def start(self) -> None:
        """See that it is there."""

    def stop(self) -> None:
        """Leave nothing of it behind."""

    def check(self) -> None:
        """Raise StageFailed if it is gone."""

    def restore(self) -> None:
        """Put its seeds back."""

    @property
    def databases(self) -> dict[str, Path]:
        """Its copies of the seed databases, by name."""

    def mark(self) -> None:
        """Have `log_tail` begin here."""

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of its output since `mark`."""


class Elsewhere:
    """An existing address."""

    def __init__(
        self,
        base_url: str,
        patience: float = _LIMIT,
        *,
        trust_any_certificate: bool = False,
        place: str = "base-url",
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            base_url: Where it is; a name and password in it are never shown.
            patience: Seconds it may take to answer at the start.
            trust_any_certificate: Whether a certificate that nobody vouches for will do.
            place: Where the address was said, for error sentences.

        Raises:
            WrongInput: That is no address.
        """
        self.url = check_url(place, base_url)
        self._patience = patience
        # Proxies of the environment are used: staging may be behind one.
        self._opener = build_opener(_AsItIs, HTTPSHandler(context=_context(trust_any_certificate)))
        self._request = _request(self.url)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Wait until it answers, whatever it says.

        Raises:
            StageFailed: It does not.
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
        """See that it still answers.

        Raises:
            StageFailed: It does not.
        """
        if why := self._ask(_LIMIT):
            raise StageFailed(f"{shown(self.url)} answers no more: {why}")

    def stop(self) -> None:
        """Do nothing: it is not ours to end."""

    def restore(self) -> None:
        """Do nothing: its databases are not ours."""

    def mark(self) -> None:
        """Do nothing: its log is not here."""

    @property
    def databases(self) -> dict[str, Path]:
        """None: its databases are not ours."""
        return {}

    def log_tail(self, lines: int = 40) -> str:  # noqa: ARG002  the interface's
        """Return nothing: its log is not here."""
        return ""

    def _ask(self, seconds: float) -> str | None:
        """Ask once; return what went wrong."""
        try:
            self._opener.open(self._request, timeout=seconds).close()
        except HTTPError as answer:
            # Whatever it says, it answers.
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
    """Return an address as people may see it: without a name and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


class _AsItIs(HTTPRedirectHandler):
    """Takes a redirect for the answer that it is."""

    def redirect_request(self, *_: Any) -> None:
        """Go nowhere."""


def _context(trusting: bool) -> ssl.SSLContext | None:  # noqa: FBT001  a setting's value
    if not trusting:
        return None
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _request(url: str) -> Request:
    """Return a request; a name and password in the address go where HTTP wants them."""
    parts = urlsplit(url)
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")
    request = Request(urlunsplit(plain))  # noqa: S310  http or https alone, see check_url
    if parts.username is not None:
        said = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", f"Basic {base64.b64encode(said.encode()).decode()}")
    return request
