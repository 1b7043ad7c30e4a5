"""Check that a release is the newest, where it is served as such: by the pointer that led to it.

Without a pointer the name of its folder says whether a certain version was asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from slipway.model.errors import SlipwayError
from slipway.scripts.releases.manifest import MANIFEST, Manifest
from slipway.scripts.releases.signing.pointers import open_pointer
from slipway.scripts.releases.strict_json import read_small
from slipway.scripts.releases.verification.authenticity import Signed
from slipway.scripts.releases.verification.finding import Finding
from slipway.scripts.releases.verification.trust import Trust

__all__ = ["named_finding", "pointer_finding"]

_LARGEST = 64_000_000


def pointer_finding(
    pointer: Path, folder: Path, manifest: Manifest, signed: Signed, trust: Trust
) -> Finding:
    """Check a pointer against the release that it led to.

    Args:
        pointer: The pointer's file, such as latest.json.
        folder: The release's folder.
        manifest: The release's manifest.
        signed: Who signed it.
        trust: What is known.
    """
    name = pointer.name
    if not manifest.key:
        return Finding(name, note="NOT SIGNED: there may be a newer release")
    # Signed by a stranger, the pointer is at least of the same one.
    keys = signed.keys or ((signed.key,) if signed.key is not None else ())
    try:
        said = open_pointer(read_small(pointer.parent, name), keys, name, trust.now)
    except SlipwayError as error:
        problem = str(error).replace(f"{pointer.parent.resolve()}/", "")
        return Finding(name, problem.removeprefix(f"{name}: "))
    if said is None:
        return Finding(name, "is not signed: an older release may be served as the newest")
    if said.channel is not None:
        return Finding(
            name,
            f"is the pointer of the channel {said.channel}: an older release may be served as the "
            "newest",
        )
    digest = hashlib.sha256(read_small(folder, MANIFEST, _LARGEST)).hexdigest()
    expected = said.manifest.sha256 if said.manifest is not None else ""
    ours = (manifest.project, manifest.version, manifest.run, digest)
    if (said.project, said.version, said.run, expected) == ours:
        return Finding(name, note=f"the newest since {said.issued_at:%Y-%m-%d %H:%M} UTC")
    return Finding(
        name,
        f"points at {said.project} {said.version or 'nothing'} of run {said.run}, and what is "
        f"served in its place is {manifest.project} {manifest.version} of run {manifest.run}",
    )


def named_finding(called: str, manifest: Manifest) -> Iterator[Finding]:
    """Yield what is to be said of a release to which no pointer led, if anything.

    Args:
        called: The name of the folder that was asked for.
        manifest: The release's manifest.
    """
    # Whoever names a version wants that one, be it old or not.
    if called == manifest.version:
        return
    if called.casefold() == manifest.project.casefold():
        yield Finding(
            MANIFEST,
            "lies in the project's own folder, where a pointer leads to the newest release: an "
            f"older one may be served as that; want it in a folder {manifest.version}",
        )
        return
    yield Finding(
        MANIFEST, note="NOT ASKED whether it is the newest: its project's folder says that"
    )
