"""Make a release: its folder with the artefacts, release.json, SHA256SUMS and the page."""

from __future__ import annotations

import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.artefact_name import name_refusal
from slipway.model.protocol.job import Input, Job
from slipway.scripts.atomic_files import explain_full_disk, sync_folder
from slipway.scripts.humanize import plain_name
from slipway.scripts.inputs import nothing_to
from slipway.scripts.releases import manifest as manifests
from slipway.scripts.releases.manifest import (
    KEYS,
    MANIFEST,
    PAGE,
    PROVENANCE,
    RESERVED,
    SIGNATURE,
    SUMS,
    Artefact,
    Manifest,
    ReleaseFile,
)
from slipway.scripts.releases.site.framed import FREEZE_REPORT, LARGEST, framed_page
from slipway.scripts.releases.site.pages import release_page
from slipway.scripts.releases.site.rendering import TAKEN
from slipway.scripts.report import Report, hash_file
from slipway.scripts.stages.publish.copying import (
    copy,
    explain_refusal,
    refuse_damaged,
    sweep,
    write,
)
from slipway.scripts.stages.publish.index import Signs, locked, point_at

__all__ = ["Made", "make_release", "version_of"]

_RESERVED = frozenset(one.lower() for one in (MANIFEST, SUMS, PAGE, *RESERVED))


@dataclass(frozen=True)
class Made:
    """A release in its folder."""

    folder: Path
    """The release's own folder; that of its project is the parent."""
    manifest: Manifest
    again: bool
    """True: it was there already, identical."""
    is_latest: bool
    """False: a later run is published, so `latest` stays where it is."""


def make_release(
    job: Job, root: Path, report: Report, sign: Signs | None = None, *, points: bool = True
) -> Made:
    """Make the release of a job's inputs, or find it made already.

    Args:
        job: The job of the publish stage.
        root: The folder of all projects' releases.
        report: Receives the progress.
        sign: Signs the release and the pointer to it. None: both stay unsigned.
        points: True: bring `latest` and the pages up to date, too, from what is in the folder.

    Raises:
        StageFailed: There is no product, another release has this version, the folder cannot be
            written, or the disk is full. Then nothing was published.
        WrongInput: The version cannot name a folder.
    """
    version = version_of(job)
    project = root / plain_name(job.project, "the project")
    products = _products(job)
    with explain_refusal(project, "nothing was published"), explain_full_disk(project):
        project.mkdir(parents=True, exist_ok=True)
        sweep(project)
        release, again = _release(job, products, project / version, report, sign)
    if not points:
        return Made(project / version, release, again, is_latest=False)
    state = f"{version} is published, but latest and the list of releases are the old ones"
    with explain_refusal(project, state), explain_full_disk(project), locked(project):
        is_latest = point_at(project, release, sign)
    return Made(project / version, release, again, is_latest)


def version_of(job: Job) -> str:
    """Return the release's version.

    Raises:
        WrongInput: It cannot name a folder.
    """
    version = plain_name(job.run.version, "the version")
    if version.lower() in TAKEN:
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
        raise nothing_to("publish", job)
    seen: dict[str, Input] = {}
    for one in products:
        # On Windows two names that differ only in case are one file.
        name = plain_name(one.name, f'an artefact of stage "{one.stage}"').lower()
        if name in _RESERVED or name.endswith(PROVENANCE):
            msg = f'"{one.name}" of stage "{one.stage}" has a name the release needs itself'
            raise StageFailed(msg)
        if problem := name_refusal(f"{one.name}{PROVENANCE}"):
            msg = f'"{one.name}" of stage "{one.stage}" has a name that a release cannot have, as '
            raise StageFailed(f"{msg}{PROVENANCE} is added to it: {problem}")
        known = seen.get(name)
        if known is not None and (known.name, known.sha256) == (one.name, one.sha256):
            # A bill of materials goes with the archive and with the installers of one program.
            continue
        if known is not None:
            msg = (
                f'both "{known.stage}" and "{one.stage}" left a file called "{one.name}"; '
                "a release needs different names"
            )
            raise StageFailed(msg)
        seen[name] = one
    return list(seen.values())


def _release(
    job: Job, products: list[Input], target: Path, report: Report, sign: Signs | None
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
        _describe(part, new, sign, _freeze_reports(job, products))
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


def _freeze_reports(job: Job, products: list[Input]) -> list[Input]:
    """Return the freeze stages' pages that the release carries, each name once."""
    seen = {one.name.lower() for one in products} | _RESERVED
    found = []
    for one in sorted(job.inputs, key=lambda i: i.name):
        name = one.name.lower()
        if one.role != "report" or not name.endswith(FREEZE_REPORT) or name in seen:
            continue
        if one.size <= LARGEST and not name_refusal(one.name):
            seen.add(name)
            found.append(one)
    return found


def _framed(one: Input, part: Path) -> ReleaseFile:
    """Write a worker's page so that nothing of it runs, wherever it is opened."""
    # Copied first, which checks its hash.
    aside = part / f"{one.name}.part"
    copy(one, aside)
    content = aside.read_bytes()
    aside.unlink()
    page = part / one.name
    write(page, framed_page(one.name.removesuffix(".html"), content))
    return _facts(page)


def _facts(page: Path) -> ReleaseFile:
    return ReleaseFile(name=page.name, size=page.stat().st_size, sha256=hash_file(page))


def _describe(part: Path, new: Manifest, sign: Signs | None, reports: list[Input]) -> None:
    """Write the other files of the release, the manifest last."""
    write(part / SUMS, new.sums())
    new = new.model_copy(update={"pages": tuple(_framed(one, part) for one in reports)})
    page = part / PAGE
    write(page, release_page(new, _proofs(new) if sign is not None else ()))
    described = new.model_copy(update={"pages": (_facts(page), *new.pages)})
    if sign is None:
        write(part / MANIFEST, described.text())
    else:
        sign.release(part, described)
    sync_folder(part)


def _proofs(release: Manifest) -> list[str]:
    """Return the names of files that signing adds, for the page, which is signed with them."""
    made = [f"{one.name}{PROVENANCE}" for one in release.artefacts]
    return [*made, KEYS, f"{SUMS}{SIGNATURE}", f"{MANIFEST}{SIGNATURE}"]
