"""What happens to runs: they start, their stages become ready, begin, finish.

Every function works in the caller's transaction and derives what it says from the tables alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from slipway.ledger.tables import Artefact, Release, Run, StageResult
from slipway.model.stage import Stage

OPEN_RUN = ("running", "waiting")
OPEN_STAGE = ("queued", "running")


@dataclass(frozen=True)
class Commit:
    """What is known of the revision a run is about."""

    branch: str
    revision: str
    base_version: str
    """The project's own version, without the run's number."""
    committed_at: int
    subject: str = ""
    author: str = ""


@dataclass(frozen=True)
class Cause:
    """Who or what started something."""

    trigger: str
    owner: str = ""
    reason: str = ""


def start_run(
    session: Session, project: str, commit: Commit, cause: Cause, now: float
) -> Run | None:
    """Write down a new run.

    A poll starts one run a revision; asked again it starts none.

    Returns:
        The run, or None where the poll's run is there already.
    """
    if cause.trigger == "poll":
        known = polled_revision(session, project, commit.branch)
        if known == commit.revision:
            return None
    highest = session.scalar(select(func.max(Run.number)).where(Run.project == project)) or 0
    run = Run(
        project=project,
        number=highest + 1,
        branch=commit.branch,
        revision=commit.revision,
        version=f"{commit.base_version}+{highest + 1}",
        subject=commit.subject,
        author=commit.author,
        committed_at=commit.committed_at,
        trigger=cause.trigger,
        owner=cause.owner,
        reason=cause.reason,
        started_at=now,
    )
    session.add(run)
    session.flush()
    return run


def polled_revision(session: Session, project: str, branch: str) -> str | None:
    """Return the revision of the newest run a poll started on a branch."""
    return session.scalar(
        select(Run.revision)
        .where(Run.project == project, Run.branch == branch, Run.trigger == "poll")
        .order_by(Run.number.desc())
        .limit(1)
    )


def newest(run: Run) -> dict[str, StageResult]:
    """Return the newest attempt of each stage that has one."""
    return {result.name: result for result in run.stages}


def ready(run: Run, stages: Mapping[str, Stage]) -> list[str]:
    """Return the stages that may start now: never tried, and all their needs passed."""
    have = newest(run)
    return [
        name
        for name, stage in stages.items()
        if name not in have and all(_passed(have, need) for need in stage.needs)
    ]


def _passed(have: Mapping[str, StageResult], name: str) -> bool:
    return name in have and have[name].state == "passed"


def unmet(run: Run, stage: Stage) -> list[str]:
    """Return the needs of a stage that have not passed in a run."""
    have = newest(run)
    return [need for need in stage.needs if not _passed(have, need)]


def queue(
    session: Session, run: Run, name: str, stage: Stage, now: float, owner: str = ""
) -> StageResult:
    """Write down that a stage is to be tried (again); a gate waits for its person first."""
    last = newest(run).get(name)
    run.state, run.finished_at = "running", None
    if last is not None and last.state == "gate" and owner:
        last.state, last.owner, last.queued_at = "queued", owner, now
        session.flush()
        return last
    result = StageResult(
        name=name,
        uses=getattr(stage, "uses", ""),
        attempt=last.attempt + 1 if last else 1,
        state="gate" if stage.manual and not owner else "queued",
        owner=owner,
        queued_at=now,
        facts={},
    )
    run.stages.append(result)
    session.flush()
    return result


def begin(result: StageResult, build_id: int, worker: str, now: float) -> None:
    """Write down that a worker has taken a stage."""
    result.state, result.build_id, result.worker = "running", build_id, worker
    result.started_at, result.finished_at = now, None
    result.exit_code, result.summary, result.facts = None, "", {}
    result.artefacts.clear()


def finish(result: StageResult, state: str, now: float, exit_code: int | None = None) -> None:
    """Write down how a stage ended; what it said of itself is there already."""
    result.state, result.finished_at = state, now
    if exit_code is not None:
        result.exit_code = exit_code
    result.started_at = result.started_at or now


def settle(run: Run, stages: Mapping[str, Stage], now: float) -> None:
    """Derive a run's state from its stages, once none of them can go on by itself."""
    have = newest(run)
    if any(result.state in OPEN_STAGE for result in have.values()) or ready(run, stages):
        run.state, run.finished_at = "running", None
        return
    states = {result.state for name, result in have.items() if name in stages}
    if states & {"failed", "cancelled"}:
        run.state = "failed" if "failed" in states else "cancelled"
    else:
        run.state = "waiting" if "gate" in states else "passed"
    run.finished_at = now


def inputs(run: Run, stage: Stage) -> list[Artefact]:
    """Return the artefacts a stage gets: the products of the stages it needs."""
    have = newest(run)
    return [
        artefact
        for need in stage.needs
        if need in have
        for artefact in have[need].artefacts
        if artefact.role == "product"
    ]


def keep_release(session: Session, run: Run, facts: Mapping[str, Any], now: float) -> None:
    """Write down the release that `publish` made, once."""
    place, manifest = str(facts.get("folder", "")), str(facts.get("manifest_sha256", ""))
    if not place or not manifest or any(release.place == place for release in run.releases):
        return
    session.add(
        Release(
            run=run, version=run.version, place=place, manifest_sha256=manifest, published_at=now
        )
    )
