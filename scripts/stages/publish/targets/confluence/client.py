"""Speak HTTP with Confluence: who asks, what an answer means, and where the token may go."""

from __future__ import annotations

import base64
import contextlib
import ssl
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from slipway.model.errors import SlipwayError, StageFailed, WrongInput
from slipway.model.site import is_loopback
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.stages.publish.targets.confluence.settings import ConfluenceTarget
from slipway.scripts.stages.publish.targets.http_answers import TIMEOUT, checked, send

__all__ = ["Client", "said"]

_HOPS = 5
_BLOCK = 1 << 16
#: Without it each request that changes something is taken for one of a hostile web page.
_NO_CHECK = {"X-Atlassian-Token": "no-check"}


class Client:
    """The connection to one Confluence."""

    def __init__(self, settings: ConfluenceTarget, token: str, where: str) -> None:
        """Initialize; nothing is sent.

        Raises:
            WrongInput: The token cannot be sent, or the file of authorities cannot be read.
        """
        self.base, self.where = settings.base, where
        self._secrets = [token]
        self._authorization = self._credentials(settings, token)
        self._origin = _origin(self.base)
        self._http = httpx.Client(
            timeout=TIMEOUT,
            verify=_context(settings.authorities),
            # No proxy can reach this machine's own loopback addresses.
            trust_env=not is_loopback(urlsplit(self.base).hostname or ""),
            headers={"User-Agent": "slipway", "Accept-Encoding": "identity"},
        )

    def _credentials(self, settings: ConfluenceTarget, token: str) -> str:
        if not token or not token.isascii() or not token.isprintable():
            msg = f"the secret {settings.token} is empty, or holds what no HTTP header can carry"
            raise WrongInput(msg)
        if settings.account is None:
            return f"Bearer {token}"
        basic = base64.b64encode(f"{settings.account}:{token}".encode()).decode()
        self._secrets.append(basic)
        return f"Basic {basic}"

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        what: str,
        *fine: int,
        params: dict[str, Any] | None = None,
        json: object = None,
        files: Any = None,
    ) -> httpx.Response:
        """Send a request to the API and return the answer: JSON, or nothing.

        Args:
            method: The method.
            path: The path below the base.
            what: What is done, such as "looking for the page".
            fine: Other statuses than 2xx that the caller handles.
            params: The query.
            json: The body, as JSON.
            files: The body's parts, streamed.

        Raises:
            StageFailed: The server refuses, or it is no Confluence that answers.
            TryAgain: The network fails, 5xx or 429.
        """
        headers = {"Authorization": self._authorization, "Accept": "application/json", **_NO_CHECK}
        request = self._http.build_request(
            method, f"{self.base}{path}", params=params, json=json, files=files, headers=headers
        )
        with self._masked():
            answer = send(self._http, request, self.where, what)
            with contextlib.closing(answer):
                self._refuse_sign_in(answer, what)
                answer = checked(answer, self.where, what, *fine, *_EXPLAINED)
                if answer.status_code not in fine:
                    _explain(answer, self.where, what)
        return answer

    def data(self, answer: httpx.Response, what: str) -> Any:
        """Return the JSON of an answer.

        Raises:
            StageFailed: It is none.
        """
        try:
            return answer.json()
        except (ValueError, RecursionError):
            msg = f"{what} at {self.where}: it answers with something that is no JSON"
            raise StageFailed(msg) from None

    def _refuse_sign_in(self, answer: httpx.Response, what: str) -> None:
        """Refuse what a proxy or a sign-in page says in Confluence's place.

        Raises:
            StageFailed: It is no answer of the API.
        """
        if answer.is_redirect:
            to = urljoin(self.base, answer.headers.get("location", ""))
            msg = f"{what} at {self.where}: it sends us to {_shown(to)} instead of answering"
        elif answer.is_success and _is_page(answer):
            msg = f"{what} at {self.where}: a web page answers instead of Confluence's API"
        else:
            return
        msg += (
            "; a proxy or a single sign-on stands before it, or the url is another one than the "
            "API's: let the API be reached without it"
        )
        raise StageFailed(msg)

    def download(self, link: str, what: str, *, may_be_page: bool) -> Iterator[bytes]:
        """Yield the bytes of a file; other hosts than Confluence's own never get the token.

        Args:
            link: Its address, or a path below the base.
            what: What is done.
            may_be_page: True if the file may itself be a web page.

        Raises:
            StageFailed: It cannot be fetched.
            TryAgain: The network fails, 5xx or 429.
        """
        at = link if "://" in link else f"{self.base}{link}"
        with self._masked():
            for _ in range(_HOPS):
                answer = self._fetch(at, what)
                with contextlib.closing(answer):
                    if answer.is_redirect:
                        at = self._next(at, answer, what)
                        continue
                    if not answer.is_success:
                        checked(answer, self.where, what)
                    if _is_page(answer) and not may_be_page:
                        self._refuse_sign_in(answer, what)
                    try:
                        yield from answer.iter_bytes(_BLOCK)
                    except httpx.RequestError as error:
                        msg = f"{what} at {self.where} failed: {str(error) or type(error).__name__}"
                        raise TryAgain(msg) from None
                    return
        msg = f"{what} at {self.where}: it sends us on more than {_HOPS} times"
        raise StageFailed(msg)

    def _fetch(self, at: str, what: str) -> httpx.Response:
        ours = _origin(at) == self._origin
        headers = {"Authorization": self._authorization} if ours else {}
        try:
            request = self._http.build_request("GET", at, headers=headers)
        except (httpx.InvalidURL, ValueError):
            msg = f"{what} at {self.where}: it names an address that is none"
            raise StageFailed(msg) from None
        return send(self._http, request, self.where, what)

    def _next(self, at: str, answer: httpx.Response, what: str) -> str:
        to = urljoin(at, answer.headers.get("location", ""))
        scheme, path = urlsplit(to).scheme, urlsplit(to).path.lower()
        if scheme != "https" and scheme != urlsplit(self.base).scheme:
            msg = f"{what} at {self.where}: it sends us to {_shown(to)}, which is not https"
            raise StageFailed(msg)
        if path.rpartition("/")[2].startswith("login") and "/download/" not in path:
            self._refuse_sign_in(answer, what)
        return str(to)

    @contextlib.contextmanager
    def _masked(self) -> Iterator[None]:
        """Keep the token out of sentences, whatever a server puts into its answer."""
        try:
            yield
        except SlipwayError as error:
            text = str(error)
            for secret in self._secrets:
                text = text.replace(secret, "***")
            error.args = (text,)
            raise


