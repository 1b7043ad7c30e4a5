"""What GitLab's API says and does about one project: its packages, its releases, its tags."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import BaseModel, Field

from slipway.model.errors import StageFailed
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingStream
from slipway.scripts.stages.publish.targets.http_api import HttpApi

__all__ = [
    "DEVELOPER",
    "MAINTAINER",
    "Facts",
    "GitlabProject",
    "Link",
    "Made",
    "Package",
    "PackageFile",
]

_BLOCK = 1 << 20
#: Roles, as the API numbers them.
DEVELOPER, MAINTAINER = 30, 40


class PackageFile(BaseModel):
    """A file of a package; there may be several of one name."""

    id: int
    file_name: str
    size: int | None = None
    file_sha256: str | None = None


class Package(BaseModel):
    """A package of one version."""

    id: int
    name: str
    version: str | None = None


class _Access(BaseModel):
    access_level: int = 0


class _Permissions(BaseModel):
    project_access: _Access | None = None
    group_access: _Access | None = None


class Facts(BaseModel):
    """A project."""

    path_with_namespace: str
    visibility: str = "private"
    archived: bool = False
    permissions: _Permissions | None = None

    def allows(self, level: int) -> bool:
        """Return False if the token's owner certainly has a lesser role than this one."""
        if self.permissions is None:
            return True
        given = (self.permissions.project_access, self.permissions.group_access)
        levels = [one.access_level for one in given if one is not None]
        # None at all: an administrator, or one whose rights come from elsewhere.
        return not levels or max(levels) >= level


class _Commit(BaseModel):
    id: str


class _Tag(BaseModel):
    commit: _Commit


class Link(BaseModel):
    """A link of a release to a file."""

    name: str
    url: str


class _Assets(BaseModel):
    links: list[Link] = Field(default_factory=list)


class _Links(BaseModel):
    self: str = ""


class Made(BaseModel):
    """A release."""

    tag_name: str
    commit: _Commit | None = None
    assets: _Assets = Field(default_factory=_Assets)
    links: _Links = Field(default_factory=_Links, alias="_links")


