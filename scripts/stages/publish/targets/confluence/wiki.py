"""What a Confluence can do for us, whichever kind it is."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx

from slipway.model.errors import StageFailed
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingStream
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.stages.publish.targets.confluence.answers import (
    Attachment,
    Listing,
    Mark,
    Page,
    next_page,
    parsed,
)
from slipway.scripts.stages.publish.targets.confluence.client import Client, said
from slipway.scripts.stages.publish.targets.confluence.settings import ConfluenceTarget

__all__ = ["MARK", "Wiki", "multipart"]

#: The key of the content property that says which pages are ours.
MARK = "slipway-release"
#: No list of ours is longer; a server that always knows a next part ends here.
_MOST_PARTS = 10_000


class Wiki(abc.ABC):
    """One space of one Confluence."""

    def __init__(self, settings: ConfluenceTarget, client: Client) -> None:
        """Initialize; nothing is sent."""
        self.settings, self.client = settings, client
        self.where = client.where

    # ---- pages

    @abc.abstractmethod
    def check(self) -> None:
        """Check the account, the space and, as far as can be asked, the rights."""

    @abc.abstractmethod
    def find(self, title: str) -> Page | None:
        """Return the space's page with a title, also an archived one: its title is not free."""

    @abc.abstractmethod
    def by_number(self, number: str) -> Page | None:
        """Return a page by its number."""

    @abc.abstractmethod
    def create(self, title: str, body: str, parent: str | None) -> Page | None:
        """Create a page, hidden if the settings say so; None: its title is taken."""

    @abc.abstractmethod
    def rewrite(self, page: Page, title: str, body: str) -> Page | None:
        """Give a page another title and body; None: another page has the title.

        Raises:
            TryAgain: It is not in the version any more that we know.
        """

    @abc.abstractmethod
    def remove(self, page: Page) -> None:
        """Move a page and its files to the trash."""

    @abc.abstractmethod
    def below(self, parent: str | None) -> Iterator[Page]:
        """Yield the pages right below a page, or all of the space."""

    def parent(self) -> str | None:
        """Return the number of the page under which pages are made.

        Raises:
            StageFailed: There is none.
        """
        given = self.settings.parent
        if given is None:
            return None
        page = self.by_number(given) if given.isdigit() else self.find(given)
        if page is None or page.status != "current":
            msg = f'{self.where} has no page "{given}" that the account can see: see parent'
            raise StageFailed(msg)
        return page.id

    # ---- restrictions: the same in both kinds

    def is_hidden(self, page: Page) -> bool:
        """Return whether only named people see a page."""
        path = f"/rest/api/content/{page.id}/restriction/byOperation/read"
        params = {"expand": "restrictions.user,restrictions.group"}
        what = "asking who sees the page"
        data = self.client.data(self.client.ask("GET", path, what, params=params), what)
        found = data.get("restrictions", {}) if isinstance(data, dict) else {}
        lists = [found.get(kind, {}) for kind in ("user", "group")]
        if not all(isinstance(one, dict) and isinstance(one.get("results"), list) for one in lists):
            msg = f"{what} at {self.where}: it does not tell the restrictions"
            raise StageFailed(msg)
        return any(one["results"] for one in lists)

    @abc.abstractmethod
    def hide(self, page: Page) -> None:
        """Let nobody but the account see a page and its files."""

    @abc.abstractmethod
    def show(self, page: Page) -> None:
        """Let everybody see a page who sees the space."""

    # ---- what we know of a page

    @abc.abstractmethod
    def mark(self, page: Page) -> Mark | None:
        """Return what we have noted of a page; None: it is not ours."""

    @abc.abstractmethod
    def set_mark(self, page: Page, old: Mark | None, value: dict[str, Any]) -> Mark:
        """Note something of a page, unseen by its readers."""

    # ---- files

    @abc.abstractmethod
    def attachments(self, page: Page) -> Iterator[Attachment]:
        """Yield the files of a page."""

    def attach(
        self, page: Page, file: OutgoingFile, stream: OutgoingStream, note: str
    ) -> Attachment | None:
        """Attach a new file; return None if the page has one of that name.

        It never makes a new version of a file that is there.
        """
        path = f"/rest/api/content/{page.id}/child/attachment"
        what = f"uploading {file.name}"
        answer = self.client.ask("POST", path, what, 400, 404, files=multipart(file, stream, note))
        # What it says of that is in the account's own language.
        if answer.status_code == HTTPStatus.BAD_REQUEST and any(
            one.name == file.name for one in self.attachments(page)
        ):
            return None
        return self._uploaded(answer, what)

    def _uploaded(self, answer: httpx.Response, what: str) -> Attachment:
        """Return the attachment that an upload has made.

        Raises:
            StageFailed: It was not taken.
        """
        if not answer.is_success:
            msg = (
                f"{what} to {self.where}: it answers {answer.status_code}{said(answer)}; either "
                "the file is larger than this Confluence takes, or the page is gone, or the "
                "account may not see it"
            )
            raise StageFailed(msg)
        data = self.client.data(answer, what)
        results = data.get("results") if isinstance(data, dict) else None
        return self.attachment(results[0] if isinstance(results, list) and results else data, what)

    def attachment(self, given: object, what: str) -> Attachment:
        """Return an attachment as the API v1 tells it.

        Raises:
            StageFailed: It is none.
        """
        told = given if isinstance(given, dict) else {}
        extensions, metadata, links = (
            value if isinstance(value := told.get(key), dict) else {}
            for key in ("extensions", "metadata", "_links")
        )
        facts = {
            "id": told.get("id"),
            "name": told.get("title"),
            "size": extensions.get("fileSize"),
            "comment": extensions.get("comment") or metadata.get("comment") or "",
            "link": links.get("download") or "",
        }
        return parsed(Attachment, facts, self.where, what)

    def not_taken(self, answer: httpx.Response, title: str, what: str) -> None:
        """Return if a page was not taken because another one has its title.

        Raises:
            StageFailed: It was not taken for another reason.
        """
        # What it says of that is in the account's own language.
        if "already exists" not in said(answer).lower() and self.find(title) is None:
            msg = f"{what} at {self.where}: it answers {answer.status_code}{said(answer)}"
            raise StageFailed(msg)

    @abc.abstractmethod
    def replace(
        self, page: Page, old: Attachment, file: OutgoingFile, stream: OutgoingStream, note: str
    ) -> Attachment:
        """Give a file, which nobody has seen, other bytes."""

    @abc.abstractmethod
    def download(self, page: Page, file: Attachment, *, may_be_page: bool) -> Iterator[bytes]:
        """Yield the bytes of a file."""

    def address(self, page: Page) -> str:
        """Return where people find a page."""
        base = page.links.get("base")
        if not isinstance(base, str) or not base.startswith(("https://", "http://")):
            base = self.client.base
        return f"{base.rstrip('/')}/pages/viewpage.action?pageId={page.id}"

    # ---- lists

    def listed(self, path: str, what: str, params: dict[str, Any]) -> Iterator[Any]:
        """Yield what a list holds, part by part.

        Raises:
            TryAgain: It does not end.
        """
        more: dict[str, Any] | None = params
        for _ in range(_MOST_PARTS):
            answer = self.client.ask("GET", path, what, params=more)
            listing = parsed(Listing, self.client.data(answer, what), self.where, what)
            yield from listing.results
            found = next_page(listing, answer)
            if found is None or not listing.results:
                return
            more = {**params, **found}
        msg = f"{what} at {self.where}: the list does not end"
        raise TryAgain(msg)


def multipart(file: OutgoingFile, stream: OutgoingStream, note: str) -> list[tuple[str, Any]]:
    """Return the parts of an upload; the file's is read as it is sent."""
    return [
        ("file", (file.name, stream, file.media_type)),
        ("comment", (None, note.encode(), "text/plain; charset=utf-8")),
        ("minorEdit", (None, b"true", "text/plain; charset=utf-8")),
    ]
