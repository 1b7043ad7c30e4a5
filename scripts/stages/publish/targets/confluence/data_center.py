"""Confluence Data Center: its REST API v1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from slipway.model.errors import StageFailed
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingStream
from slipway.scripts.stages.publish.targets.confluence.answers import Attachment, Mark, Page, parsed
from slipway.scripts.stages.publish.targets.confluence.wiki import MARK, Wiki, multipart

__all__ = ["DataCenterWiki"]

_CONTENT = "/rest/api/content"
_MOST = 100


class DataCenterWiki(Wiki):
    """A space of Confluence Data Center."""

    _me: dict[str, str] | None = None

    def check(self) -> None:
        """Check the account, the space and that it is not in read-only mode.

        The rights in the space it tells to administrators alone: they are learnt by writing.

        Raises:
            StageFailed: Something of it is wrong.
        """
        self._account()
        mode = self.client.ask("GET", "/rest/api/accessmode", "asking for its mode", 404)
        if mode.is_success and "READ_ONLY" in mode.text:
            msg = f"{self.where} is in read-only mode: run it again when that has ended"
            raise StageFailed(msg)
        key = self.settings.space
        what = "looking for the space"
        path = f"/rest/api/space/{quote(key, safe='')}"
        if not self.client.ask("GET", path, what, 404).is_success:
            msg = f'{self.where} has no space "{key}" that the account can see'
            raise StageFailed(msg)

    def _account(self) -> dict[str, str]:
        """Return whom pages are hidden for: the account's own name.

        Raises:
            StageFailed: The token is nobody's.
        """
        if self._me is None:
            answer = self.client.ask("GET", "/rest/api/user/current", "signing in")
            data = self.client.data(answer, "signing in")
            name = data.get("username") if isinstance(data, dict) else None
            if not isinstance(name, str) or data.get("type") == "anonymous":
                msg = f"signing in at {self.where}: it takes us for an anonymous visitor; the token"
                raise StageFailed(f"{msg} is wrong, has expired, or something before it drops it")
            self._me = {"type": "known", "username": name}
        return self._me

    def find(self, title: str) -> Page | None:
        """Return the space's page with a title."""
        what = f'looking for the page "{title}"'
        params = {
            "spaceKey": self.settings.space,
            "title": title,
            "type": "page",
            "expand": "version",
            "limit": _MOST,
        }
        for one in self.listed(_CONTENT, what, params):
            page = parsed(Page, one, self.where, what)
            # Titles are the same to Confluence whatever their case.
            if page.title.casefold() == title.casefold():
                return page
        return None

    def by_number(self, number: str) -> Page | None:
        """Return a page by its number."""
        what = f"looking for the page {number}"
        params = {"expand": "version"}
        answer = self.client.ask("GET", f"{_CONTENT}/{number}", what, 404, params=params)
        return (
            parsed(Page, self.client.data(answer, what), self.where, what)
            if answer.is_success
            else None
        )

    def below(self, parent: str | None) -> Iterator[Page]:
        """Yield the pages right below a page, or all of the space."""
        what, params = "listing the pages", {"expand": "version", "limit": _MOST}
        path = f"{_CONTENT}/{parent}/child/page"
        if parent is None:
            path, params = _CONTENT, params | {"spaceKey": self.settings.space, "type": "page"}
        for one in self.listed(path, what, params):
            yield parsed(Page, one, self.where, what)

    def create(self, title: str, body: str, parent: str | None) -> Page | None:
        """Create a page; None: its title is taken."""
        what = f'making the page "{title}"'
        content = self._content(title, body)
        content |= {"ancestors": [{"id": parent}]} if parent is not None else {}
        answer = self.client.ask("POST", _CONTENT, what, 400, json=content)
        if answer.is_success:
            return parsed(Page, self.client.data(answer, what), self.where, what)
        self.not_taken(answer, title, what)
        return None

    def _content(self, title: str, body: str) -> dict[str, Any]:
        return {
            "type": "page",
            "title": title,
            "space": {"key": self.settings.space},
            "body": {"storage": {"value": body, "representation": "storage"}},
        }

    def rewrite(self, page: Page, title: str, body: str) -> Page | None:
        """Give a page another title and body."""
        what = f'writing the page "{title}"'
        content = self._content(title, body) | {
            "id": page.id,
            "status": "current",
            "version": {"number": page.version.number + 1, "message": "by Slipway"},
        }
        answer = self.client.ask("PUT", f"{_CONTENT}/{page.id}", what, 400, json=content)
        if answer.is_success:
            return parsed(Page, self.client.data(answer, what), self.where, what)
        self.not_taken(answer, title, what)
        return None

    def remove(self, page: Page) -> None:
        """Move a page and its files to the trash."""
        what = f'removing the page "{page.title}"'
        self.client.ask("DELETE", f"{_CONTENT}/{page.id}", what, 404)

    def hide(self, page: Page) -> None:
        """Let nobody but the account see a page and its files."""
        self._restrict(page, [self._account()], "hiding the page")

    def show(self, page: Page) -> None:
        """Let everybody see a page who sees the space."""
        self._restrict(page, [], "showing the page")

    def _restrict(self, page: Page, users: list[dict[str, str]], what: str) -> None:
        body = [{"operation": "read", "restrictions": {"user": users, "group": []}}]
        path = f"content/{page.id}/restriction"
        # Versions before 8 have it in the API that they call experimental.
        answer = self.client.ask("PUT", f"/rest/api/{path}", what, 404, 405, json=body)
        if not answer.is_success:
            self.client.ask("PUT", f"/rest/experimental/{path}", what, json=body)

    def mark(self, page: Page) -> Mark | None:
        """Return what we have noted of a page."""
        what, path = "reading whose page it is", f"{_CONTENT}/{page.id}/property/{MARK}"
        answer = self.client.ask("GET", path, what, 404, params={"expand": "version"})
        return (
            parsed(Mark, self.client.data(answer, what), self.where, what)
            if answer.is_success
            else None
        )

    def set_mark(self, page: Page, old: Mark | None, value: dict[str, Any]) -> Mark:
        """Note something of a page."""
        what, path = "noting whose page it is", f"{_CONTENT}/{page.id}/property"
        content: dict[str, Any] = {"key": MARK, "value": value}
        if old is None:
            answer = self.client.ask("POST", path, what, json=content)
        else:
            content["version"] = {"number": old.version.number + 1}
            answer = self.client.ask("PUT", f"{path}/{MARK}", what, json=content)
        return parsed(Mark, self.client.data(answer, what), self.where, what)

    def attachments(self, page: Page) -> Iterator[Attachment]:
        """Yield the files of a page."""
        what = "listing the files of the page"
        params = {"expand": "version", "limit": _MOST}
        for one in self.listed(f"{_CONTENT}/{page.id}/child/attachment", what, params):
            yield self.attachment(one, what)

    def replace(
        self, page: Page, old: Attachment, file: OutgoingFile, stream: OutgoingStream, note: str
    ) -> Attachment:
        """Give a file other bytes."""
        path, what = f"{_CONTENT}/{page.id}/child/attachment", f"uploading {file.name}"
        parts = multipart(file, stream, note)
        answer = self.client.ask("POST", f"{path}/{old.id}/data", what, 400, 404, files=parts)
        return self._uploaded(answer, what)

    def download(self, page: Page, file: Attachment, *, may_be_page: bool) -> Iterator[bytes]:
        """Yield the bytes of a file."""
        link = file.link or f"/download/attachments/{page.id}/{quote(file.name, safe='')}"
        return self.client.download(link, f"reading {file.name}", may_be_page=may_be_page)
