"""Serve the site of each project's releases from the release store: static files, and no other.

Of a blocked release nothing is sent but the reason. Its files stay on the disk.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from sqlalchemy.orm import Session
from twisted.internet import defer
from twisted.python import log
from twisted.python.failure import Failure
from twisted.web.http import CACHED
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from twisted.web.static import SingleRangeStaticProducer

from slipway.html import templates
from slipway.ledger.releases import blocks
from slipway.master.access.identify import identify
from slipway.master.ledger_service import find_ledger
from slipway.model.access import may, refusal
from slipway.model.errors import SlipwayError, WrongInput
from slipway.model.records.release import Blocked
from slipway.scripts.humanize import plain_name
from slipway.scripts.opened_files import open_plain
from slipway.scripts.releases.site.framed import FREEZE_REPORT
from slipway.www.views.download import disposition

__all__ = ["ReleaseSite"]

#: What browsers show; all else of a release is saved. No script runs in any of it.
_SHOWN = {
    "index.html": "text/html; charset=utf-8",
    FREEZE_REPORT: "text/html; charset=utf-8",
    ".json": "application/json",
    ".xml": "application/atom+xml",
    "SHA256SUMS": "text/plain; charset=utf-8",
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-downloads"
#: Project, folder, file.
_DEEPEST = 3
#: A range of bytes, with numbers of no more digits than any file's size has.
_RANGE = re.compile(r"bytes=(?!-$)([0-9]{0,18})-([0-9]{0,18})")


class ReleaseSite(Resource):
    """Everything below `/plugins/slipway/releases/`: PROJECT/index.html, PROJECT/VERSION/FILE."""

    isLeaf = True  # noqa: N815  Twisted's name

    def __init__(self, master: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._master = master

    def render_GET(self, request: Any) -> Any:
        """Send a file of a project's releases, or of their site."""
        request.setHeader("x-content-type-options", "nosniff")
        request.setHeader("content-security-policy", _POLICY)
        request.setHeader("cache-control", "private, no-cache")
        person = identify(request)
        if not may(person, "look"):
            return _told(request, 401 if person.anonymous else 403, refusal(person, "look"))
        parts = [part.decode("utf-8", "replace") for part in request.postpath]
        if len(parts) == 1 and parts[0]:
            # With a slash at its end, the page's links lead to what is beside it.
            request.redirect(quote(parts[0], safe="").encode() + b"/")
            return b""
        if parts and not parts[-1]:
            parts[-1] = "index.html"
        if len(parts) < _DEEPEST:
            return self._sent(request, parts)
        # What was decided last counts, not what the pages say: these come after the decision.
        answering = defer.Deferred.fromCoroutine(self._answer(request, parts))
        request.notifyFinish().addErrback(lambda _: answering.cancel())
        answering.addErrback(_failed, request)
        return NOT_DONE_YET

    async def _answer(self, request: Any, parts: list[str]) -> None:
        """Send a file of a release, unless that is blocked."""
        try:
            block = await find_ledger(self._master).read(_block_of, *parts[:2])
        except SlipwayError as error:
            body: Any = _told(request, 503, f"whether it is blocked is not known now: {error}")
        else:
            body = self._sent(request, parts) if block is None else _gone(request, *block)
        if body is not NOT_DONE_YET:
            _finish(request, body)

    def _sent(self, request: Any, parts: list[str]) -> Any:
        found = self._open(parts)
        if found is None:
            return _told(request, 404, "there is no such file of a release here")
        return _send(request, parts[-1], found)

    def _open(self, parts: list[str]) -> BinaryIO | None:
        """Open a file below a project's folder; None: there is none that may be seen."""
        if not 1 < len(parts) <= _DEEPEST:
            return None
        try:
            project, *inside = [plain_name(part, "the path") for part in parts]
            ledger = find_ledger(self._master)
        except (WrongInput, KeyError):
            return None
        known = ledger.projects.get(project)
        for folder in known.release_folders if known is not None else ():
            home = Path(os.path.realpath(Path(ledger.state_folder, folder, project)))
            try:
                return os.fdopen(open_plain(home, inside), "rb")
            except OSError:
                continue
        return None


