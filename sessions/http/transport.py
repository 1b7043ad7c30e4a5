"""Send requests over plain HTTP: connections, certificates, limits, clear errors."""

from __future__ import annotations

import re
import ssl
import time
from dataclasses import dataclass, field

import certifi
import httpx

from slipway.sessions.errors import SessionError, SessionLost

__all__ = ["Exchange", "Transport", "without_password"]

_MEGABYTE = 1 << 20
_SIGN_IN = re.compile(r"//[^/?#]*@")


@dataclass
class Exchange:
    """A request and its answer, for the evidence."""

    method: str
    url: str
    sent: list[tuple[str, str]]
    body_size: int = 0
    status: str = ""
    """For example "HTTP/1.1 200 OK"; or the reason why there is no answer."""
    received: list[tuple[str, str]] = field(default_factory=list)


class Transport:
    """Send requests, ignoring this machine's proxies; connections are kept open."""

    def __init__(self, *, timeout: float, max_page: int, verify: bool | str) -> None:
        """Initialize; no connection is opened yet.

        Args:
            timeout: Timeout of one answer in seconds.
            max_page: Maximum bytes of an answer.
            verify: Verify certificates; or the path of the trusted authorities' file.
        """
        self.timeout = timeout
        self.max_page = max_page
        self.verify = verify
        self._open: dict[str, httpx.HTTPTransport] = {}

    def send(self, request: httpx.Request, exchange: Exchange) -> tuple[httpx.Response, bytes]:
        """Send a request; return the answer and its decoded body.

        Raises:
            SessionLost: The server does not answer.
            SessionError: The answer times out, is too large or is no HTTP.
        """
        request.extensions["timeout"] = httpx.Timeout(self.timeout).as_dict()
        try:
            return self._send(request, exchange)
        except httpx.TransportError as wrong:
            error = self._error_of(wrong, without_password(request.url))
        except httpx.DecodingError as wrong:
            error = SessionError(
                f"the answer of {without_password(request.url)} cannot be unpacked: {wrong}"
            )
        exchange.status = str(error)
        raise error from None

    def close(self) -> None:
        """Close all connections; they are opened again when needed."""
        while self._open:
            self._open.popitem()[1].close()

    def _send(self, request: httpx.Request, exchange: Exchange) -> tuple[httpx.Response, bytes]:
        transport = self._transport(request.url.scheme)
        try:
            response = transport.handle_request(request)
        except httpx.RemoteProtocolError:
            if request.method != "GET":
                raise
            response = transport.handle_request(request)  # the kept one was closed
        response.request = request
        version = response.extensions.get("http_version", b"HTTP/1.1").decode("ascii", "replace")
        exchange.status = f"{version} {response.status_code} {response.reason_phrase}".rstrip()
        exchange.received = [*response.headers.multi_items()]
        try:
            return response, self._read(response)
        finally:
            response.close()

    def _read(self, response: httpx.Response) -> bytes:
        url = without_password(response.request.url)
        deadline = time.monotonic() + self.timeout
        chunks, size = [], 0
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            size += len(chunk)
            if size > self.max_page:
                msg = f"{url} answers more than {self.max_page / _MEGABYTE:g} MB"
                raise SessionError(f"{msg}: no page for a person; raise max_page if it is meant so")
            if time.monotonic() > deadline:
                raise SessionError(f"{url} still sends its answer after {self.timeout:g} s")
        return b"".join(chunks)

    def _transport(self, scheme: str) -> httpx.HTTPTransport:
        if scheme not in self._open:
            self._open[scheme] = httpx.HTTPTransport(
                verify=self._context(scheme),
                trust_env=False,
            )
        return self._open[scheme]

    def _context(self, scheme: str) -> ssl.SSLContext:
        if scheme != "https":  # loading certificates takes 20 ms; plain HTTP does not need them
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.verify is False:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        if self.verify is True:
            context = ssl.create_default_context()  # the machine's own authorities
            context.load_verify_locations(certifi.where())
            return context
        try:
            return ssl.create_default_context(cafile=self.verify)
        except OSError as wrong:
            raise SessionError(f"{self.verify} holds no certificates to trust: {wrong}") from None

    def _error_of(self, wrong: httpx.TransportError, url: str) -> SessionError | SessionLost:
        if isinstance(wrong, httpx.TimeoutException):
            return SessionError(f"{url} does not answer within {self.timeout:g} s")
        if "CERTIFICATE_VERIFY_FAILED" in str(wrong):
            advice = "name its authority in verify, or set trust-any-certificate to true"
            return SessionError(f"the certificate of {url} is not trusted: {advice}")
        if isinstance(wrong, httpx.ConnectError):
            return SessionLost(f"nobody answers at {url} ({wrong}): is the application running?")
        if isinstance(wrong, httpx.UnsupportedProtocol):
            return SessionError(f"{url} is no address of a page: only http and https can be opened")
        return SessionLost(f"{url} broke off without an answer ({wrong}): did it crash?")


def without_password(url: object) -> str:
    """Return an address without name and password, for messages."""
    return _SIGN_IN.sub("//", str(url), count=1)
