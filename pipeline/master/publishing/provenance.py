"""Collect what the ledger knows of a run, for the provenance of its release."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from slipway import __version__
from slipway.git_mirror import Mirror
from slipway.ledger import gates, run_state
from slipway.ledger.tables.runs import Run, StageResult
from slipway.model.kinds.stage import Stage
from slipway.model.protocol.job import Job
from slipway.scripts.releases.provenance.facts import BuildFacts, Dependency, StageFacts
from slipway.scripts.releases.provenance.statement import settings_of

__all__ = ["LOCKS", "build_facts", "locks_of"]

#: Files of a commit that say what is installed: their hashes are in the provenance.
LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "requirements.txt", "pyproject.toml")
#: Facts of stages that are versions of tools.
_TOOLS = ("python", "cx_freeze", "postgresql", "sqlite", "sqlalchemy", "alembic")


def locks_of(mirror: Mirror, revision: str) -> tuple[Dependency, ...]:
    """Return the files of a commit that say what is installed. Blocks: call it in a thread.

    The master reads them itself: no worker has a say in it.
    """
    found = []
    for name in LOCKS:
        text = mirror.read(revision, name)
        # What is not UTF-8 was replaced: nobody knows its bytes any more.
        if text is not None and "\N{REPLACEMENT CHARACTER}" not in text:
            digest = hashlib.sha256(text.encode()).hexdigest()
            found.append(Dependency(name=name, sha256=digest))
    return tuple(found)


def build_facts(
    session: Session,
    job: Job,
    stage_id: int,
    stages: Mapping[str, Stage],
    site: tuple[str, str],
    locks: tuple[Dependency, ...],
) -> BuildFacts:
    """Return the facts of a run whose release is made.

    Args:
        session: A session of the ledger.
        job: The job of the publish stage.
        stage_id: Its attempt.
        stages: The project's stages, by name.
        site: The site's URL, and the project's repository.
        locks: What the commit says is installed.
    """
    run = session.get_one(StageResult, stage_id).run
    url, repository = site
    return BuildFacts(
        site=url,
        slipway=__version__,
        project=run.project,
        repository=repository,
        revision=run.revision,
        branch=run.branch,
        version=run.version,
        run=run.number,
        run_url=f"{url}#/pipelines/{run.project}/{run.number}",
        started_at=datetime.fromtimestamp(int(run.started_at), UTC),
        finished_at=datetime.now(UTC),
        stages=tuple(_stages(session, run, job.name, stages, locks)),
        audit_head=job.audit_head,
    )


def _stages(
    session: Session,
    run: Run,
    publish: str,
    stages: Mapping[str, Stage],
    locks: tuple[Dependency, ...],
) -> Iterable[StageFacts]:
    by_name: dict[str, list[StageResult]] = {}
    for (name, _), result in run_state.counting(run).items():
        by_name.setdefault(name, []).append(result)
    for name, results in by_name.items():
        stage = stages.get(name)
        # What only reaches targets makes nothing: their addresses are nobody's business.
        if stage is None or name == publish or stage.deploys_to is not None:
            continue
        if stage.reaches_targets:
            continue
        # A skipped stage's artefacts are those of the attempt that it borrowed them from.
        sources = [one.borrowed or one for one in results]
        gate = next((one for one in (gates.of_stage(session, r) for r in sources) if one), None)
        inputs = [
            Dependency(
                name=f"{result.name}/{artefact.name}",
                sha256=artefact.sha256,
                media_type=artefact.media_type,
            )
            for result, artefact in (run_state.inputs(run, stage) if stage.needs else ())
        ]
        yield StageFacts(
            name=name,
            uses=stage.uses,
            needs=tuple(stage.needs),
            settings=settings_of(stage),
            parameters=dict(gate.values) if gate is not None else {},
            worker=", ".join(sorted({one.worker for one in sources if one.worker})),
            tools=_tools(sources),
            dependencies=(*(locks if stage.needs_source else ()), *inputs),
        )


def _tools(results: Iterable[StageResult]) -> dict[str, str]:
    facts: dict[str, Any] = {}
    for one in results:
        facts |= one.facts or {}
    return {name: facts[name] for name in _TOOLS if isinstance(facts.get(name), str)}
