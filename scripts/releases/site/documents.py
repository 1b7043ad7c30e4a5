"""Write the documents of the site that programs read: releases.json, latest.json, channels."""

from __future__ import annotations

import json
from typing import Any

from slipway.scripts.humanize import utc
from slipway.scripts.releases.manifest import MANIFEST, PAGE
from slipway.scripts.releases.site.contents import Channel, SiteContents, SiteRelease

__all__ = [
    "LATEST",
    "RELEASES",
    "SCHEMA",
    "channel_document",
    "document_bytes",
    "latest_document",
    "list_document",
]

LATEST = "latest.json"
RELEASES = "releases.json"
#: The version of the documents' form; keys may be added without a new one.
SCHEMA = 1


def list_document(contents: SiteContents) -> dict[str, Any]:
    """Return releases.json: all releases, the newest first, with what is blocked and why."""
    latest = contents.latest
    return {
        "schema_version": SCHEMA,
        "project": contents.project,
        "latest": latest.version if latest else None,
        "channels": {one.name: _version(contents, one) for one in contents.channels},
        "releases": [_listed(contents, one) for one in contents.newest_first],
    }


def latest_document(contents: SiteContents) -> dict[str, Any]:
    """Return latest.json; its version is null where there is none."""
    return _pointer(contents, contents.latest)


def channel_document(contents: SiteContents, channel: Channel) -> dict[str, Any]:
    """Return the pointer of a channel; its version is null where it points at nothing."""
    standing = contents.standing(channel)
    release = contents.by_version[standing.version] if standing else None
    moved = {"moved_at": utc(standing.at).isoformat()} if standing else {}
    return {"channel": channel.name, **_pointer(contents, release), **moved}


def document_bytes(document: dict[str, Any]) -> bytes:
    """Return a document as JSON: equal content gives equal bytes."""
    return (json.dumps(document, indent=2, ensure_ascii=True) + "\n").encode("ascii")


def _version(contents: SiteContents, channel: Channel) -> str | None:
    standing = contents.standing(channel)
    return standing.version if standing else None


def _pointer(contents: SiteContents, release: SiteRelease | None) -> dict[str, Any]:
    found: dict[str, Any] = {"schema_version": SCHEMA, "project": contents.project}
    if release is None:
        return {**found, "version": None}
    return {**found, **_facts(release)}


def _facts(release: SiteRelease) -> dict[str, Any]:
    made = release.manifest
    return {
        "version": made.version,
        "run": made.run,
        "revision": made.revision,
        **({"local": True} if made.local else {}),
        "published_at": made.published_at.isoformat(),
        "manifest": {"path": f"{made.version}/{MANIFEST}", "sha256": release.manifest_sha256},
    }


def _listed(contents: SiteContents, release: SiteRelease) -> dict[str, Any]:
    made = release.manifest
    return {
        **_facts(release),
        "branch": made.branch,
        "subject": made.subject,
        "page": f"{made.version}/{PAGE}",
        "channels": contents.channels_of(made.version),
        "blocked": release.blocked or None,
        "artefacts": [
            one.model_dump(include={"name", "size", "sha256", "media_type"})
            for one in made.artefacts
        ],
    }
