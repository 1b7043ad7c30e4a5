"""Leave a frozen tree's archive, and what describes it: the bill of materials, and a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.model.protocol.job import Job
from slipway.scripts.archives.frozen import BILL, SUFFIX
from slipway.scripts.atomic_files import write_text
from slipway.scripts.binaries.binary import Binary, read_tree
from slipway.scripts.report import Report
from slipway.scripts.stages.freeze.contents.parts import Part
from slipway.scripts.stages.freeze.libraries.closure import Closure
from slipway.scripts.stages.freeze.page.page import Facts, Started, freeze_page
from slipway.scripts.stages.freeze.page.reasons import reasons
from slipway.scripts.stages.freeze.sbom.document import sbom_text
from slipway.scripts.stages.freeze.smoke_runs import Start
from slipway.scripts.stages.freeze.smoke_test import Smoke
from slipway.scripts.stages.freeze.stage import FreezeStage

__all__ = ["Described", "leave_documents"]

#: Of the page, after the program's name and platform.
_PAGE = "-freeze.html"


@dataclass(frozen=True)
class Described:
    """A frozen tree, and what is known of it."""

    job: Job
    stage: FreezeStage
    tree: Path
    archive: Path
    parts: Sequence[Part]
    guest: dict[str, Any]
    """What the guest said of it."""
    inspected: dict[str, Any]
    libraries: Closure
    starts: Sequence[Start]
    started: Sequence[Smoke]
    lines: Sequence[str]
    """The lines of pipeline.toml that make permanent what was learned."""


def leave_documents(given: Described, warnings: Sequence[str], report: Report) -> None:
    """Leave the archive, its bill of materials, a product too, as releases carry it, and the page.

    Args:
        given: The tree.
        warnings: What was warned of.
        report: Receives the artefacts.
    """
    job, archive = given.job, given.archive
    binaries = read_tree(given.tree)
    stem = archive.name.removesuffix(SUFFIX)
    bill, page = (archive.with_name(f"{stem}{suffix}") for suffix in (BILL, _PAGE))
    report.artefact(archive)
    write_text(bill, sbom_text(given.parts, binaries, given.guest, job.run.committed_at))
    report.artefact(bill)
    write_text(page, freeze_page(job, _facts(given, binaries, warnings, bill.name)))
    report.artefact(page, role="report")


def _facts(
    given: Described,
    binaries: Sequence[Binary],
    warnings: Sequence[str],
    bill: str,
) -> Facts:
    return Facts(
        name=given.tree.name,
        inspected=given.inspected,
        parts=given.parts,
        reasons=reasons(given.parts, given.guest, given.stage, binaries),
        started=[
            Started(start.command, one.seconds, start.unfrozen_seconds, goes_on=start.code is None)
            for start, one in zip(given.starts, given.started, strict=False)
        ],
        libraries=given.libraries,
        warnings=warnings,
        lines=given.lines,
        bill=bill,
    )
