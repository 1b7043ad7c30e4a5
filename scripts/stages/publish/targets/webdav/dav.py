"""Ask a WebDAV server: requests with a login, bounded answers, failures as sentences."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import httpx

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.releases.outgoing import OutgoingStream
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.stages.publish.targets.http_answers import (
    TIMEOUT,
    failure,
    send,
    usual_authorities,
)
from slipway.scripts.stages.publish.targets.webdav.listing import (
    ASKED,
    Entry,
    Unreadable,
    read_entries,
)
from slipway.scripts.stages.publish.targets.webdav.settings import WebdavTarget

__all__ = ["Dav", "Upload", "address"]

_BLOCK = 1 << 18
#: Bytes of an answer that are read: of a list of files, and of a sentence.
_LONGEST_LIST, _LONGEST_TEXT = 64 << 20, 2000
#: What a server says that does not list folders, as nginx.
_NO_LISTS = frozenset({400, 403, 405, 415, 501})
_PLAIN = {"Accept-Encoding": "identity", "Cache-Control": "no-cache"}


def address(*parts: str) -> str:
    """Return a path of an address, each part quoted."""
    return "/".join(quote(one, safe="+@,=!$&'()*;") for one in parts)


class Upload:
    """The body of an upload; it can be sent once more, from its beginning, with another login."""

    def __init__(self, stream: OutgoingStream) -> None:
        """Take an open file."""
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        """Yield the whole file."""
        self._stream.seek(0)
        while data := self._stream.read(_BLOCK):
            yield data


class Dav:
    """A folder at a WebDAV server; all paths are those below it."""

    def __init__(
        self, target: WebdavTarget, secrets: Mapping[str, str], state: Path, where: str
    ) -> None:
        """Initialize; nothing is sent.

        Args:
            target: The address and the login.
            secrets: The stage's secrets, by name.
            state: The state folder; relative paths of the settings are relative to it.
            where: The place, for sentences.

        Raises:
            WrongInput: A secret is missing, or the file of authorities cannot be read.
        """
        self._target, self._where = target, where
        self._base = target.url.rstrip("/")
        auth: httpx.Auth | None = None
        headers = {}
        if target.user and target.password:
            word = _secret(secrets, target.password, "password")
            kind = httpx.DigestAuth if target.login == "digest" else httpx.BasicAuth
            auth = kind(target.user.encode(), word.encode())
        elif target.token:
            headers["Authorization"] = f"Bearer {_secret(secrets, target.token, 'token')}"
        self._client = httpx.Client(
            auth=auth,
            headers={"User-Agent": "slipway", **headers},
            timeout=TIMEOUT,
            verify=_trust(target, state),
            follow_redirects=False,
        )
        self.lists = True
        """False: the server does not list folders."""

    def url(self, path: str) -> str:
        """Return the address of a path that was made by `address`."""
        return f"{self._base}/{path}"

    def ask(
        self,
        method: str,
        path: str,
        what: str,
        *fine: int,
        headers: Mapping[str, str] | None = None,
        content: Upload | bytes | None = None,
    ) -> int:
        """Send a request and return the status, which is 2xx or among those given.

        Raises:
            StageFailed: The server refuses.
            TryAgain: The network fails, or the server cannot do it now.
        """
        answer = self._send(method, path, what, headers, content)
        try:
            code = answer.status_code
            if code == HTTPStatus.MULTI_STATUS or not (answer.is_success or code in fine):
                raise self._failure(answer, what)
            return code
        finally:
            answer.close()

    def make_folder(self, path: str, what: str) -> None:
        """Make a folder, if it is not there.

        Raises:
            StageFailed: The server refuses.
            TryAgain: The network fails, or the server cannot do it now.
        """
        fine = HTTPStatus.METHOD_NOT_ALLOWED
        code = self.ask("MKCOL", f"{path}/", what, fine, HTTPStatus.FORBIDDEN)
        if code == HTTPStatus.FORBIDDEN:
            # Apache says so, too, where somebody else makes the same folder at the same moment.
            self.ask("MKCOL", f"{path}/", what, fine)

    def _send(
        self,
        method: str,
        path: str,
        what: str,
        headers: Mapping[str, str] | None = None,
        content: Upload | bytes | None = None,
    ) -> httpx.Response:
        request = self._client.build_request(
            method, self.url(path), headers=dict(_PLAIN | dict(headers or {})), content=content
        )
        return send(self._client, request, self._where, what)

    def _failure(self, answer: httpx.Response, what: str) -> StageFailed:
        code = answer.status_code
        begin = f"{what} at {self._where}: the server answers {code} {answer.reason_phrase}"
        if answer.is_redirect:
            # The login is sent nowhere else.
            place = "".join(c for c in answer.headers.get("location", "") if c.isprintable())[:200]
            return StageFailed(f"{begin}: it sends us to {place!r}; write that address as url")
        if code == HTTPStatus.INSUFFICIENT_STORAGE:
            return StageFailed(f"{begin}: the disk or the quota is full there")
        if code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return StageFailed(f"{begin}: it takes no file of that size; raise its limit")
        if code == HTTPStatus.UNAUTHORIZED:
            return StageFailed(f"{self._where} refuses {self._who()}; see that it may log in there")
        if code in (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED):
            return StageFailed(f"{begin}; turn WebDAV on there")
        return failure(answer, _beginning(answer), self._where, what)

    def _who(self) -> str:
        target = self._target
        if target.token:
            return f'the token of the secret "{target.token}"'
        if target.user:
            return f'the user "{target.user}" with the password of the secret "{target.password}"'
        return "to let anybody in without a login"

    def size(self, path: str, what: str) -> int | None:
        """Return the size of a file, as far as the server says it; None: it is not there."""
        answer = self._send("HEAD", path, what)
        answer.close()
        if answer.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE):
            return None
        if not answer.is_success:
            raise self._failure(answer, what)
        text = answer.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else -1

    def blocks(self, path: str, what: str, size: int) -> Iterator[bytes] | None:
        """Return the bytes of a file as the server keeps them.

        Args:
            path: The file.
            what: What is done, for sentences.
            size: The bytes it should have. It is not read on once it has more.

        Returns:
            None: it is not there.
        """
        answer = self._send("GET", path, what)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            answer.close()
            return None
        if answer.status_code != HTTPStatus.OK:
            try:
                raise self._failure(answer, what)
            finally:
                answer.close()
        return self._read(answer, what, size)

    def _read(self, answer: httpx.Response, what: str, size: int) -> Iterator[bytes]:
        left = size + 1
        try:
            # Not decoded: servers call a .tar.gz a tar file that is encoded.
            for block in answer.iter_raw():
                yield block
                left -= len(block)
                if left <= 0:
                    return
        except httpx.TransportError as error:
            msg = f"{what} at {self._where} failed: {str(error) or type(error).__name__}"
            raise TryAgain(msg) from None
        finally:
            answer.close()

    def entries(self, path: str, depth: int, what: str) -> tuple[list[Entry], str] | None:
        """Return a folder and, for a depth of 1, what is in it, and the server's time.

        Returns:
            None: it is not there, or the server does not list folders: then `lists` is False.
        """
        headers = {"Depth": str(depth), "Content-Type": "application/xml; charset=utf-8"}
        answer = self._send("PROPFIND", path, what, headers, ASKED)
        try:
            code = answer.status_code
            if code in _NO_LISTS:
                self.lists = False
                return None
            if code == HTTPStatus.NOT_FOUND:
                return None
            if code != HTTPStatus.MULTI_STATUS:
                raise self._failure(answer, what)
            data = bytearray()
            for block in answer.iter_bytes():
                data += block
                if len(data) > _LONGEST_LIST:
                    break
            return read_entries(bytes(data)), answer.headers.get("date", "")
        except httpx.TransportError as error:
            msg = f"{what} at {self._where} failed: {str(error) or type(error).__name__}"
            raise TryAgain(msg) from None
        except (Unreadable, httpx.DecodingError) as error:
            msg = f"{what} at {self._where}: the server's answer cannot be read: {error}"
            raise StageFailed(msg) from None
        finally:
            answer.close()

    def move(self, path: str, new: str, what: str, *fine: int, replace: bool = False) -> int:
        """Rename a file, or a folder whose path ends with a slash."""
        headers = {
            "Destination": self.url(new),
            "Overwrite": "T" if replace else "F",
            "Depth": "infinity",
        }
        return self.ask("MOVE", path, what, *fine, headers=headers)

    def close(self) -> None:
        """End the connections."""
        self._client.close()


def _beginning(answer: httpx.Response) -> str:
    data = bytearray()
    try:
        for block in answer.iter_bytes():
            data += block
            if len(data) > _LONGEST_TEXT:
                break
    except (httpx.TransportError, httpx.DecodingError):
        pass
    return bytes(data).decode("utf-8", "replace")


def _secret(secrets: Mapping[str, str], name: str, key: str) -> str:
    value = secrets.get(name, "").strip("\r\n")
    if not value:
        msg = f'{key}: the stage has no secret "{name}"; name it below [...secrets]'
        raise WrongInput(msg)
    if not value.isprintable():
        msg = f'{key}: the secret "{name}" holds a line break or another control character'
        raise WrongInput(msg)
    return value


def _trust(target: WebdavTarget, state: Path) -> ssl.SSLContext:
    if target.url.startswith("http:"):
        # No certificate is ever looked at: one that trusts nobody is quicker made.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if target.authorities is None:
        return usual_authorities()
    file = state / target.authorities
    try:
        return ssl.create_default_context(cafile=str(file))
    except ssl.SSLError:
        msg = f"authorities: {file} holds no certificates in PEM"
        raise WrongInput(msg) from None
    except OSError as error:
        msg = f"authorities: {file} cannot be read on this worker: {error.strerror}"
        raise WrongInput(msg) from None
