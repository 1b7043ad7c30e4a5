"""The two ends of a delivery: the release in its folder, and the targets of a stage."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from pathlib import Path

from slipway.model.errors import SlipwayError, StageFailed
from slipway.model.protocol.job import Job, MadeRelease
from slipway.scripts.releases import manifest as manifests
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingRelease, Pointers
from slipway.scripts.report import Report, hash_file
from slipway.scripts.stages.publish.delivery.one_target import Destination
from slipway.scripts.stages.publish.delivery.plan import PlannedTarget, plan
from slipway.scripts.stages.publish.stage import PublishStage, TargetStage

__all__ = ["destinations", "planned", "pointers_of", "release_in"]


def destinations(stage: TargetStage, job: Job, report: Report) -> list[Destination]:
    """Return the stage's targets, each made for this job.

    Raises:
        SlipwayError: One cannot be made here: a library or a secret is missing.
    """
    protected = None if job.protected is None else frozenset(job.protected)
    found = []
    for one in stage.targets:
        try:
            target = one.load_runner()(one, job, report)
        except SlipwayError as error:
            msg = f"nothing was brought anywhere: the target {one.title}: {error}"
            raise type(error)(msg) from None
        found.append(Destination(one.title, target, one.bandwidth, one.keep, protected))
    return found


def planned(
    stage: PublishStage, job: Job, release: OutgoingRelease, report: Report
) -> list[PlannedTarget]:
    """Return what would be brought to each target; this changes nothing.

    A target that cannot be asked from this machine is told as such.
    """
    asked: list[Destination] = []
    known: dict[str, PlannedTarget] = {}
    for one in stage.targets:
        if missing := [name for name in one.needed_secrets if name not in job.stage.env]:
            problem = f"it needs the secret {', '.join(missing)}, which is not on this machine"
            known[one.title] = PlannedTarget(target=one.title, where="", problem=problem)
            continue
        try:
            asked += destinations(stage.model_copy(update={"targets": (one,)}), job, report)
        except SlipwayError as error:
            known[one.title] = PlannedTarget(target=one.title, where="", problem=str(error))
    known |= {one.target: one for one in plan(asked, release)}
    return [known[one.title] for one in stage.targets]


def release_in(folder: Path) -> OutgoingRelease:
    """Return a release's folder as what targets get: all of its files, release.json as the last.

    Raises:
        StageFailed: Something is in it that is no plain file.
        WrongInput: Its release.json is none.
    """
    manifest = manifests.read(folder / MANIFEST)
    return OutgoingRelease(manifest, tuple(_files(folder, manifest)))


def _files(folder: Path, manifest: manifests.Manifest) -> Iterator[OutgoingFile]:
    known = {one.name: one.sha256 for one in (*manifest.artefacts, *manifest.pages)}
    others = sorted({path.name for path in folder.iterdir()} - known.keys() - {MANIFEST})
    for name in (*known, *others, MANIFEST):
        path = folder / name
        if path.is_symlink() or not path.is_file():
            msg = f"{path} is no plain file, so this is no release that targets can be given"
            raise StageFailed(msg)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        digest = known.get(name) or hash_file(path)
        yield OutgoingFile(name, path, path.stat().st_size, digest, kind)


def pointers_of(given: MadeRelease, version: str) -> Pointers:
    """Return what the master has rendered beside the releases.

    Args:
        given: What the master has made for the job.
        version: The run's version, which `latest` stands for where nothing was rendered.
    """
    if given.pointers is None:
        return Pointers(version, {})
    files = tuple(
        OutgoingFile(
            one.path, Path(one.file.path), one.file.size, one.file.sha256, one.file.media_type
        )
        for one in given.pointers.files
    )
    return Pointers(given.pointers.latest, given.pointers.channels, files)
