"""Publish a release as a page of Confluence, which nobody sees until it is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from slipway.model.errors import MissingTool, StageFailed
from slipway.model.protocol.job import Job
from slipway.model.retention import PublishedRelease
from slipway.model.states import FileState
from slipway.scripts.humanize import plain_name
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.releases.outgoing import (
    OutgoingFile,
    OutgoingRelease,
    OutgoingStream,
    Pointers,
)
from slipway.scripts.releases.published import moment
from slipway.scripts.releases.target import ReleaseTarget, Seen, TryAgain
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.targets.confluence.pages import Pages, example
from slipway.scripts.stages.publish.targets.confluence.settings import ConfluenceTarget

try:
    from slipway.scripts.stages.publish.targets.confluence.answers import Attachment, Mark, Page
    from slipway.scripts.stages.publish.targets.confluence.client import Client
    from slipway.scripts.stages.publish.targets.confluence.cloud import CloudWiki
    from slipway.scripts.stages.publish.targets.confluence.data_center import DataCenterWiki
    from slipway.scripts.stages.publish.targets.confluence.wiki import Wiki
except ImportError as error:
    if (error.name or "").partition(".")[0] not in {"httpx", "httpcore"}:
        raise
    msg = (
        "the target confluence needs the package httpx; install it: "
        "pip install 'slipway[confluence]'"
    )
    raise MissingTool(msg) from error

__all__ = ["ConfluencePages"]

_STAGED, _PUBLIC, _NEWEST = "staged", "public", "newest"


class ConfluencePages(ReleaseTarget):
    """The publication of one release as a page.

    A page is made under a title of its own that holds the release's identity, seen by the account
    alone; it gets the files, then its body and true title, and at last is shown. So a run that died
    anywhere is continued, and two that publish different bytes never work at the same page.
    """

    #: The files are attached to the very page that is shown.
    renames = True

    def __init__(self, settings: ConfluenceTarget, job: Job, _report: Report) -> None:
        """Initialize; nothing is sent."""
        self.where = f"the space {settings.space} of {settings.base}"
        self._settings = settings
        self._project = plain_name(job.project, "the project")
        self._pages = Pages(
            self._project, settings.page_title, settings.latest_title, settings.template
        )
        self._client = Client(settings, job.stage.env.get(settings.token, "").strip(), self.where)
        kind = CloudWiki if settings.is_cloud else DataCenterWiki
        self._wiki: Wiki = kind(settings, self._client)
        self._release: OutgoingRelease | None = None
        self._page: Page | None = None
        self._mark: Mark | None = None
        self._is_public, self._is_ready = False, False
        self._files: dict[str, Attachment] = {}
        #: The files that were there at the last look: one that is still to be staged is wrong.
        self._known: frozenset[str] = frozenset()

    def check(self, version: str, size: int | None) -> None:
        """Check the template, the account, the space, the parent and the titles.

        Raises:
            StageFailed: Something of it is wrong, or somebody else's page has the title.
        """
        del size
        self._pages.release(example(self._project, version))
        self._wiki.check()
        self._wiki.parent()
        if (page := self._wiki.find(self._pages.title(version))) is not None:
            self._own_mark(page)
        newest = self._pages.latest_title
        if newest is not None and (page := self._wiki.find(newest)) is not None:
            self._own_mark(page, newest=True)

    def _own_mark(self, page: Page, *, newest: bool = False) -> Mark:
        """Return what we have noted of a page.

        Raises:
            StageFailed: It is not ours, or it was archived.
        """
        if page.status != "current":
            msg = f'{self.where} has the page "{page.title}" in its archive; restore or remove it'
            raise StageFailed(msg)
        mark = self._wiki.mark(page)
        ours = mark is not None and mark.value.get("project") == self._project
        if mark is None or not ours or (mark.value.get("state") == _NEWEST) != newest:
            what = "is not the one of the newest release" if newest else "is no release"
            msg = (
                f'{self.where} has a page "{page.title}" already, which {what} of '
                f"{self._project} that Slipway has made; rename it, or change the title of ours"
            )
            raise StageFailed(msg)
        return mark

    # ---- what is there

    def look(self, release: OutgoingRelease) -> Mapping[str, Seen]:
        """Return what the release's page has, or the one on its way.

        Raises:
            StageFailed: The page is somebody else's.
        """
        self._release = release
        self._find()
        self._known = frozenset(self._files)
        seen = {}
        for file in release.files:
            there = self._files.get(file.name)
            if there is not None and (self._is_public or _is_meant(there, file)):
                seen[file.name] = Seen(FileState.PUBLIC if self._is_public else FileState.STAGED)
        return seen

    def _find(self) -> None:
        """Find the page and its files anew.

        Raises:
            StageFailed: The page is somebody else's, or half of another release.
        """
        self._page, self._mark, self._is_public, self._files = None, None, False, {}
        title = self._pages.title(self._given.version)
        page = self._wiki.find(title)
        if page is None:
            page = self._wiki.find(self._pages.aside(title, self._identity))
        else:
            self._mark = self._own_mark(page)
            told = self._mark.value.get("state")
            self._is_public = (
                told == _PUBLIC or not self._settings.private or not self._wiki.is_hidden(page)
            )
            if self._mark.value.get("release") != self._identity:
                raise StageFailed(self._another(page))
        if page is not None and page.status == "current":
            self._page = page
            self._files = {one.name: one for one in self._wiki.attachments(page)}

    def _another(self, page: Page) -> str:
        version = self._given.version
        if self._is_public:
            return (
                f"{self.where} has another release of {version}; releases never change: give this "
                "one a version of its own"
            )
        return (
            f"{self.where}: another release of {version} was left unseen, half published, as the "
            f'page "{page.title}"; remove that page'
        )

    @property
    def _given(self) -> OutgoingRelease:
        if self._release is None:
            msg = "look comes before all else"
            raise StageFailed(msg)
        return self._release

    @property
    def _identity(self) -> str:
        """What tells this release from others of its version: of its manifest's hash."""
        manifest = next(one.sha256 for one in self._given.files if one.name == MANIFEST)
        text = f"{self._project}\n{self._given.version}\n{manifest}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    # ---- staging

    def stage(self, file: OutgoingFile, stream: OutgoingStream) -> None:
        """Attach one file to the page.

        Raises:
            StageFailed: The release became public meanwhile with another file of that name.
        """
        page = self._aside()
        note = f"sha256 {file.sha256}"
        if file.name not in self._files:
            made = self._wiki.attach(page, file, stream, note)
            if made is not None:
                self._files[file.name] = made
                return
        # Another run has attached it, or may have shown the page, meanwhile.
        self._find()
        there = self._files.get(file.name)
        if there is None or self._page is None:
            msg = f"uploading {file.name} to {self.where}: another run works at the page"
            raise TryAgain(msg)
        if file.name not in self._known and _is_meant(there, file):
            return
        if self._is_public:
            msg = (
                f'{self.where} has another "{file.name}" of {self._given.version}; releases never '
                "change: give this one a version of its own"
            )
            raise StageFailed(msg)
        stream.seek(0)
        self._files[file.name] = self._wiki.replace(self._page, there, file, stream, note)

    def _aside(self) -> Page:
        """Return the page to attach files to; it is made if there is none."""
        if self._page is None:
            title = self._pages.title(self._given.version)
            self._page = self._make(self._pages.aside(title, self._identity))
        if self._settings.private and not self._is_public and not self._is_ready:
            self._keep_hidden(self._page)
            self._is_ready = True
        return self._page

    def _is_aside(self, page: Page) -> bool:
        """Return False if another run has given the page its true title meanwhile."""
        title = self._pages.aside(self._pages.title(self._given.version), self._identity)
        found = self._wiki.find(title)
        return found is not None and found.id == page.id

    def _make(self, title: str) -> Page:
        """Make a page, or return the one that another run has just made.

        Raises:
            StageFailed: The title is taken by a page that the account cannot see.
        """
        parent = self._wiki.parent()
        made = self._wiki.create(title, self._pages.placeholder(), parent)
        page = made or self._wiki.find(title)
        if page is None:
            msg = (
                f'{self.where} says that the title "{title}" is taken, by a page that the account '
                "cannot see: it was deleted, is in the archive, or is another account's"
            )
            raise StageFailed(msg)
        return page

    def _keep_hidden(self, page: Page) -> None:
        """See to it that nobody but the account sees a page.

        Raises:
            StageFailed: The site does not hide it.
        """
        if self._wiki.is_hidden(page) or not self._is_aside(page):
            return
        self._wiki.hide(page)
        if not self._is_aside(page):
            self._wiki.show(page)
        elif not self._wiki.is_hidden(page):
            msg = (
                f'{self.where} does not hide the page "{page.title}" until it is whole: this '
                "Confluence has no restrictions of pages, as Cloud's free plan; with private = "
                "false it is published without"
            )
            raise StageFailed(msg)

    def read_back(self, file: OutgoingFile) -> Iterator[bytes]:
        """Yield the bytes that the page has of a file.

        Raises:
            StageFailed: It is not there.
        """
        there = self._files.get(file.name)
        if there is None or self._page is None:
            msg = f'{self.where} has no "{file.name}" any more, which was uploaded there'
            raise StageFailed(msg)
        count = 0
        may_be_page = file.media_type == "text/html"
        for block in self._wiki.download(self._page, there, may_be_page=may_be_page):
            yield block
            count += len(block)
            if count > file.size:
                # Whatever comes after that, it is another file.
                return

    # ---- showing it

    def commit(self, release: OutgoingRelease) -> str:
        """Give the page its body and title, and show it.

        Raises:
            StageFailed: A file is missing, or the page cannot be written.
        """
        body = self._pages.release(release)
        self._release = release
        self._find()
        missing = [one.name for one in release.files if one.name not in self._files]
        if self._page is None or missing:
            msg = f'{self.where} has no "{(missing or ["page"])[0]}" any more: run it again'
            raise StageFailed(msg)
        page, facts = self._page, self._noted(release.version)
        if not self._is_public:
            title = self._pages.title(release.version)
            if self._mark is None:
                self._mark = self._wiki.set_mark(page, self._wiki.mark(page), facts)
            if page.title.casefold() != title.casefold():
                page = self._rewritten(page, title, body)
            if self._settings.private:
                self._wiki.show(page)
        if self._mark is None or self._mark.value.get("state") != _PUBLIC:
            self._mark = self._wiki.set_mark(page, self._mark, facts | {"state": _PUBLIC})
        self._page, self._is_public = page, True
        return self._wiki.address(page)

    def _rewritten(self, page: Page, title: str, body: str) -> Page:
        """Give a page its title and body.

        Raises:
            StageFailed: Another page has taken the title meanwhile.
        """
        written = self._wiki.rewrite(page, title, body)
        if written is None:
            msg = f'{self.where}: another page has taken the title "{title}" meanwhile'
            raise StageFailed(msg)
        return written

    def _noted(self, version: str) -> dict[str, Any]:
        return {
            "project": self._project,
            "version": version,
            "release": self._identity,
            "published": self._given.manifest.published_at.isoformat(),
            "state": _STAGED,
        }

    # ---- the newest release

    def point(self, pointers: Pointers) -> None:
        """Update the page that shows the newest release and the channels."""
        title = self._pages.latest_title
        if title is None:
            return
        pages = {}
        for version in {pointers.latest, *pointers.channels.values()}:
            own = self._pages.title(version)
            if (found := self._wiki.find(own)) is not None and self._wiki.mark(found) is not None:
                pages[version] = own
        shown = self._release
        if shown is None or shown.version != pointers.latest or shown.version not in pages:
            shown = None
        body = self._pages.newest(pages, pointers.latest, pointers.channels, shown)
        self._write_newest(title, body)

    def _write_newest(self, title: str, body: str) -> None:
        digest = hashlib.sha256(body.encode()).hexdigest()
        facts = {"project": self._project, "state": _NEWEST, "body": digest}
        page = self._wiki.find(title)
        if page is None:
            token = hashlib.sha256(self._project.encode()).hexdigest()[:12]
            aside = self._pages.aside(title, token)
            page = self._wiki.find(aside) or self._make(aside)
            mark = self._wiki.mark(page)
            mark = mark or self._wiki.set_mark(page, None, facts | {"body": ""})
        else:
            mark = self._own_mark(page, newest=True)
        if mark.value.get("body") != digest:
            page = self._rewritten(page, title, body)
            if self._settings.private and self._wiki.is_hidden(page):
                self._wiki.show(page)
            self._wiki.set_mark(page, mark, facts)

    # ---- old releases

    def versions(self) -> Iterator[PublishedRelease]:
        """Yield the project's releases whose pages lie where ours are made."""
        for page in self._wiki.below(self._wiki.parent()):
            if page.status != "current" or not self._pages.may_be_release(page.title):
                continue
            mark = self._wiki.mark(page)
            told = mark.value if mark is not None else {}
            if told.get("project") == self._project and told.get("state") == _PUBLIC:
                yield PublishedRelease(str(told.get("version")), moment(told.get("published")))

    def remove(self, version: str) -> None:
        """Move a release's page and its files to the trash, from where people may restore them.

        Raises:
            StageFailed: The page of that title is another one.
        """
        page = self._wiki.find(self._pages.title(version))
        if page is None:
            return
        mark = self._own_mark(page)
        if (mark.value.get("version"), mark.value.get("state")) != (version, _PUBLIC):
            msg = f'{self.where}: the page "{page.title}" is not that of {version} any more'
            raise StageFailed(msg)
        self._wiki.remove(page)

    def close(self) -> None:
        """End the connections."""
        self._client.close()


def _is_meant(there: Attachment, file: OutgoingFile) -> bool:
    """Return True if an attachment may be the file: it says so itself, and is read back."""
    return there.size == file.size and there.comment == f"sha256 {file.sha256}"
