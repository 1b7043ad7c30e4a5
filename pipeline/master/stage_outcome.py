"""Record in the ledger what a stage's script has left, and how it ended."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy.orm import Session

from slipway.ledger import deployments, publications, runs
from slipway.ledger.tables.runs import Artefact, Release, StageResult
from slipway.model.errors import WrongInput
from slipway.model.kinds.stage import STAGES, Stage
from slipway.model.protocol.artefact_name import name_refusal
from slipway.model.protocol.event import ArtefactLeft
from slipway.model.states import OPEN_STAGE, StageState

__all__ = ["record_artefacts", "record_result"]


def record_artefacts(session: Session, stage_id: int, artefacts: list[ArtefactLeft]) -> None:
    """Record the artefacts of a stage; their bytes are in the store already.

    Raises:
        WrongInput: One has a name that is refused.
    """
    for left in artefacts:
        if refusal := name_refusal(left.name):
            raise WrongInput(refusal)
    result = session.get_one(StageResult, stage_id)
    names = {left.name for left in artefacts}
    for before in [one for one in result.artefacts if one.name in names]:
        # Left by a worker that was lost: the same attempt was retried.
        result.artefacts.remove(before)
    session.flush()
    for left in artefacts:
        result.artefacts.append(
            Artefact(
                name=left.name,
                sha256=left.sha256,
                size=left.size,
                media_type=left.media_type,
                role=left.role,
            )
        )


def record_result(
    session: Session, stage_id: int, exit_code: int, summary: str, facts: dict[str, Any]
) -> str:
    """Record the result that a stage's script reported; return the project's name."""
    result = session.get_one(StageResult, stage_id, with_for_update=True)
    run, now = result.run, time.time()
    kind = STAGES.get(result.uses) or Stage
    release = deployments.release_of(session, run) if kind.makes_release else None
    if release is not None:
        # A worker has no say in what the release is.
        facts = facts | _facts_of(release)
        if exit_code == 0 and result.borrowed_id is None:
            summary = _summary_of(release, publications.places(session, release))
    result.exit_code, result.facts = exit_code, facts
    if result.state in OPEN_STAGE:
        result.summary = summary
        if exit_code == 0:
            # In the same transaction: a kill between two would make the stage run again.
            stands_for_another = kind.makes_release and result.borrowed_id is not None
            good = StageState.UNCHANGED if stands_for_another else StageState.PASSED
            runs.finish(result, good, now)
    if kind.makes_release:
        publications.close(session, result, now)
    if kind.deploys:
        deployments.record_result(session, result, exit_code, now)
    return run.project


def _facts_of(release: Release) -> dict[str, Any]:
    return {
        "folder": release.place,
        "version": release.version,
        "manifest_sha256": release.manifest_sha256,
        "artefacts": len(release.artefacts),
        "size": sum(int(one["size"]) for one in release.artefacts),
        "audit_head": release.audit_head or "",
    }


def _summary_of(release: Release, targets: list[str]) -> str:
    text = f"{release.run.project} {release.version} published to {release.place}"
    return f"{text}, and to {', '.join(targets)}" if targets else text
