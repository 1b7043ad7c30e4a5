"""What a Confluence keeps: pages, their versions, files, restrictions and properties."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from typing import Any


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


@dataclasses.dataclass
class File:
    id: str
    name: str
    versions: list[bytes]
    comment: str
    media_type: str

    @property
    def data(self) -> bytes:
        return self.versions[-1]


@dataclasses.dataclass
class Page:
    id: str
    title: str
    body: str
    parent: str | None
    status: str = "current"
    version: int = 1
    readers: set[str] = dataclasses.field(default_factory=set)
    files: dict[str, File] = dataclasses.field(default_factory=dict)
    properties: dict[str, tuple[str, int, Any]] = dataclasses.field(default_factory=dict)
    """By key: the property's number, its version and its value."""

    @property
    def is_seen(self) -> bool:
        return self.status == "current" and not self.readers


class Site:
    """One space, its pages, and one account that may write them."""

    key, number, account = "REL", "65", "publisher@example.org"

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.lock = threading.RLock()
        self.has_restrictions = True
        self.longest_file = 1 << 40
        self.is_read_only = False
        self.may_write = True
        self.stored_wrongly: set[str] = set()
        self._numbers = itertools.count(1001)

    def new_number(self) -> str:
        return str(next(self._numbers))

    def seen(self) -> list[Page]:
        """Return the pages that a reader of the space sees."""
        return [page for page in self.pages.values() if page.is_seen]

    def titled(self, title: str) -> Page | None:
        """Return the page with a title, as Confluence compares: whatever the case."""
        return next(
            (
                page
                for page in self.pages.values()
                if page.title.casefold() == title.casefold() and page.status != "trashed"
            ),
            None,
        )

    def page(self, number: str) -> Page:
        if number not in self.pages or self.pages[number].status == "trashed":
            raise Refused(404, f"No content found with id : {number}")
        return self.pages[number]

    def _writable(self) -> None:
        if self.is_read_only:
            raise Refused(403, "Confluence is in read-only mode")
        if not self.may_write:
            raise Refused(403, "The calling user does not have permission to create content")

    def _free(self, title: str, page: Page | None = None) -> None:
        there = self.titled(title)
        if there is not None and there is not page:
            text = "A page with this title already exists: A page already exists with the same "
            raise Refused(400, f"{text}TITLE in this space")

    def create(self, title: str, body: str, parent: str | None, *, private: bool = False) -> Page:
        self._writable()
        if len(title) > 255:
            raise Refused(400, "Title cannot be longer than 255 characters.")
        if parent is not None:
            self.page(parent)
        self._free(title)
        page = Page(self.new_number(), title, body, parent)
        if private and self.has_restrictions:
            page.readers.add(self.account)
        self.pages[page.id] = page
        return page

    def update(self, number: str, title: str, body: str, version: int) -> Page:
        self._writable()
        page = self.page(number)
        if version != page.version + 1:
            raise Refused(409, f"Version must be incremented on update. Current is: {page.version}")
        self._free(title, page)
        page.title, page.body, page.version = title, body, version
        return page

    def remove(self, number: str) -> None:
        self._writable()
        self.page(number).status = "trashed"

    def restrict(self, number: str, readers: set[str]) -> None:
        self._writable()
        if self.has_restrictions:
            self.page(number).readers = readers

    def add_file(self, number: str, name: str, media_type: str, comment: str, data: bytes) -> File:
        self._writable()
        page = self.page(number)
        if len(data) > self.longest_file:
            raise Refused(413, "The attachment is larger than the maximum allowed size")
        if name in page.files:
            text = "Cannot add a new attachment with same file name as an existing attachment"
            raise Refused(400, f"{text}: {name}")
        file = File(
            f"att{self.new_number()}", name, [self._stored(name, data)], comment, media_type
        )
        page.files[name] = file
        return file

    def replace_file(self, number: str, name: str, comment: str, data: bytes) -> File:
        self._writable()
        file = self.page(number).files[name]
        file.versions.append(self._stored(name, data))
        file.comment = comment
        return file

    def _stored(self, name: str, data: bytes) -> bytes:
        return b"\0" * len(data) if name in self.stored_wrongly else data

    def note(self, number: str, key: str, value: Any, version: int) -> tuple[str, int, Any]:
        """Set a property."""
        self._writable()
        properties = self.page(number).properties
        there = properties.get(key)
        if version != (there[1] if there else 0) + 1:
            raise Refused(409, "The property was changed meanwhile")
        properties[key] = (there[0] if there else self.new_number(), version, value)
        return properties[key]