def _block_of(session: Session, project: str, version: str) -> tuple[str, Blocked] | None:
    """Return the block of a release, with its version as the ledger has it.

    Some disks do not tell a from A, nor two ways to write an accent: nor does this.
    """
    wanted = _alike(version)
    found = blocks.list_blocks(session, project)
    return next(((name, one) for (_, name), one in found.items() if _alike(name) == wanted), None)


def _alike(version: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", version).casefold())


def _gone(request: Any, version: str, block: Blocked) -> bytes:
    """Say why a release is not given: a page for browsers, a sentence for programs."""
    reason = " ".join(block.reason.split())
    if b"text/html" not in (request.getHeader(b"accept") or b""):
        return _told(request, 410, f"the release {version} is blocked: {reason}")
    request.setResponseCode(410)
    request.setHeader("content-type", "text/html; charset=utf-8")
    name = "slipway.www/blocked.html.j2"
    return templates.render(name, version=version, reason=reason).encode()


def _finish(request: Any, body: bytes) -> None:
    if body:
        request.setHeader("content-length", str(len(body)))
    request.write(body)
    request.finish()


def _failed(failure: Failure, request: Any) -> None:
    if failure.check(defer.CancelledError) or request.finished or request.channel is None:
        return
    log.err(failure, "while a file of a release was to be sent")
    _finish(request, _told(request, 500, "something went wrong in the master; its log says what"))


def _send(request: Any, name: str, file: BinaryIO) -> Any:
    status = os.fstat(file.fileno())
    # What changes is replaced by another file: this one, at this time, has these bytes.
    tag = f'"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"'
    request.setHeader("accept-ranges", "bytes")
    if request.setETag(tag.encode()) is CACHED:
        file.close()
        return b""
    offset, size = 0, status.st_size
    if (asked := _range(request, tag)) is not None:
        found = _part(asked, size)
        if found is None:
            file.close()
            request.setHeader("content-range", f"bytes */{size}")
            return _told(request, 416, f"the file has {size:,} bytes, and the range lies outside")
        offset, end = found
        request.setResponseCode(206)
        request.setHeader("content-range", f"bytes {offset}-{end - 1}/{size}")
        size = end - offset
    shown = next((kind for end, kind in _SHOWN.items() if name.endswith(end)), None)
    request.setHeader("content-type", shown or "application/octet-stream")
    request.setHeader("content-disposition", disposition(name, inline=shown is not None))
    request.setHeader("content-length", str(size))
    if request.method == b"HEAD" or not size:
        file.close()
        return b""
    producer = SingleRangeStaticProducer(request, file, offset, size)
    producer.start()
    return NOT_DONE_YET


def _range(request: Any, tag: str) -> re.Match[str] | None:
    """Return the one range that is asked for. None: the whole file is to be sent.

    Several ranges, or what is no range, are answered with the whole file, as RFC 9110 allows; so is
    a range of a file that was replaced meanwhile.
    """
    if request.method != b"GET":
        return None
    since = request.getHeader("if-range")
    if since is not None and since.strip() != tag:
        return None
    return _RANGE.fullmatch((request.getHeader("range") or "").strip())


def _part(asked: re.Match[str], size: int) -> tuple[int, int] | None:
    """Return the begin of a range, and the byte after it. None: it has none of the file's bytes."""
    first, last = asked.groups()
    if first:
        begin, end = int(first), min(int(last) + 1, size) if last else size
    else:
        begin, end = max(0, size - int(last)), size
    return (begin, end) if begin < end else None


def _told(request: Any, status: int, sentence: str) -> bytes:
    request.setResponseCode(status)
    request.setHeader("content-type", "text/plain; charset=utf-8")
    if status == 401:  # noqa: PLR2004  RFC 9110 wants the scheme named
        request.setHeader("www-authenticate", 'Bearer realm="slipway"')
    return (sentence + "\n").encode()