class GitlabProject:
    """One project by the REST API (version 4)."""

    def __init__(self, api: HttpApi, url: str, project: str, package: str, version: str) -> None:
        """Initialize; nothing is asked.

        Args:
            api: The client.
            url: The server's address.
            project: "group/name" or a number.
            package: The package's name.
            version: The package's version.
        """
        self._api, self._project, self._name, self._version = api, project, package, version
        self._path = f"/projects/{quote(project, safe='')}"
        self._base = f"{url.rstrip('/')}/api/v4"

    def address(self, name: str, version: str | None = None) -> str:
        """Return the address of a file of the package, of this version or another."""
        return f"{self._base}{self._file(name, version)}"

    def _file(self, name: str, version: str | None = None) -> str:
        parts = (quote(one, safe="") for one in (self._name, version or self._version, name))
        return f"{self._path}/packages/generic/{'/'.join(parts)}"

    def _ask(self, method: str, path: str, what: str, *fine: int, **options: Any) -> httpx.Response:
        return self._api.ask(method, self._path + path, what, *fine, **options)

    # ---- the project

    def facts(self) -> Facts:
        """Return what it is and what the token's owner may do there.

        Raises:
            StageFailed: The token is not accepted, or sees no such project.
        """
        what = f"looking at {self._project}"
        return self._api.read(Facts, self._seen(self._ask("GET", "", what, _NOWHERE)), what)

    def _seen(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code == _NOWHERE:
            where = self._api.where
            msg = f"{where} has no project {self._project}, or none that the token may see"
            raise StageFailed(msg)
        return answer

    def check_lists(self, *, releases: bool) -> None:
        """Check that the token may look at packages and releases."""
        once = {"per_page": 1}
        self._seen(self._ask("GET", "/packages", "listing packages", _NOWHERE, params=once))
        if releases:
            self._seen(self._ask("GET", "/releases", "listing releases", _NOWHERE, params=once))

    def check_files(self, name: str) -> None:
        """Check that the token may read files of the package, whether there are any."""
        self.peek(name)

    def tagged(self, tag: str) -> str | None:
        """Return the commit of a tag; None if there is no such tag."""
        what = f"looking for the tag {tag}"
        answer = self._ask("GET", f"/repository/tags/{quote(tag, safe='')}", what, _NOWHERE)
        if answer.status_code == _NOWHERE:
            return None
        return self._api.read(_Tag, answer, what).commit.id

    def has_commit(self, revision: str) -> bool:
        """Return whether a commit is there."""
        what = f"looking for commit {revision[:12]}"
        return self._ask("GET", f"/repository/commits/{revision}", what, _NOWHERE).is_success

    # ---- packages

    def files(self) -> dict[str, PackageFile]:
        """Return the package's files by name; of several the newest, which readers get."""
        found: dict[str, PackageFile] = {}
        for package in self.packages():
            if package.version != self._version:
                continue
            path = f"{self._path}/packages/{package.id}/package_files"
            for one in self._api.pages(PackageFile, path, "listing the package's files"):
                known = found.get(one.file_name)
                if known is None or known.id < one.id:
                    found[one.file_name] = one
        return found

    def packages(self) -> Iterator[Package]:
        """Yield the packages of the name, of all versions."""
        query = {"package_type": "generic", "package_name": self._name}
        packages = self._api.pages(
            Package, f"{self._path}/packages", "listing packages", params=query
        )
        # The server finds names that are alike, too.
        return (one for one in packages if one.name == self._name)

    def drop_package(self, package: Package) -> None:
        """Delete a package with its files."""
        what = f"removing the package {self._name} {package.version}"
        self._ask("DELETE", f"/packages/{package.id}", what, _NOWHERE)

    def peek(self, name: str) -> str | None:
        """Return the hash of a file as the server tells it, "" if it does not; None: no file."""
        headers = self._api.peek(self._file(name), f"looking for {name}")
        return None if headers is None else headers.get("x-checksum-sha256", "")

    def upload(self, file: OutgoingFile, stream: OutgoingStream) -> bool:
        """Upload a file; False: the server says that there is one of that name."""
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(file.size),
        }
        body = iter(lambda: stream.read(_BLOCK), b"")
        what = f"uploading {file.name}"
        wrong = HTTPStatus.BAD_REQUEST
        answer = self._api.ask(
            "PUT", self._file(file.name), what, wrong, headers=headers, content=body
        )
        if answer.status_code != wrong:
            return True
        if "uplicate" in answer.text:
            return False
        text = "".join(c if c.isprintable() else " " for c in answer.text[:300])
        msg = f"{what} to {self._api.where}: it is not taken: {text}"
        raise StageFailed(msg)

    def bytes_of(self, file: OutgoingFile) -> Iterator[bytes]:
        """Yield the bytes of a file."""
        return self._api.download(self._file(file.name), f"reading {file.name} back", file.size)

    def blocks(self, name: str, version: str, limit: int) -> Iterator[bytes] | None:
        """Return the bytes of a file of another version; None: there is none."""
        path, what = self._file(name, version), f"reading {name} of {version}"
        if self._api.peek(path, what) is None:
            return None
        return self._api.download(path, what, limit)

    # ---- releases

    def releases(self) -> Iterator[Made]:
        """Yield the project's releases, those of other packages, too."""
        return self._api.pages(Made, f"{self._path}/releases", "listing releases")

    def drop(self, tag: str) -> None:
        """Delete a release; its tag stays."""
        what = f"removing the release {tag}"
        self._ask("DELETE", f"/releases/{quote(tag, safe='')}", what, _NOWHERE)

    def release(self, tag: str) -> Made | None:
        """Return the release of a tag."""
        what = f"looking for the release {tag}"
        answer = self._ask("GET", f"/releases/{quote(tag, safe='')}", what, _NOWHERE)
        return None if answer.status_code == _NOWHERE else self._api.read(Made, answer, what)

    def create(self, values: dict[str, Any]) -> Made | None:
        """Make a release; None: there is one already."""
        what = f"making the release {values['tag_name']}"
        answer = self._ask("POST", "/releases", what, HTTPStatus.CONFLICT, json=values)
        return None if not answer.is_success else self._api.read(Made, answer, what)

    def link(self, tag: str, values: dict[str, str]) -> None:
        """Add a link to a release."""
        path = f"/releases/{quote(tag, safe='')}/assets/links"
        self._ask("POST", path, f"linking {values['name']} to {tag}", json=values)


_NOWHERE = HTTPStatus.NOT_FOUND
