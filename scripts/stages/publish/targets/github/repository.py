"""What GitHub's API says and does about one repository: its releases, their assets, its tags."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, Field

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingStream
from slipway.scripts.stages.publish.targets.github.names import is_kept
from slipway.scripts.stages.publish.targets.http_api import HttpApi

__all__ = ["Asset", "Facts", "Published", "Repository"]

#: Tags of tags of tags are legal, and nobody has them.
_DEEPEST_TAG = 5
_BLOCK = 1 << 20
_JSON = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
T = TypeVar("T", bound=BaseModel)


class Asset(BaseModel):
    """A file of a release."""

    id: int
    name: str
    label: str | None = None
    state: str = "uploaded"
    """Anything else than "uploaded": an upload that was cut."""
    size: int = 0
    digest: str | None = None
    """The hash as "sha256:...". None: the server knows none."""
    browser_download_url: str = ""

    @property
    def sha256(self) -> str:
        """The hash. Empty: the server does not tell one."""
        kind, _, value = (self.digest or "").partition(":")
        return value if kind == "sha256" else ""


class Published(BaseModel):
    """A release, published or a draft."""

    id: int
    tag_name: str
    draft: bool = False
    prerelease: bool = False
    immutable: bool = False
    """True: nothing of it can be changed; it can be deleted, and its tag is lost then for ever."""
    body: str | None = None
    html_url: str = ""
    upload_url: str = ""


class _Rights(BaseModel):
    push: bool = True


class Facts(BaseModel):
    """A repository."""

    full_name: str
    private: bool = True
    archived: bool = False
    permissions: _Rights = Field(default_factory=_Rights)


class _Object(BaseModel):
    sha: str
    type: str = "commit"


class _Reference(BaseModel):
    object: _Object


class Repository:
    """One repository by the REST API (version 2022-11-28)."""

    def __init__(self, api: HttpApi, name: str, url: str) -> None:
        """Initialize; nothing is asked.

        Args:
            api: The client.
            name: "owner/name".
            url: The API's address.
        """
        self._api, self._name, self._url = api, name, url
        self._path = f"/repos/{name}"

    def _ask(self, method: str, path: str, what: str, *fine: int, **options: Any) -> httpx.Response:
        return self._api.ask(method, self._path + path, what, *fine, headers=_JSON, **options)

    def _list(self, kind: type[T], path: str, what: str) -> Iterator[T]:
        return self._api.pages(kind, self._path + path, what, headers=_JSON)

    # ---- the repository

    def facts(self) -> Facts:
        """Return what it is and what the token may do there.

        Raises:
            StageFailed: The token is not accepted, or sees no such repository.
        """
        what = f"looking at {self._name}"
        answer = self._ask("GET", "", what, HTTPStatus.NOT_FOUND)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            msg = (
                f"{self._api.where} has no repository {self._name}, or none that the token may see"
            )
            raise StageFailed(msg)
        return self._api.read(Facts, answer, what)

    def has_commit(self, revision: str) -> bool:
        """Return whether a commit is there."""
        fine = (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
        return self._ask(
            "GET", f"/commits/{revision}", f"looking for commit {revision[:12]}", *fine
        ).is_success

    def tagged(self, tag: str) -> str | None:
        """Return the commit that a tag points at; None if there is no such tag.

        Raises:
            StageFailed: It points at no commit.
        """
        what = f"looking for the tag {tag}"
        answer = self._ask("GET", f"/git/ref/tags/{quote(tag)}", what, HTTPStatus.NOT_FOUND)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        found = self._api.read(_Reference, answer, what).object
        for _ in range(_DEEPEST_TAG):
            if found.type != "tag":
                break
            answer = self._ask("GET", f"/git/tags/{quote(found.sha, safe='')}", what)
            found = self._api.read(_Reference, answer, what).object
        if found.type != "commit":
            msg = f"the tag {tag} of {self._name} points at no commit but at a {found.type[:20]}"
            raise StageFailed(msg)
        return found.sha

    # ---- releases

    def published(self, tag: str) -> Published | None:
        """Return the published release of a tag."""
        what = f"looking for the release {tag}"
        answer = self._ask("GET", f"/releases/tags/{quote(tag)}", what, HTTPStatus.NOT_FOUND)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        found = self._api.read(Published, answer, what)
        return None if found.draft else found

    def drafts(self, tag: str) -> list[Published]:
        """Return the drafts of a tag, the oldest first; there may be several."""
        releases = self._list(Published, "/releases", "listing releases")
        return sorted(
            (one for one in releases if one.draft and one.tag_name == tag), key=lambda one: one.id
        )

    def all_published(self) -> Iterator[Published]:
        """Yield the published releases, the newest first."""
        releases = self._list(Published, "/releases", "listing releases")
        return (one for one in releases if not one.draft)

    def newest(self) -> Published | None:
        """Return the release that is shown as the latest."""
        what = "looking for the latest release"
        answer = self._ask("GET", "/releases/latest", what, HTTPStatus.NOT_FOUND)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        return self._api.read(Published, answer, what)

    def create(self, values: dict[str, Any]) -> Published:
        """Make a draft.

        Raises:
            WrongInput: The tag cannot be used any more.
        """
        what = f"making a draft of {values['tag_name']}"
        wrong = HTTPStatus.UNPROCESSABLE_ENTITY
        answer = self._ask("POST", "/releases", what, wrong, json={**values, "draft": True})
        self._refuse_burned(answer, values["tag_name"], what)
        return self._api.read(Published, answer, what)

    def change(self, release: Published, what: str, values: dict[str, Any]) -> Published | None:
        """Change a release; None: GitHub says that this is not valid (422).

        Raises:
            WrongInput: The tag cannot be used any more.
        """
        wrong = HTTPStatus.UNPROCESSABLE_ENTITY
        answer = self._ask("PATCH", f"/releases/{release.id}", what, wrong, json=values)
        if answer.status_code == wrong:
            self._refuse_burned(answer, release.tag_name, what, only=True)
            return None
        return self._api.read(Published, answer, what)

    def _refuse_burned(
        self, answer: httpx.Response, tag: str, what: str, *, only: bool = False
    ) -> None:
        if answer.is_success:
            return
        if "used by an immutable release" in answer.text:
            msg = (
                f"the tag {tag} of {self._name} was used by an immutable release that is gone; "
                "GitHub never lets it be used again: give this release a version of its own"
            )
            raise WrongInput(msg)
        if not only:
            msg = f"{what} at {self._api.where}: it is not valid: {_shown(answer.text)}"
            raise StageFailed(msg)

    def drop_draft(self, release: Published) -> None:
        """Delete a draft; nothing that was published."""
        what = f"looking at the draft of {release.tag_name}"
        answer = self._ask("GET", f"/releases/{release.id}", what, HTTPStatus.NOT_FOUND)
        if answer.is_success and self._api.read(Published, answer, what).draft:
            what = f"deleting the second draft of {release.tag_name}"
            self._ask("DELETE", f"/releases/{release.id}", what, HTTPStatus.NOT_FOUND)

    def drop_published(self, release: Published) -> None:
        """Delete a published release and its files, in one request; its tag stays."""
        what = f"removing the release {release.tag_name}"
        self._ask("DELETE", f"/releases/{release.id}", what, HTTPStatus.NOT_FOUND)

    # ---- assets

    def assets(self, release: Published) -> list[Asset]:
        """Return the files of a release, all pages of them."""
        what = f"listing the files of {release.tag_name}"
        return list(self._list(Asset, f"/releases/{release.id}/assets", what))

    def upload(
        self, release: Published, file: OutgoingFile, stream: OutgoingStream
    ) -> Asset | None:
        """Upload a file; None: GitHub says that there is one of that name.

        Raises:
            StageFailed: The upload's address is not GitHub's own.
        """
        address = release.upload_url.partition("{")[0]
        self._check_address(address)
        query = f"?name={quote(file.name, safe='')}"
        if not is_kept(file.name):
            # People see the label, and the file is found again by it.
            query += f"&label={quote(file.name, safe='')}"
        headers = {
            **_JSON,
            "Content-Type": file.media_type,
            "Content-Length": str(file.size),
        }
        what = f"uploading {file.name}"
        wrong = HTTPStatus.UNPROCESSABLE_ENTITY
        body = iter(lambda: stream.read(_BLOCK), b"")
        answer = self._api.ask("POST", address + query, what, wrong, headers=headers, content=body)
        if answer.status_code != wrong:
            return self._api.read(Asset, answer, what)
        if "already_exists" in answer.text:
            return None
        msg = f"{what} to {self._api.where}: it is not valid: {_shown(answer.text)}"
        raise StageFailed(msg)

    def _check_address(self, address: str) -> None:
        """Allow GitHub's own host of uploads; the token goes nowhere else."""
        api, given = urlsplit(self._url), urlsplit(address)
        uploads = "uploads." + (api.hostname or "").removeprefix("api.")
        if given.scheme != api.scheme or given.hostname not in {api.hostname, uploads}:
            msg = (
                f"{self._api.where} wants files to be sent to {_shown(address)}, which is not its "
                "own; nothing was sent"
            )
            raise StageFailed(msg)
        self._api.trust(address)

    def remove(self, asset: Asset) -> None:
        """Delete a file of a draft."""
        what = f"deleting {asset.name}, which is not whole,"
        self._ask("DELETE", f"/releases/assets/{asset.id}", what, HTTPStatus.NOT_FOUND)

    def bytes_of(self, asset: Asset, limit: int) -> Iterator[bytes]:
        """Yield the bytes of a file."""
        path = f"{self._path}/releases/assets/{asset.id}"
        what = f"reading {asset.name} back"
        headers = {**_JSON, "Accept": "application/octet-stream"}
        return self._api.download(path, what, limit, headers)


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:300]).strip()