#: Statuses whose sentence says more than the server.
_EXPLAINED = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
)


def _explain(answer: httpx.Response, where: str, what: str) -> None:
    """Raise the sentence for an answer that is no success.

    Raises:
        StageFailed: Always, if it is none; TryAgain for a conflict, which the next try solves.
    """
    if answer.is_success:
        return
    code, text = answer.status_code, said(answer)
    begin = f"{what} at {where}: it answers {code} {answer.reason_phrase}{text}"
    if code == HTTPStatus.CONFLICT:
        msg = f"{begin}; somebody else has changed it meanwhile"
        raise TryAgain(msg)
    if code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        msg = f"{begin}; it is larger than this Confluence takes: an administrator can raise that"
    elif code == HTTPStatus.UNAUTHORIZED:
        msg = f"{begin}; the account or its token is wrong or has expired"
    elif "xsrf" in text.lower():
        msg = f"{begin}; a proxy before it drops the header X-Atlassian-Token: let it pass"
    elif "read-only" in text.lower() or "read only" in text.lower():
        msg = f"{begin}; Confluence is in read-only mode: run it again when that has ended"
    else:
        msg = f"{begin}; the account must be allowed to add and edit pages and attachments there"
    raise StageFailed(msg)


def said(answer: httpx.Response) -> str:
    """Return what an answer says in words, after a colon; empty if it says nothing."""
    text = ""
    with contextlib.suppress(ValueError, RecursionError):
        data = answer.json()
        if isinstance(data, dict):
            errors = data.get("errors")
            first = errors[0] if isinstance(errors, list) and errors else data
            if isinstance(first, dict):
                text = str(first.get("title") or first.get("message") or "")
    text = "".join(one if one.isprintable() else " " for one in str(text or ""))[:300].strip()
    return f": {text}" if text else ""


def _is_page(answer: httpx.Response) -> bool:
    kind: str = answer.headers.get("content-type", "")
    return kind.lower().startswith("text/html")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", None, None
    return parts.scheme, parts.hostname, port


def _shown(url: str) -> str:
    """Return an address without what may be secret in it: its query."""
    plain = url.partition("?")[0].partition("#")[0]
    return "".join(one if one.isprintable() else "?" for one in plain)[:200]


@cache
def _context(authorities: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authorities is None:
        return context
    try:
        context.load_verify_locations(authorities)
    except (OSError, ssl.SSLError) as error:
        msg = f"authorities: {authorities} cannot be read as PEM: {error.strerror or error}"
        raise WrongInput(msg) from None
    return context
