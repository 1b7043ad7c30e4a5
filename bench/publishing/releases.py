"""Releases to publish, of bytes that no disk or protocol can compress."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

from slipway.scripts.releases.manifest import MANIFEST, SUMS, Manifest
from slipway.scripts.releases.outgoing import OutgoingRelease
from slipway.scripts.stages.publish.delivery.ends import release_in

__all__ = ["make_release"]

_BLOCK = 1 << 20


def make_release(folder: Path, sizes: dict[str, int], version: str = "1.0.0") -> OutgoingRelease:
    """Make a release in a folder.

    Args:
        folder: The folder; it is made.
        sizes: The bytes of each artefact, by name.
        version: Its version.
    """
    folder.mkdir(parents=True)
    some = random.Random(7)
    facts = []
    for name, size in sizes.items():
        digest = hashlib.sha256()
        with (folder / name).open("wb") as stream:
            for start in range(0, size, _BLOCK):
                block = some.randbytes(min(_BLOCK, size - start))
                digest.update(block)
                stream.write(block)
        facts.append({"name": name, "size": size, "sha256": digest.hexdigest()})
    manifest = Manifest.model_validate(
        {
            "project": "bench",
            "version": version,
            "revision": "ab" * 20,
            "run": 1,
            "committed_at": "2026-01-01T00:00:00Z",
            "published_at": "2026-01-01T00:00:00Z",
            "artefacts": facts,
        }
    )
    (folder / SUMS).write_text(manifest.sums(), encoding="utf-8")
    (folder / MANIFEST).write_text(manifest.text(), encoding="utf-8")
    return release_in(folder)
