"""Render the site of a project's releases: every file that lies beside the releases."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path

from slipway.scripts.atomic_files import written_aside
from slipway.scripts.releases.manifest import KEYS, PAGE
from slipway.scripts.releases.outgoing import OutgoingFile, Pointers
from slipway.scripts.releases.site.contents import SiteContents
from slipway.scripts.releases.site.documents import (
    LATEST,
    RELEASES,
    channel_document,
    document_bytes,
    latest_document,
    list_document,
)
from slipway.scripts.releases.site.feed import feed_text
from slipway.scripts.releases.site.pages import FEED, channel_feed, channel_file, index_page

__all__ = ["TAKEN", "make_pointers", "media_type", "render_site"]

#: Names in a project's folder that no version may have, in lower case.
TAKEN = frozenset({"latest", LATEST, RELEASES, FEED, PAGE, "channels", KEYS})


def render_site(contents: SiteContents) -> dict[str, bytes]:
    """Render all files that lie beside the releases of a project, and change with each.

    Pure: the same contents make the same bytes. Every link is relative, so that the site works in
    any folder of any server, and without one.

    Returns:
        The bytes of each file, by its path from the project's folder; pointers of programs
        (latest.json, channels) after the pages, since they announce the release.
    """
    files = {PAGE: index_page(contents).encode(), FEED: feed_text(contents).encode()}
    for channel in contents.channels:
        files[channel_feed(channel.name)] = feed_text(contents, channel).encode()
    files[RELEASES] = document_bytes(list_document(contents))
    for channel in contents.channels:
        document = channel_document(contents, channel)
        files[channel_file(channel.name)] = document_bytes(document)
    files[LATEST] = document_bytes(latest_document(contents))
    return files


def make_pointers(contents: SiteContents, files: Mapping[str, bytes], folder: Path) -> Pointers:
    """Write the files of a site aside, and return them as what targets get.

    Args:
        contents: The facts that they were rendered from.
        files: `render_site(contents)`, and signatures of them.
        folder: An empty folder of this machine; files are named by their hash in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    outgoing = []
    for path, data in files.items():
        digest = hashlib.sha256(data).hexdigest()
        with written_aside(folder / digest) as stream:
            stream.write(data)
        outgoing.append(OutgoingFile(path, folder / digest, len(data), digest, media_type(path)))
    return Pointers(contents.latest_version, contents.pointed, tuple(outgoing))


def media_type(path: str) -> str:
    """Return the media type of a file of the site."""
    if path.endswith(".xml"):
        return "application/atom+xml"
    return mimetypes.guess_type(path)[0] or "application/octet-stream"
