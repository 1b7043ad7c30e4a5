"""Convert rows of runs, attempts, artefacts and releases to records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.ledger.tables import runs as tables
from slipway.model.records.artefact import ArtefactRecord
from slipway.model.records.release import ReleaseRecord
from slipway.model.records.run import RunRecord
from slipway.model.records.stage import AttemptRecord, AttemptResult

__all__ = [
    "artefact_record",
    "attempt_record",
    "attempt_result",
    "release_record",
    "released_artefact",
    "run_record",
]


def run_record(row: tables.Run) -> RunRecord:
    """Return the record of a run."""
    return RunRecord(
        id=row.id,
        project=row.project,
        number=row.number,
        state=row.state,
        version=row.version,
        branch=row.branch,
        revision=row.revision,
        subject=row.subject,
        author=row.author,
        committed_at=row.committed_at,
        trigger=row.trigger,
        person=row.owner,
        reason=row.reason,
        started_at=row.started_at,
        finished_at=row.finished_at,
        superseded_by=row.superseded_by,
    )


def attempt_result(row: tables.StageResult) -> AttemptResult:
    """Return the result of an attempt."""
    return AttemptResult(
        attempt=row.attempt,
        state=row.state,
        summary=row.summary,
        exit_code=row.exit_code,
        worker=row.worker,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def attempt_record(row: tables.StageResult) -> AttemptRecord:
    """Return the record of an attempt."""
    return AttemptRecord.extend(
        attempt_result(row),
        id=row.id,
        stale=row.stale,
        rollback=row.rollback,
        tries=row.tries,
        person=row.owner,
        facts=row.facts,
    )


def artefact_record(row: tables.Artefact, stage: tables.StageResult) -> ArtefactRecord:
    """Return the record of an artefact of an attempt."""
    return ArtefactRecord(
        stage=stage.name,
        cell=stage.cell,
        uses=stage.uses,
        name=row.name,
        sha256=row.sha256,
        size=row.size,
        media_type=row.media_type,
        role=row.role,
    )


def released_artefact(kept: Mapping[str, Any]) -> ArtefactRecord:
    """Return the record of an artefact that a release's row keeps."""
    return ArtefactRecord(
        stage=str(kept.get("stage", "")),
        cell=str(kept.get("cell", "")),
        uses=str(kept.get("uses", "")),
        name=str(kept["name"]),
        sha256=str(kept["sha256"]),
        size=int(kept["size"]),
        media_type=str(kept.get("media_type", "application/octet-stream")),
        role="product",
    )


def release_record(row: tables.Release, run: tables.Run) -> ReleaseRecord:
    """Return the record of a release of a run."""
    return ReleaseRecord(
        id=row.id,
        project=run.project,
        run=run.number,
        version=row.version,
        branch=run.branch,
        revision=run.revision,
        subject=run.subject,
        author=run.author,
        place=row.place,
        manifest_sha256=row.manifest_sha256,
        published_at=row.published_at,
    )
