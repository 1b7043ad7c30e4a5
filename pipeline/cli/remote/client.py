"""Client of a master's HTTP API, on this machine or elsewhere."""

from __future__ import annotations

import argparse
import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import urlsplit

import httpx

from slipway.cli.lib.running_site import running_site
from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.model.people import ADMIN
from slipway.model.site import connectable
from slipway.state_folder import Home

__all__ = ["TOKEN", "URL", "Refused", "Remote"]

URL, TOKEN = "SLIPWAY_URL", "SLIPWAY_TOKEN"
_API = "plugins/slipway/api/"
_TIMEOUT = 60.0
_LONGEST = 300
_PIECE = 1 << 20


class Refused(WrongInput):
    """A master's refusal, with its messages about single fields of the request."""

    def __init__(self, sentence: str, fields: Mapping[str, str]) -> None:
        super().__init__("\n".join([sentence, *(f"  {key}: {fields[key]}" for key in fields)]))
        self.fields = fields


class Remote:
    """A session with a master; as a context manager it closes the connection."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Prepare the session; nothing is sent yet.

        Args:
            options: `url`, `token_file` and `config`.

        Raises:
            WrongInput: The URL is invalid, or the token cannot be read.
            MissingTool: There is neither a token nor this machine's password.
        """
        given = options.url or os.environ.get(URL)
        token = _token(options.token_file)
        self._headers: dict[str, str] = {}
        auth = None
        if given:
            self.url = _checked(given)
            if token is None:
                msg = f"{self.url} wants a token; put it in {TOKEN}, or name its --token-file"
                raise WrongInput(msg)
        else:
            site, home = running_site(options), Home.beside(options.config)
            self.url = f"http://{connectable(site.site.listen)}:{site.site.web_port}/"
            if token is None:
                auth = (ADMIN, _password(home))
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"
        # No proxy of this machine may see requests to this machine.
        local = urlsplit(self.url).hostname in {"localhost", "127.0.0.1", "::1"}
        self._client = httpx.Client(
            base_url=self.url,
            timeout=_TIMEOUT,
            trust_env=not local,
            auth=auth,
            headers=self._headers,
            verify=_authorities(self.url),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Send a GET request; return the answer.

        Raises:
            MissingTool: No master answers.
            Refused: The master refuses the request; with its reason.
            StageFailed: The master failed to handle the request.
        """
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", path, params=given)

    def all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Read all pages of a list; raises the errors of `get`."""
        found: list[dict[str, Any]] = []
        before = None
        while True:
            part = self.get(path, before=before, **query)
            found += part["items"]
            before = part["next"]
            if before is None:
                return found

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Send a POST request; raises the errors of `get`."""
        return self._ask("POST", path, json=body)

    def stream(self, path: str, **query: Any) -> Iterator[bytes]:
        """Read bytes in pieces; raises the errors of `get`."""
        try:
            with self._client.stream("GET", _API + path, params=query) as answer:
                if not answer.is_success:
                    answer.read()
                    self._refuse(answer)
                yield from answer.iter_bytes(_PIECE)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            msg = f"the master at {self.url} broke off ({error}); try again"
            raise MissingTool(msg) from None

    def delete(self, path: str) -> dict[str, Any]:
        """Send a DELETE request; raises the errors of `get`."""
        return self._ask("DELETE", path)

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, _API + path, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            msg = f"no master answers at {self.url} ({error}); start it, or see --url"
            raise MissingTool(msg) from None
        if not answer.is_success:
            self._refuse(answer)
        return _object(answer, self.url)

    def _refuse(self, answer: httpx.Response) -> NoReturn:
        refused = _refused(answer)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise MissingTool(str(refused))
        if answer.is_client_error:
            raise refused
        msg = f"the master at {self.url} answered {answer.status_code}: {refused}"
        raise StageFailed(msg)


def _object(answer: httpx.Response, url: str) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        msg = f"what answers at {url} is no Slipway master; see --url"
        raise MissingTool(msg)
    return found


def _refused(answer: httpx.Response) -> Refused:
    """Convert an error response."""
    try:
        data = answer.json()
        error, fields = data["error"], data.get("fields")
    except (ValueError, KeyError, TypeError, AttributeError):
        return Refused(answer.text.strip()[:_LONGEST] or f"HTTP {answer.status_code}", {})
    if isinstance(error, dict):
        # Buildbot's own error format.
        error = error.get("message", "")
    return Refused(str(error), fields if isinstance(fields, dict) else {})


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        msg = f'"{url}" is no URL of a master; an example: https://ci.example.org/'
        raise WrongInput(msg)
    return url if url.endswith("/") else url + "/"


def _authorities(url: str) -> ssl.SSLContext | bool:
    """Return what certificates are checked against."""
    if urlsplit(url).scheme == "https":
        return True
    # Loading the authorities takes 35 ms of a processor; plain HTTP does not need them.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _token(file: Path | None) -> str | None:
    """Return the token of --token-file or the environment."""
    if file is None:
        text = os.environ.get(TOKEN)
        where = TOKEN
    else:
        where = f"--token-file {file}"
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            msg = f"{where}: it cannot be read: {why}"
            raise WrongInput(msg) from None
    if text is None:
        return None
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        msg = f"{where} holds no token; make one: slipway token create"
        raise WrongInput(msg)
    return token


def _password(home: Home) -> str:
    try:
        return home.admin_password.read_text(encoding="utf-8").strip()
    except OSError:
        msg = (
            f"{home.admin_password} is not there; start the site first (slipway up), or name a "
            f"master with --url and a token in {TOKEN}"
        )
        raise MissingTool(msg) from None
