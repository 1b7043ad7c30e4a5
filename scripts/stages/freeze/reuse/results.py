"""Leave what an earlier freeze of the very same has left."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.model.protocol.artefact_name import name_refusal
from slipway.model.protocol.event import ArtefactLeft, Summary
from slipway.model.protocol.job import Job
from slipway.scripts.archives.frozen import BILL
from slipway.scripts.report import Report, hash_file
from slipway.scripts.stages.freeze.reuse.shelf import Damaged, Shelf
from slipway.scripts.stages.freeze.sbom.document import with_version

__all__ = ["Result", "keep_result", "leave_result"]

_ROLES = ("product", "report")


@dataclass(frozen=True)
class Result:
    """What a freeze has left and said."""

    artefacts: Sequence[ArtefactLeft]
    warnings: Sequence[str]
    text: str
    facts: dict[str, Any]


def keep_result(shelf: Shelf, key: str, result: Result, job: Job) -> None:
    """Keep what a freeze has left, for another of the very same."""

    def fill(folder: Path) -> dict[str, Any]:
        for one in result.artefacts:
            shutil.copyfile(one.path, folder / one.name)
        return {
            "run": job.run.number,
            "files": [
                {"name": one.name, "sha256": one.sha256, "role": one.role}
                for one in result.artefacts
            ],
            "warnings": list(result.warnings),
            "text": result.text,
            "facts": result.facts,
        }

    shelf.put(key, fill)


def leave_result(shelf: Shelf, key: str, job: Job, report: Report) -> bool:
    """Leave what was kept under a key; return False, and leave nothing, if there is nothing sound.

    Args:
        shelf: Where results are kept.
        key: What decides them.
        job: The stage.
        report: Receives the artefacts, the notices and the summary.
    """
    found = shelf.find(key)
    if found is None:
        return False
    folder, notes = found
    copied: list[tuple[Path, str]] = []
    try:
        for given in notes["files"]:
            copied += [_copy(folder, Path(job.output), given)]
        for path, _ in copied:
            if path.name.endswith(BILL):
                path.write_text(with_version(path.read_text("utf-8"), job.run.version), "utf-8")
        run = int(notes["run"])
        facts = {str(name): value for name, value in notes["facts"].items()} | {"reused_from": run}
        closing = Summary(text=f"{notes['text']} (as in run {run})", facts=facts)
        warnings = [str(one) for one in notes["warnings"]]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, Damaged):
        for path, _ in copied:
            path.unlink(missing_ok=True)
        shelf.drop(key)
        report.notice("what was kept of an earlier freeze is damaged: frozen anew", level="info")
        return False
    for path, role in copied:
        report.artefact(path, role="report" if role == "report" else "product")
    for one in warnings:
        report.notice(one, level="warning")
    said = (
        f"nothing has changed since run {run}: what that left was left again, and not started again"
    )
    report.notice(said, level="info")
    report.emit(closing)
    return True


def _copy(folder: Path, output: Path, given: dict[str, Any]) -> tuple[Path, str]:
    """Copy a file and compare the copy with its hash.

    Raises:
        Damaged: It is another.
    """
    name, role = str(given["name"]), str(given["role"])
    if name_refusal(name) or "/" in name or role not in _ROLES:
        raise Damaged
    source, target = folder / name, output / name
    if source.is_symlink():
        raise Damaged
    shutil.copyfile(source, target)
    if hash_file(target) != given["sha256"]:
        target.unlink()
        raise Damaged
    return target, role
