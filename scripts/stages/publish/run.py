"""Publish a release and bring it to its targets: `slipway stage publish`."""

from __future__ import annotations

import shutil
from pathlib import Path

from slipway.model.errors import WrongInput
from slipway.model.protocol.job import Job, MadeRelease
from slipway.scripts.humanize import count_text
from slipway.scripts.releases import manifest as manifests
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingRelease, Pointers
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.delivery.ends import (
    destinations,
    planned,
    pointers_of,
    release_in,
)
from slipway.scripts.stages.publish.delivery.plan import PLAN, Plan
from slipway.scripts.stages.publish.delivery.side_by_side import deliver
from slipway.scripts.stages.publish.making import Made, make_release, version_of
from slipway.scripts.stages.publish.stage import PublishStage

__all__ = ["run"]


def run(job: Job, report: Report) -> None:
    """Bring the release that the master has made to the targets.

    Without a master, make a release of the job's inputs first. Idempotent: an identical release
    that exists already is accepted. From a developer's working tree targets get nothing: what they
    would get is told.

    Raises:
        StageFailed: There is no product, another release has this version, the folder cannot be
            written, or the disk is full. Then nothing was published.
        WrongInput: The version cannot name a folder.
    """
    stage = job.stage
    if not isinstance(stage, PublishStage):
        msg = f'stage "{job.name}" is no publish stage but "{stage.uses}"'
        raise WrongInput(msg)
    if job.release is not None:
        _bring(job, job.release, stage, report)
        return
    version_of(job)
    made = make_release(job, Path(job.state, stage.folder).resolve(), report)
    release = release_in(made.folder)
    if job.run.local:
        if stage.targets:
            _tell_plan(job, stage, release, report)
    elif stage.targets:
        deliver(destinations(stage, job, report), release, Pointers(release.version, {}), report)
    _conclude(made, Path(job.output), report)
    if not made.is_latest:
        report.notice(f"latest stays where it is: a later run than {job.run.number} is published")


def _bring(job: Job, given: MadeRelease, stage: PublishStage, report: Report) -> None:
    """Bring a release that the master has made to each target."""
    name = f"{job.project} {job.run.version}"
    if not stage.targets:
        report.summary(f"{name} is released")
        return
    files = tuple(
        OutgoingFile(one.name, Path(one.path), one.size, one.sha256, one.media_type)
        for one in given.files
    )
    release = OutgoingRelease(manifests.read(files[-1].path), files)
    deliver(destinations(stage, job, report), release, pointers_of(given, release.version), report)
    report.summary(f"{name} is released, and at {count_text(len(stage.targets), 'target')}")


def _tell_plan(job: Job, stage: PublishStage, release: OutgoingRelease, report: Report) -> None:
    """Say what each target would be brought, and leave it as a report."""
    targets = planned(stage, job, release, report)
    for one in targets:
        text = f"nothing is sent to {one.target}: {one.line}"
        report.notice(text, level="warning" if one.problem else "info")
    found = Plan(project=release.project, version=release.version, targets=tuple(targets))
    output = Path(job.output)
    output.mkdir(parents=True, exist_ok=True)
    (output / PLAN).write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    report.artefact(output / PLAN, role="report")


def _conclude(made: Made, output: Path, report: Report) -> None:
    """Leave the manifest as the stage's report, and report the summary."""
    there = made.manifest
    output.mkdir(parents=True, exist_ok=True)
    copy = shutil.copyfile(made.folder / MANIFEST, output / MANIFEST)
    artefact = report.artefact(copy, role="report")
    name = f"{there.project} {there.version}"
    text = "already published, identical:" if made.again else "published to"
    report.summary(
        f"{name} {text} {made.folder}",
        folder=str(made.folder),
        version=there.version,
        manifest_sha256=artefact.sha256,
        artefacts=len(there.artefacts),
        size=sum(one.size for one in there.artefacts),
        audit_head=there.audit_head,
    )
