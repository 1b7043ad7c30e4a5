"""Publish a release to a folder, atomically: `slipway stage publish`."""

from __future__ import annotations

import secrets
import shutil
import time
from pathlib import Path

from slipway.model.errors import SlipwayError, StageFailed, WrongInput
from slipway.model.kinds.release_target import Target
from slipway.model.protocol.job import Input, Job
from slipway.scripts.atomic_files import explain_full_disk, sync_folder
from slipway.scripts.humanize import plain_name
from slipway.scripts.releases import manifest as manifests
from slipway.scripts.releases.manifest import MANIFEST, PAGE, SUMS, Artefact, Manifest, ReleaseFile
from slipway.scripts.releases.target import ReleaseTarget
from slipway.scripts.report import Report, hash_file
from slipway.scripts.stages.publish.copying import (
    copy,
    explain_refusal,
    refuse_damaged,
    sweep,
    write,
)
from slipway.scripts.stages.publish.index import LATEST, locked, point_at
from slipway.scripts.stages.publish.page import release_page
from slipway.scripts.stages.publish.stage import PublishStage

__all__ = ["run"]

_TAKEN = frozenset({LATEST, f"{LATEST}.json", PAGE.lower()})
_RESERVED = frozenset({MANIFEST.lower(), SUMS.lower(), PAGE.lower()})


def run(job: Job, report: Report) -> None:
    """Publish the job's inputs as a release.

    Idempotent: an identical release that exists already is accepted.

    Raises:
        StageFailed: There is no product, another release has this version, the folder cannot be
            written, or the disk is full. Then nothing was published.
        WrongInput: The version cannot name a folder.
    """
    stage = job.stage
    if not isinstance(stage, PublishStage):
        msg = f'stage "{job.name}" is no publish stage but "{stage.uses}"'
        raise WrongInput(msg)
    version = _version(job)
    targets = [_target(one, job, report) for one in stage.targets]
    for target in targets:
        target.check(version)
    project = Path(job.state, stage.folder).resolve() / plain_name(job.project, "the project")
    products = _products(job)
    with explain_refusal(project, "nothing was published"), explain_full_disk(project):
        project.mkdir(parents=True, exist_ok=True)
        sweep(project)
        release, again = _release(job, products, project / version, report)
    state = f"{version} is published, but latest and the list of releases are the old ones"
    with explain_refusal(project, state), explain_full_disk(project), locked(project):
        moved = point_at(project, release)
    for target in targets:
        _copy(target, project / version, report)
    _conclude(project / version, Path(job.output), report, again=again)
    if not moved:
        report.notice(f"latest stays where it is: a later run than {job.run.number} is published")


def _target(settings: Target, job: Job, report: Report) -> ReleaseTarget:
    made: ReleaseTarget = settings.load_runner()(settings, job, report)
    return made


def _copy(target: ReleaseTarget, release: Path, report: Report) -> None:
    """Copy the release to one target; existing files stay.

    Raises:
        SlipwayError: It could not be copied; the sentence tells where the release is published.
    """
    try:
        target.stage(release)
        place = target.commit()
    except SlipwayError as error:
        problem = f"published to {release}, but not to {target.where}: {error}"
        raise type(error)(problem) from None
    finally:
        target.discard()
    report.notice(f"copied to {place}")


def _version(job: Job) -> str:
    version = plain_name(job.run.version, "the version")
    if version.lower() in _TAKEN:
        msg = f'the version cannot be "{version}": the project\'s folder needs that name itself'
        raise WrongInput(msg)
    return version


def _products(job: Job) -> list[Input]:
    """Return the products to release, after checking their names.

    Raises:
        StageFailed: There is none, or two names conflict.
    """
    products = sorted((one for one in job.inputs if one.role == "product"), key=lambda i: i.name)
    if not products:
        names = ", ".join(job.stage.needs) or "no stage: it has no needs"
        msg = f'stage "{job.name}" has nothing to publish: no product came from {names}'
        raise StageFailed(msg)
    seen: dict[str, Input] = {}
    for one in products:
        # On Windows two names that differ only in case are one file.
        name = plain_name(one.name, f'an artefact of stage "{one.stage}"').lower()
        if name in _RESERVED:
            msg = f'"{one.name}" of stage "{one.stage}" has a name the release needs itself'
            raise StageFailed(msg)
        if name in seen:
            msg = (
                f'both "{seen[name].stage}" and "{one.stage}" left a file called "{one.name}"; '
                "a release needs different names"
            )
            raise StageFailed(msg)
        seen[name] = one
    return products


def _release(
    job: Job, products: list[Input], target: Path, report: Report
) -> tuple[Manifest, bool]:
    """Create the release's folder; return the manifest, and True if it existed already.

    Raises:
        StageFailed: Another release has this version, or a file was altered.
    """
    artefacts = tuple(
        Artefact(**one.model_dump(include={"name", "size", "sha256", "media_type", "stage"}))
        for one in products
    )
    new = manifests.make(job, artefacts, time.time())
    if target.exists():
        return _same(target, new), True
    part = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    try:
        part.mkdir()
        for number, one in enumerate(products):
            report.progress(f"artefacts copied; now {one.name}", number, len(products))
            copy(one, part / one.name)
        _describe(part, new)
        with locked(target.parent):
            if target.exists():
                return _same(target, new), True
            part.rename(target)
            sync_folder(target.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifests.read(target / MANIFEST), False


def _same(target: Path, new: Manifest) -> Manifest:
    """Return the existing release, if it is intact and identical.

    Raises:
        StageFailed: It is damaged, or a different one.
    """
    refuse_damaged(target)
    there = manifests.read(target / MANIFEST)
    if not there.same_release(new):
        msg = (
            f"{new.project} {new.version} is published already with other contents, by run "
            f"{there.run} from {there.revision[:12] or 'no commit'}; releases never change: "
            "give this one a version of its own"
        )
        raise StageFailed(msg)
    return there


def _describe(part: Path, new: Manifest) -> None:
    """Write the other files of the release, the manifest last."""
    write(part / SUMS, new.sums())
    page = part / PAGE
    write(page, release_page(new))
    facts = ReleaseFile(name=PAGE, size=page.stat().st_size, sha256=hash_file(page))
    write(part / MANIFEST, new.model_copy(update={"pages": (facts,)}).text())
    sync_folder(part)


def _conclude(target: Path, output: Path, report: Report, *, again: bool) -> None:
    """Leave the manifest as the stage's report, and report the summary."""
    there = manifests.read(target / MANIFEST)
    output.mkdir(parents=True, exist_ok=True)
    artefact = report.artefact(shutil.copyfile(target / MANIFEST, output / MANIFEST), role="report")
    name = f"{there.project} {there.version}"
    text = "already published, identical:" if again else "published to"
    report.summary(
        f"{name} {text} {target}",
        folder=str(target),
        version=there.version,
        manifest_sha256=artefact.sha256,
        artefacts=len(there.artefacts),
        size=sum(one.size for one in there.artefacts),
        audit_head=there.audit_head,
    )
