"""Send the bytes of an artefact; the headers keep browsers from executing its content."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import quote

from pydantic import StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session
from twisted.internet.defer import Deferred
from twisted.web.server import NOT_DONE_YET
from twisted.web.static import File

from slipway.ledger.tables.runs import Artefact
from slipway.www.api.call import Call
from slipway.www.api.http_errors import not_found
from slipway.www.shapes.base import Asked

__all__ = ["DownloadQuery", "disposition", "send_artefact"]

_PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_PLAIN_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
_ANY_TYPE = "application/octet-stream"


class DownloadQuery(Asked):
    """The file name of a download."""

    name: Annotated[str, StringConstraints(max_length=255)] | None = None


async def send_artefact(call: Call) -> None:
    """Answer GET artefacts/SHA256."""
    sha256 = call.path["sha256"]
    name, media_type = await call.read(_find, sha256, call.query.name)
    path = call.ledger.path(sha256)
    if not path.is_file():
        raise not_found(f"{name} is no longer in the store; it was pruned")
    request = call.request
    inline = media_type in _PICTURES
    request.setHeader("content-disposition", disposition(name, inline=inline))
    request.setHeader("content-security-policy", "default-src 'none'; sandbox")
    # Cacheable for ever: the address contains the hash.
    request.setHeader("cache-control", "private, max-age=31536000, immutable")
    file = File(str(path))
    file.type, file.encoding = media_type, None
    gone: Deferred[None] = request.notifyFinish()
    sent = file.render_GET(request)
    if sent == NOT_DONE_YET:
        await gone
    else:
        request.write(sent)
        request.finish()


def _find(session: Session, sha256: str, name: str | None) -> tuple[str, str]:
    query = select(Artefact.name, Artefact.media_type).where(Artefact.sha256 == sha256)
    rows = list(session.execute(query.order_by(Artefact.id.desc()).limit(1000)))
    row = next((row for row in rows if name in {None, row.name}), None)
    if row is None:
        raise not_found("no stage has left such an artefact")
    kind = row.media_type.lower()
    return row.name, kind if _PLAIN_TYPE.fullmatch(kind) else _ANY_TYPE


def disposition(name: str, *, inline: bool) -> str:
    """Return a Content-Disposition header; any file name is encoded correctly (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9._+ -]", "_", name)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
