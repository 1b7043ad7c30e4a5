"""Pack the products of earlier stages, one archive for each platform: `slipway stage archive`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from slipway.model.errors import WrongInput
from slipway.model.protocol.job import Input, Job
from slipway.scripts.archives.contents import Parcel
from slipway.scripts.archives.entries import Entry
from slipway.scripts.archives.frozen import is_bill, is_frozen, platform_tag
from slipway.scripts.archives.pack import write_tar, write_zip
from slipway.scripts.archives.tar_zst import explain_damage
from slipway.scripts.atomic_files import link_file
from slipway.scripts.humanize import count_text, plain_name, size_text
from slipway.scripts.inputs import nothing_to
from slipway.scripts.report import Report
from slipway.scripts.stages.archive.stage import ArchiveStage

__all__ = ["run"]

# Events are limited in size; the artefacts themselves name the rest.
_NAMED = 20
_PACKERS: dict[str, Callable[..., None]] = {"zip": write_zip, "tar.zst": write_tar}


def run(job: Job, report: Report) -> None:
    """Pack the job's inputs into the output folder.

    Raises:
        StageFailed: There is nothing to pack, two inputs conflict, or the disk is full.
        WrongInput: The version or a name cannot be part of a file name.
    """
    stage = job.stage
    if not isinstance(stage, ArchiveStage):
        msg = f'stage "{job.name}" is no archive stage but "{stage.uses}"'
        raise WrongInput(msg)
    given = sorted(
        (one for one in job.inputs if one.role == "product"), key=lambda one: (one.stage, one.name)
    )
    # A bill of materials is of one platform's program, and read before that is unpacked.
    passed_on = [
        one for one in given if is_bill(one) or any(fnmatchcase(one.name, p) for p in stage.pass_on)
    ]
    parcels = _parcels(job, stage, [one for one in given if one not in passed_on])
    results = [result for parcel in parcels for result in _pack(parcel, job, report)]
    for one in passed_on:
        report.artefact(_passed_on(one, Path(job.output)), name=one.name)
    report.summary(
        "; ".join(
            f"{one['name']}: {size_text(one['size'])} of {size_text(one['unpacked'])} "
            f"in {count_text(one['files'], 'file')}"
            for one in results
        ),
        archives=results,
        passed_on=[one.name for one in passed_on][:_NAMED],
    )


def _passed_on(given: Input, output: Path) -> Path:
    """Copy an input unchanged into the output folder, as a hard link where possible."""
    target = output / given.name
    target.parent.mkdir(exist_ok=True)
    link_file(given.path, target)
    return target


def _parcels(job: Job, stage: ArchiveStage, given: Sequence[Input]) -> list[Parcel]:
    if not given:
        raise nothing_to("pack", job)
    root = plain_name(f"{stage.name or job.project}-{job.run.version}", "an archive called")
    frozen: dict[str | None, list[Input]] = {}
    files = []
    for one in given:
        if is_frozen(one):
            frozen.setdefault(platform_tag(one.name), []).append(one)
        else:
            files.append(one)
    if not frozen:
        return [Parcel(root, root, stage.formats or ("tar.zst",), (), tuple(files))]
    return [
        Parcel(
            root,
            f"{root}-{tag}" if tag else root,
            stage.formats or (("zip",) if (tag or "").startswith("win") else ("tar.zst",)),
            tuple(programs),
            tuple(files),
        )
        for tag, programs in sorted(frozen.items(), key=lambda item: item[0] or "")
    ]


def _pack(parcel: Parcel, job: Job, report: Report) -> list[dict[str, Any]]:
    """Pack one parcel in each of its formats, and return the facts of each archive."""
    results = []
    frozen = ", ".join(one.name for one in parcel.frozen)
    for suffix in dict.fromkeys(parcel.formats):
        target = Path(job.output) / f"{parcel.name}.{suffix}"
        report.progress(f"packing {target.name}")
        sizes: list[int] = []
        with explain_damage(frozen):
            _PACKERS[suffix](_counted(parcel, sizes), target, epoch=job.run.committed_at)
        made = report.artefact(target)
        results.append(
            {
                "name": target.name,
                "size": made.size,
                "unpacked": sum(sizes),
                "files": len(sizes),
            }
        )
    return results


def _counted(parcel: Parcel, sizes: list[int]) -> Iterator[Entry]:
    for entry in parcel.entries():
        if entry.kind == "file":
            sizes.append(entry.size)
        yield entry
