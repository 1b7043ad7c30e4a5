"""Speak with a server's HTTP API: addresses, credentials, pages, downloads; in sentences."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx
from pydantic import TypeAdapter, ValidationError

from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.model.protocol.job import Job
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.stages.publish.targets.http_answers import (
    TIMEOUT,
    checked,
    send,
    trusting,
)

__all__ = ["HttpApi", "secret_of"]

T = TypeVar("T")
_BLOCK = 1 << 20
_HOPS = 5
_MOST_PAGES = 500
_LONGEST_WAIT = 3600.0
#: Seconds to wait where a server limits the rate and does not say for how long.
_USUAL_WAIT = 60.0


def secret_of(job: Job, name: str) -> str:
    """Return a secret of the stage that is sent in a header.

    Raises:
        MissingTool: It is not there.
        WrongInput: It holds what no header can.
    """
    value = job.stage.env.get(name, "").strip()
    if not value:
        msg = (
            f'the secret "{name}" is missing; name it in the secrets of stage "{job.name}": '
            f'{name} = {{ env = "{name}" }}'
        )
        raise MissingTool(msg)
    if not value.isascii() or not value.isprintable():
        msg = f'the secret "{name}" holds a line break or another letter that no header can carry'
        raise WrongInput(msg)
    return value


class HttpApi:
    """A client of one server; credentials go to that server alone, and into no sentence."""

    def __init__(
        self,
        where: str,
        base: str,
        *,
        credentials: Mapping[str, str],
        secrets: tuple[str, ...],
        authorities: str | None = None,
    ) -> None:
        """Initialize; nothing is sent.

        Args:
            where: The place, for sentences.
            base: The address that paths are below of.
            credentials: The headers that prove who asks.
            secrets: What must be in no sentence.
            authorities: A file with certificates of authorities to trust besides the usual ones.

        Raises:
            WrongInput: That file cannot be read.
        """
        self.where, self._base = where, base.rstrip("/")
        self._credentials, self._secrets = dict(credentials), secrets
        self._trusted = {_origin(base)}
        self._client = httpx.Client(
            timeout=TIMEOUT,
            verify=trusting(authorities),
            # A file is wanted as it is.
            headers={"User-Agent": "slipway", "Accept-Encoding": "identity"},
        )

    def trusts(self, url: str) -> bool:
        """Return whether credentials are sent to an address."""
        return _origin(url) in self._trusted

    def trust(self, url: str) -> None:
        """Send credentials to another origin of the same server, too."""
        self._trusted.add(_origin(url))

    def discreet(self, text: str) -> str:
        """Return what a server says without the secrets that it was told."""
        for secret in self._secrets:
            text = text.replace(secret, "****")
        return text

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    # ---- requests

    def ask(self, method: str, path: str, what: str, *fine: int, **options: Any) -> httpx.Response:
        """Send a request and return the answer, read, if its status is 2xx or among those given.

        Args:
            method: The method.
            path: The path below the base, with its slash; or a whole address.
            what: What is done, for sentences.
            fine: Other statuses that are no failure.
            options: Options of the request, as httpx has them, such as `json` and `params`.

        Raises:
            StageFailed: The server refuses it, or is not who it should be.
            TryAgain: It may pass by itself.
        """
        with self._discreet():
            answer = self._send(method, path, what, options)
            self._refuse_haste(answer, what)
            try:
                return checked(answer, self.where, what, *fine)
            except StageFailed as error:
                if answer.status_code == HTTPStatus.FORBIDDEN and "rate limit" in str(error):
                    raise TryAgain(str(error), _USUAL_WAIT) from None
                raise

    def read(self, kind: type[T], answer: httpx.Response, what: str) -> T:
        """Return an answer's JSON as a type; a server may answer anything.

        Raises:
            StageFailed: It is another.
        """
        try:
            return TypeAdapter(kind).validate_json(answer.content)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the answer"
            msg = f"{what}: {self.where} answers what its API does not: {place}: {first['msg']}"
            raise StageFailed(msg) from None

    def pages(
        self,
        kind: type[T],
        path: str,
        what: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[T]:
        """Yield the entries of a list that comes in pages of a hundred.

        Raises:
            StageFailed: There is no end of it.
        """
        next_page: str | None = path
        options: dict[str, Any] = {"params": {"per_page": 100, **(params or {})}}
        for _ in range(_MOST_PAGES):
            if next_page is None:
                return
            answer = self.ask("GET", next_page, what, headers=headers or {}, **options)
            yield from self.read(list[kind], answer, what)  # type: ignore[valid-type]
            next_page, options = answer.links.get("next", {}).get("url"), {}
        msg = f"{what}: {self.where} has more than {_MOST_PAGES} pages of it"
        raise StageFailed(msg)

    def download(
        self, path: str, what: str, limit: int, headers: Mapping[str, str] | None = None
    ) -> Iterator[bytes]:
        """Yield the bytes of a file.

        Args:
            path: The path below the base, or a whole address.
            what: What is done, for sentences.
            limit: The bytes that it should have. Of a longer one the rest is left out.
            headers: Further headers.
        """
        with self._discreet():
            answer = self._send("GET", path, what, {"headers": headers or {}})
            try:
                self._refuse_haste(answer, what)
                if not answer.is_success:
                    checked(answer, self.where, what)
                    msg = f"{what} at {self.where}: the server answers {answer.status_code}"
                    raise StageFailed(msg)
                got = 0
                for block in answer.iter_bytes(_BLOCK):
                    yield block
                    got += len(block)
                    if got > limit:
                        return
            except httpx.RequestError as error:
                msg = f"{what} at {self.where} failed: {str(error) or type(error).__name__}"
                raise TryAgain(msg) from None
            finally:
                answer.close()

    def peek(self, path: str, what: str) -> Mapping[str, str] | None:
        """Return the headers of a file without reading it; None: there is none (404)."""
        with self._discreet():
            answer = self._send("GET", path, what, {})
            try:
                self._refuse_haste(answer, what)
                if answer.is_success:
                    return answer.headers
                checked(answer, self.where, what, HTTPStatus.NOT_FOUND)
                return None
            finally:
                answer.close()

    def _send(
        self, method: str, path: str, what: str, options: Mapping[str, Any]
    ) -> httpx.Response:
        url = path if "://" in path else f"{self._base}{path}"
        given = dict(options)
        headers = given.pop("headers", {})
        for _ in range(_HOPS):
            origin = _origin(url)
            if origin[0] not in {"http", "https"}:
                msg = f"{what}: {self.where} names an address of another protocol: {url[:200]!r}"
                raise StageFailed(msg)
            mine = self._credentials if origin in self._trusted else {}
            try:
                request = self._client.build_request(
                    method, url, headers={**headers, **mine}, **given
                )
            except (httpx.InvalidURL, ValueError):
                msg = f"{what}: {self.where} names an address that is none: {url[:200]!r}"
                raise StageFailed(msg) from None
            answer = send(self._client, request, self.where, what)
            if not answer.has_redirect_location or method != "GET":
                return answer
            answer.close()
            url = _joined(url, answer.headers["location"])
            given.pop("params", None)
            if origin[0] == "https" != _origin(url)[0]:
                msg = f"{what}: {self.where} leads from https to another protocol: {url[:200]}"
                raise StageFailed(msg)
        msg = f"{what}: {self.where} leads from one address to another, more than {_HOPS} times"
        raise StageFailed(msg)

    def _refuse_haste(self, answer: httpx.Response, what: str) -> None:
        """Say when to come back, where a server limits the rate by 403 instead of 429.

        Raises:
            TryAgain: It does.
        """
        if answer.status_code not in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
            return
        headers = answer.headers
        after = _seconds(headers.get("retry-after"))
        if after is None and headers.get("x-ratelimit-remaining") == "0":
            at = _seconds(headers.get("x-ratelimit-reset"))
            after = _USUAL_WAIT if at is None else max(1.0, at - time.time())
        if after is None:
            return
        answer.close()
        msg = f"{what}: {self.where} has had too many requests ({answer.status_code})"
        raise TryAgain(msg, min(after, _LONGEST_WAIT))

    @contextlib.contextmanager
    def _discreet(self) -> Iterator[None]:
        """Keep secrets out of sentences: a server may say back what it was told."""
        try:
            yield
        except StageFailed as error:
            text = self.discreet(str(error))
            if text == str(error):
                raise
            if isinstance(error, TryAgain):
                raise TryAgain(text, error.after) from None
            raise StageFailed(text) from None


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() and len(text) < 12 else None  # noqa: PLR2004


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", url, None
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port or usual


def _joined(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return link
