"""Make the release of a publish stage from the artefact store, and give its files to the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.artefacts import rendered
from slipway.artefacts.store import Store
from slipway.model.protocol.event import AnyEvent, ArtefactLeft
from slipway.model.protocol.job import Input, Job, MadePointers, MadeRelease
from slipway.scripts.releases.manifest import Manifest
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingStream
from slipway.scripts.releases.signing.signing import Signing
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.delivery.ends import release_in
from slipway.scripts.stages.publish.making import Made, make_release

__all__ = ["Kept", "make", "store_rendered"]

_BLOCK = 1 << 20


class _Quiet(Report):
    """A report of which nobody hears: the step has not begun its log."""

    def emit(self, event: AnyEvent) -> None:
        """Drop the event."""

    def log(self, text: str) -> None:
        """Drop the text."""


@dataclass(frozen=True)
class Kept:
    """A release in its folder, with all of its files in the store."""

    folder: Path
    manifest: Manifest
    files: tuple[Input, ...]
    """All files, release.json last."""
    again: bool
    """True: it was there already, identical."""

    @property
    def own(self) -> ArtefactLeft:
        """Its release.json, as the stage leaves it for people."""
        last = self.files[-1]
        return ArtefactLeft(
            path=str(self.folder / last.name),
            name=last.name,
            sha256=last.sha256,
            size=last.size,
            media_type=last.media_type,
            role="report",
        )

    @property
    def facts(self) -> dict[str, object]:
        """The facts of the publish stage."""
        return {
            "folder": str(self.folder),
            "version": self.manifest.version,
            "manifest_sha256": self.files[-1].sha256,
            "artefacts": len(self.manifest.artefacts),
            "size": sum(one.size for one in self.manifest.artefacts),
            "audit_head": self.manifest.audit_head,
        }

    def job(self, job: Job, pointers: MadePointers | None = None) -> Job:
        """Return the job for the worker: the release in place of what it was made of.

        Args:
            job: The job that it was made for.
            pointers: What lies beside the releases, for targets. None: nothing.
        """
        files = self.files if job.stage.release_targets else ()
        release = MadeRelease(manifest_sha256=self.files[-1].sha256, files=files, pointers=pointers)
        emptied = {"inputs": (), "records": (), "audit_head": ""}
        return job.model_copy(update={"release": release, **emptied})


def make(job: Job, root: Path, store: Store, signing: Signing | None = None) -> Kept:
    """Make the release of a job, or find it made already; idempotent. Blocks: call it in a thread.

    Args:
        job: The publish stage's job; its inputs are in the store.
        root: The folder of all releases.
        store: The artefact store.
        signing: Signs it, with what its provenance says. None: it stays unsigned.

    Raises:
        StageFailed: It cannot be made; nothing was published then.
        StoreError: The store cannot take its files; the next try adds them.
        WrongInput: The version cannot name a folder.
    """
    inputs = [
        one.model_copy(update={"path": str(store.path(one.sha256))})
        for one in job.inputs
        # A report that was pruned is no reason to hold a release.
        if one.role == "product" or store.has(one.sha256)
    ]
    here = job.model_copy(update={"inputs": tuple(inputs), "worker": "the master"})
    # The ledger knows what pages and pointers show, the folder does not.
    made = make_release(here, root.resolve(), _Quiet(), signing, points=False)
    return Kept(made.folder, made.manifest, tuple(_files(job, made, store)), made.again)


def _files(job: Job, made: Made, store: Store) -> Iterator[Input]:
    """Yield all files of the release, release.json last, after putting them into the store."""
    artefacts = {one.name: one for one in made.manifest.artefacts}
    uses = {one.stage: one.uses for one in job.inputs}
    for file in release_in(made.folder).files:
        if not store.has(file.sha256):
            _put(file, store)
        known = artefacts.get(file.name)
        stage = known.stage if known is not None else job.name
        yield Input(
            stage=stage,
            uses=uses.get(stage, job.stage.uses),
            name=file.name,
            path=f"../input/release/{file.name}",
            sha256=file.sha256,
            size=file.size,
            media_type=known.media_type if known is not None else file.media_type,
            role="product" if known is not None else "report",
        )


def store_rendered(data: bytes, store: Store) -> str:
    """Put a page, a feed or a pointer into the store, for a stage that begins; return its hash.

    Raises:
        StoreError: The store cannot take them.
    """
    digest = hashlib.sha256(data).hexdigest()
    if not rendered.note(store, digest):
        with store.open_incoming() as incoming:
            incoming.write(data)
            incoming.commit(digest, len(data))
    return digest


def _put(file: OutgoingFile, store: Store) -> None:
    with store.open_incoming() as incoming, OutgoingStream(file) as stream:
        while block := stream.read(_BLOCK):
            incoming.write(block)
        incoming.commit(file.sha256, file.size)
