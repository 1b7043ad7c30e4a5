"""Publish the wheels and source archives of a release to an index of Python packages."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from http import HTTPStatus

import httpx

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.job import Job
from slipway.model.states import FileState
from slipway.scripts.releases.outgoing import (
    OutgoingFile,
    OutgoingRelease,
    OutgoingStream,
    Pointers,
)
from slipway.scripts.releases.target import ReleaseTarget, Seen, TryAgain
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.targets.http_api import HttpApi, secret_of
from slipway.scripts.stages.publish.targets.pypi.distributions import (
    Distribution,
    is_distribution,
    read,
)
from slipway.scripts.stages.publish.targets.pypi.index import ACCEPTED, Listed, listed
from slipway.scripts.stages.publish.targets.pypi.settings import PypiTarget

__all__ = ["PypiUpload"]

_BLOCK = 1 << 20
#: Refusals of a form in which everything is missing: the server knows who asks.
_OF_NO_FILE = (400, 404, 405, 406, 409, 410, 411, 415, 422, 500)
_TAKEN = (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
_SHOWN = 300


class PypiUpload(ReleaseTarget):
    """One release on its way to an index, by the form that PyPI takes (its legacy API).

    An index has no place aside: what was uploaded is public. So all that can be wrong is looked
    for before the first upload: metadata, versions, and files of the same name with other bytes.
    """

    def __init__(self, target: PypiTarget, job: Job, _report: Report) -> None:
        """Initialize; nothing is sent."""
        self._settings = target
        self.authorities = target.authorities
        self._secret = secret_of(job, target.password)
        self.where = target.url.partition("://")[2].rstrip("/")
        pair = base64.b64encode(f"{target.user}:{self._secret}".encode()).decode()
        secrets = (self._secret, pair)
        self._api = HttpApi(
            self.where,
            target.url,
            credentials={"Authorization": f"Basic {pair}"},
            secrets=secrets,
            authorities=self.authorities,
        )
        self._anonymous = HttpApi(
            self.where,
            target.read_from,
            credentials={},
            secrets=secrets,
            authorities=self.authorities,
        )
        self._distributions: dict[str, Distribution] = {}
        self._wanted: dict[tuple[str, str], bool] = {}
        self._listed: dict[str, Listed] = {}
        self._is_open = False
        """True: anybody may read the index."""

    # ---- before

    def check(self, version: str, size: int | None) -> None:
        """Check the address and the password, with a form in which the file is missing.

        What the password may upload is only known by trying.

        Raises:
            StageFailed: There is no index, or it refuses the password.
        """
        del version, size
        settings = self._settings
        if (
            settings.is_pypi
            and settings.user == "__token__"
            and not self._secret.startswith("pypi-")
        ):
            msg = f"{self.where}: the secret {settings.password} is no token of PyPI: pypi-..."
            raise StageFailed(msg)
        what = "asking whether the password is right"
        form = {":action": (None, "file_upload"), "protocol_version": (None, "1")}
        answer = self._api.ask("POST", settings.url, what, *_OF_NO_FILE, *_REFUSED, files=form)
        if answer.status_code in _REFUSED:
            msg = (
                f"{self.where} refuses the user {settings.user} with the secret "
                f"{settings.password}: {self._said(answer)}"
            )
            raise StageFailed(msg)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            msg = f"there is no index of packages at {settings.url}"
            raise StageFailed(msg)

    def wants(self, file: OutgoingFile) -> bool:
        """Return whether a file is a wheel or a source archive."""
        key = file.name, file.sha256
        if key not in self._wanted:
            self._wanted[key] = is_distribution(file)
        return self._wanted[key]

    def look(self, release: OutgoingRelease) -> Mapping[str, Seen]:
        """Return which of the distributions are there; each is public.

        Raises:
            StageFailed: The index has another file of that name.
            WrongInput: There is none, or one that the index does not take.
        """
        files = [one for one in release.files if self.wants(one)]
        if not files:
            msg = (
                f"{release.project} {release.version} has neither a wheel nor a source archive for "
                f"{self.where}: let a stage build one (python -m build), or take the target out"
            )
            raise WrongInput(msg)
        self._distributions = {one.name: read(one) for one in files}
        self._check_versions()
        self._list()
        seen = {}
        for file in files:
            if (there := self._listed.get(file.name)) is None:
                continue
            if there.sha256 not in {"", file.sha256}:
                raise StageFailed(self._other(file, there.sha256))
            seen[file.name] = Seen(FileState.PUBLIC, there.sha256)
        return seen

    def _check_versions(self) -> None:
        for name, one in self._distributions.items():
            if self._settings.is_pypi and one.version.local is not None:
                msg = (
                    f"{name} has the version {one.version}, and PyPI takes none with a local part "
                    f"(+{one.version.local}): build it with the project's own version, "
                    f"{one.version.public}; the release may be called {one.version} all the same"
                )
                raise WrongInput(msg)

    def _other(self, file: OutgoingFile, digest: str) -> str:
        one = self._distributions[file.name]
        return (
            f'{self.where} has another "{file.name}" (sha256 {digest[:64]}), and a version never '
            f"changes there: raise the version of {one.name} itself, {one.version} now"
        )

    def _list(self) -> None:
        """Ask the index for the files of the release's projects."""
        self._listed = {}
        for project in sorted({one.name for one in self._distributions.values()}):
            what = f"listing the files of {project}"
            page = self._page(project, what)
            if page is not None:
                self._listed |= {one.name: one for one in listed(self._api, page, what)}

    def _page(self, project: str, what: str) -> httpx.Response | None:
        """Return the index's page of a project; None: it has none."""
        url = f"{self._settings.read_from}{project}/"
        headers = {"Accept": ACCEPTED, "Cache-Control": "no-cache"}
        hidden = (*_REFUSED, HTTPStatus.NOT_FOUND)
        answer = self._anonymous.ask("GET", url, what, *hidden, headers=headers)
        self._is_open = answer.is_success
        if not self._is_open and self._api.trusts(url):
            answer = self._api.ask("GET", url, what, HTTPStatus.NOT_FOUND, headers=headers)
        if answer.status_code in _REFUSED:
            msg = f"{what}: {url} asks for a password, and it is no part of {self.where}"
            raise StageFailed(msg)
        return answer if answer.is_success else None

    # ---- files

    def stage(self, file: OutgoingFile, stream: OutgoingStream) -> None:
        """Upload one file, after which it is public.

        Raises:
            StageFailed: The index does not take it.
        """
        one = self._distributions[file.name]
        form: dict[str, list[str]] = {}
        sums = _hashes(file)
        fixed = ((":action", "file_upload"), ("protocol_version", "1"), *sums.items())
        for key, value in (*fixed, *one.fields):
            form.setdefault(key, []).append(value)
        what = f"uploading {file.name}"
        answer = self._api.ask(
            "POST",
            self._settings.url,
            what,
            *_TAKEN,
            HTTPStatus.FORBIDDEN,
            data=form,
            files={"content": (file.name, stream, "application/octet-stream")},
        )
        if answer.status_code == HTTPStatus.FORBIDDEN:
            msg = (
                f"{self.where} does not let {self._settings.user} upload to {one.name}, which may "
                f"be somebody else's: {self._said(answer)}"
            )
            raise StageFailed(msg)
        if not answer.is_success:
            self._refuse(file, answer)

    def _refuse(self, file: OutgoingFile, answer: httpx.Response) -> None:
        """Accept a refusal if the very file is there: an earlier try's answer may be lost.

        Raises:
            StageFailed: It is not there, or another is.
        """
        self._list()
        there = self._listed.get(file.name)
        if there is None:
            msg = f"{self.where} does not take {file.name}: {self._said(answer)}"
            raise StageFailed(msg)
        if there.sha256 not in {"", file.sha256}:
            raise StageFailed(self._other(file, there.sha256))

    def _said(self, answer: httpx.Response) -> str:
        """Return what the server says, without secrets."""
        text = f"{answer.status_code} {answer.reason_phrase}"
        if "html" not in answer.headers.get("content-type", ""):
            text += f" {answer.text[:_SHOWN]}"
        return self._api.discreet("".join(c if c.isprintable() else " " for c in text).strip())

    def read_back(self, file: OutgoingFile) -> Iterator[bytes]:
        """Yield the bytes of a file as the index gives them to those who install it.

        Raises:
            TryAgain: The index does not list it yet.
        """
        if file.name not in self._listed:
            self._list()
        there = self._listed.get(file.name)
        if there is None:
            msg = f"{self.where} does not list {file.name} yet"
            raise TryAgain(msg)
        reader = self._anonymous if self._is_open else self._api
        yield from reader.download(there.url, f"reading {file.name} back", file.size)

    # ---- to be seen

    def commit(self, release: OutgoingRelease) -> str:
        """Return where people find it; everything is public already."""
        del release
        one = next(iter(self._distributions.values()))
        if self._settings.is_pypi:
            host = self._settings.read_from.removesuffix("/simple/")
            return f"{host}/project/{one.name}/{one.version}/"
        return f"{self._settings.read_from}{one.name}/"

    def point(self, pointers: Pointers) -> None:
        """Do nothing: installers choose by version."""

    def public_url(self, name: str) -> str | None:
        """Return a file's address; None: the index asks who reads it."""
        there = self._listed.get(name)
        return there.url if there is not None and self._is_open else None

    def close(self) -> None:
        """End the connections."""
        self._api.close()
        self._anonymous.close()


_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def _hashes(file: OutgoingFile) -> dict[str, str]:
    """Return the hashes of the form; the file is read once for those that are not known."""
    known = {"sha256_digest": file.sha256}
    try:
        blake = hashlib.blake2b(digest_size=32)
    except ValueError:
        # A machine that is held to FIPS does not have it, and no index insists on it.
        return known
    with OutgoingStream(file) as stream:
        while block := stream.read(_BLOCK):
            blake.update(block)
    return {**known, "blake2_256_digest": blake.hexdigest()}
