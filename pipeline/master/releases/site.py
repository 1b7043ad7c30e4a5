"""Keep the site of a project's releases as the ledger has it: pages, feeds, channels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger.releases import blocks, channels
from slipway.ledger.tables.runs import Release, Run
from slipway.model.errors import WrongInput
from slipway.model.site import Project, SiteSettings
from slipway.scripts.releases import manifest as manifests
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.releases.signing.pointers import sign_documents
from slipway.scripts.releases.site.contents import Channel, Move, SiteContents, SiteRelease
from slipway.scripts.releases.site.rendering import render_site
from slipway.scripts.stages.publish.index import locked, point_to
from slipway.secrets.release_key import have_key
from slipway.state_folder import Home

__all__ = [
    "Decided",
    "Sign",
    "Written",
    "decided",
    "read_site",
    "rewrite_site",
    "signs_with",
    "write_site",
]

Sign = Callable[[Mapping[str, bytes]], dict[str, bytes]]


@dataclass(frozen=True)
class Decided:
    """What the ledger has of a project's releases."""

    project: str
    hashes: Mapping[str, str]
    """The hash of each release.json, by version."""
    blocked: Mapping[str, str]
    """Why a version is blocked."""
    channels: tuple[Channel, ...]


@dataclass(frozen=True)
class Written:
    """The site of a project's releases, as it was written."""

    contents: SiteContents
    files: Mapping[str, bytes]


def decided(session: Session, name: str, project: Project) -> Decided:
    """Return what the ledger has of a project's releases.

    Channels that pipeline.toml no longer has are left out.
    """
    query = (
        select(Release.version, Release.manifest_sha256)
        .join(Run)
        .where(Run.project == name)
        .order_by(Release.id)
    )
    moves = channels.list_moves(session, name)
    return Decided(
        project=name,
        hashes={row.version: row.manifest_sha256 for row in session.execute(query)},
        blocked={key[1]: one.reason for key, one in blocks.list_blocks(session, name).items()},
        channels=tuple(
            Channel(one, tuple(Move(each.release.version, each.at) for each in moves.get(one, ())))
            for one in project.channels
        ),
    )


def read_site(folder: Path, facts: Decided) -> SiteContents:
    """Return the contents of the site in a project's folder. Blocks: call it in a thread.

    Releases whose release.json is not the recorded one are left out, and so are pruned ones.
    """
    return SiteContents(facts.project, tuple(_releases(folder, facts)), facts.channels)


def _releases(folder: Path, facts: Decided) -> Iterator[SiteRelease]:
    for version, sha256 in facts.hashes.items():
        file = folder / version / MANIFEST
        try:
            if hashlib.sha256(file.read_bytes()).hexdigest() == sha256:
                manifest = manifests.read(file)
                yield SiteRelease(manifest, sha256, facts.blocked.get(version, ""))
        except (OSError, WrongInput):
            continue


def write_site(folder: Path, facts: Decided, sign: Sign = dict) -> Written | None:
    """Write pages, feeds and pointers into a project's folder. Blocks: call it in a thread.

    Args:
        folder: The project's folder.
        facts: What the ledger has.
        sign: Returns the files with those that point at releases signed.

    Returns:
        What was written. None: there is no such folder.
    """
    return rewrite_site(folder, lambda: facts, sign)


def rewrite_site(folder: Path, ask: Callable[[], Decided], sign: Sign) -> Written | None:
    """Write a project's folder as `write_site` does, beside a master that may write it, too.

    Args:
        folder: The project's folder.
        ask: Returns what the ledger has. It is called when nobody else writes the folder: a master
            whose decision comes later writes it once more.
        sign: Returns the files with those that point at releases signed.

    Returns:
        What was written. None: there is no such folder.
    """
    if not folder.is_dir():
        return None
    with locked(folder):
        contents = read_site(folder, ask())
        files = sign(render_site(contents))
        point_to(folder, files, contents.latest_version)
    return Written(contents, files)


def signs_with(settings: SiteSettings, home: Home, folder: Path, now: datetime) -> Sign:
    """Return what signs the files of a site with the key that signs releases now.

    Args:
        settings: The settings of the installation.
        home: Its state folder.
        folder: The folder of its pipeline.toml.
        now: The time.
    """

    def sign(files: Mapping[str, bytes]) -> dict[str, bytes]:
        return sign_documents(files, *have_key(settings, home, folder, now), now)

    return sign
