"""Confluence Cloud: pages by its API v2; files and restrictions by v1, which alone has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slipway.model.errors import StageFailed
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingStream
from slipway.scripts.stages.publish.targets.confluence.answers import Attachment, Mark, Page, parsed
from slipway.scripts.stages.publish.targets.confluence.wiki import MARK, Wiki, multipart

__all__ = ["CloudWiki"]

_V2 = "/api/v2"
_MOST = 250
_NEEDED = (("create", "page"), ("create", "attachment"))


class CloudWiki(Wiki):
    """A space of Confluence Cloud."""

    _space = ""

    def check(self) -> None:
        """Check the account, the space and the right to add pages and attachments to it.

        Raises:
            StageFailed: Something of it is wrong.
        """
        self.client.ask("GET", "/rest/api/user/current", "signing in")
        path = f"{_V2}/spaces/{self._space_number()}/operations"
        what = "asking for the rights"
        data = self.client.data(self.client.ask("GET", path, what), what)
        given = data.get("operations") if isinstance(data, dict) else None
        if not isinstance(given, list):
            return
        allowed = {
            (one.get("operation"), one.get("targetType")) for one in given if isinstance(one, dict)
        }
        missing = [f"{verb} {kind}s" for verb, kind in _NEEDED if (verb, kind) not in allowed]
        if missing:
            msg = (
                f"{self.where}: the account may not {' and '.join(missing)} in the space "
                f"{self.settings.space}; an administrator of the space can allow that"
            )
            raise StageFailed(msg)

    def _space_number(self) -> str:
        """Return the number of the space, which v2 wants instead of its key.

        Raises:
            StageFailed: There is none.
        """
        if not self._space:
            key = self.settings.space
            what = "looking for the space"
            for one in self.listed(f"{_V2}/spaces", what, {"keys": key, "limit": _MOST}):
                if isinstance(one, dict) and str(one.get("key")) == key:
                    number = str(one.get("id"))
                    self._space = number if number.isdigit() else ""
            if not self._space:
                msg = f'{self.where} has no space "{key}" that the account can see'
                raise StageFailed(msg)
        return self._space

    def find(self, title: str) -> Page | None:
        """Return the space's page with a title."""
        what = f'looking for the page "{title}"'
        params = {
            "space-id": self._space_number(),
            "title": title,
            "status": ["current", "archived"],
            "limit": _MOST,
        }
        for one in self.listed(f"{_V2}/pages", what, params):
            page = parsed(Page, one, self.where, what)
            # Titles are the same to Confluence whatever their case.
            if page.title.casefold() == title.casefold():
                return page
        return None

    def by_number(self, number: str) -> Page | None:
        """Return a page by its number."""
        what = f"looking for the page {number}"
        answer = self.client.ask("GET", f"{_V2}/pages/{number}", what, 404)
        return (
            parsed(Page, self.client.data(answer, what), self.where, what)
            if answer.is_success
            else None
        )

    def below(self, parent: str | None) -> Iterator[Page]:
        """Yield the pages right below a page, or all of the space."""
        what, params = "listing the pages", {"limit": _MOST}
        if parent is None:
            path = f"{_V2}/spaces/{self._space_number()}/pages"
            for one in self.listed(path, what, params | {"status": "current"}):
                yield parsed(Page, one, self.where, what)
            return
        for one in self.listed(f"{_V2}/pages/{parent}/children", what, params):
            # Cloud tells no version of these.
            told = one | {"version": {"number": 1}} if isinstance(one, dict) else one
            yield parsed(Page, told, self.where, what)

    def create(self, title: str, body: str, parent: str | None) -> Page | None:
        """Create a page; None: its title is taken."""
        what = f'making the page "{title}"'
        content: dict[str, Any] = {
            "spaceId": self._space_number(),
            "status": "current",
            "title": title,
            "body": {"representation": "storage", "value": body},
        }
        content |= {"parentId": parent} if parent is not None else {}
        params = {"private": "true"} if self.settings.private else None
        answer = self.client.ask("POST", f"{_V2}/pages", what, 400, params=params, json=content)
        if answer.is_success:
            return parsed(Page, self.client.data(answer, what), self.where, what)
        self.not_taken(answer, title, what)
        return None

    def rewrite(self, page: Page, title: str, body: str) -> Page | None:
        """Give a page another title and body."""
        what = f'writing the page "{title}"'
        content = {
            "id": page.id,
            "status": "current",
            "title": title,
            "body": {"representation": "storage", "value": body},
            "version": {"number": page.version.number + 1, "message": "by Slipway"},
        }
        answer = self.client.ask("PUT", f"{_V2}/pages/{page.id}", what, 400, json=content)
        if answer.is_success:
            return parsed(Page, self.client.data(answer, what), self.where, what)
        self.not_taken(answer, title, what)
        return None

    def remove(self, page: Page) -> None:
        """Move a page and its files to the trash."""
        what = f'removing the page "{page.title}"'
        self.client.ask("DELETE", f"{_V2}/pages/{page.id}", what, 404)

    def hide(self, page: Page) -> None:
        """Let nobody but the account see a page: Cloud has made it so."""

    def show(self, page: Page) -> None:
        """Let everybody see a page who sees the space."""
        path = f"/rest/api/content/{page.id}/restriction"
        self.client.ask("DELETE", path, "showing the page")

    def mark(self, page: Page) -> Mark | None:
        """Return what we have noted of a page."""
        what, path = "reading whose page it is", f"{_V2}/pages/{page.id}/properties"
        for one in self.listed(path, what, {"key": MARK}):
            if isinstance(one, dict) and one.get("key") == MARK:
                return parsed(Mark, one, self.where, what)
        return None

    def set_mark(self, page: Page, old: Mark | None, value: dict[str, Any]) -> Mark:
        """Note something of a page."""
        what, path = "noting whose page it is", f"{_V2}/pages/{page.id}/properties"
        content: dict[str, Any] = {"key": MARK, "value": value}
        if old is None:
            answer = self.client.ask("POST", path, what, json=content)
        else:
            content["version"] = {"number": old.version.number + 1}
            answer = self.client.ask("PUT", f"{path}/{old.id}", what, json=content)
        return parsed(Mark, self.client.data(answer, what), self.where, what)

    def attachments(self, page: Page) -> Iterator[Attachment]:
        """Yield the files of a page."""
        what = "listing the files of the page"
        for one in self.listed(f"{_V2}/pages/{page.id}/attachments", what, {"limit": _MOST}):
            given = one if isinstance(one, dict) else {}
            told = {
                "id": given.get("id"),
                "name": given.get("title"),
                "size": given.get("fileSize"),
                "comment": given.get("comment") or "",
            }
            yield parsed(Attachment, told, self.where, what)

    def replace(
        self, page: Page, old: Attachment, file: OutgoingFile, stream: OutgoingStream, note: str
    ) -> Attachment:
        """Give a file other bytes."""
        del old
        path, what = f"/rest/api/content/{page.id}/child/attachment", f"uploading {file.name}"
        answer = self.client.ask("PUT", path, what, 400, 404, files=multipart(file, stream, note))
        return self._uploaded(answer, what)

    def download(self, page: Page, file: Attachment, *, may_be_page: bool) -> Iterator[bytes]:
        """Yield the bytes of a file: Cloud sends us on to where it keeps files."""
        path = f"/rest/api/content/{page.id}/child/attachment/{file.id}/download"
        return self.client.download(path, f"reading {file.name}", may_be_page=may_be_page)
