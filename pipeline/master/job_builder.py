"""Build the job that a worker gets when it takes a stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr
from sqlalchemy.orm import Session

from slipway.artefacts.store import Store
from slipway.ledger import deployments, gates, run_state, runs
from slipway.ledger.audit import chain
from slipway.ledger.releases import blocks
from slipway.ledger.tables.gates import Deployment, Gate
from slipway.ledger.tables.runs import Artefact, Release, Run, StageResult
from slipway.model.answers import as_environment
from slipway.model.cell import Cell, cell_title, cells
from slipway.model.errors import WrongInput
from slipway.model.kinds.stage import Stage
from slipway.model.protocol import job
from slipway.model.protocol.artefact_name import name_refusal
from slipway.model.protocol.job import Input, Job, RunFacts, Source, StageRecord
from slipway.model.site import Project
from slipway.model.states import StageState

__all__ = ["NOT_TWICE", "Place", "claim", "may_repeat"]

#: The reason why a deployment is not retried automatically.
NOT_TWICE = (
    "{what} in the middle, and the deployer may not be run twice; see what "
    "runs there, then run the stage again (idempotent = true would let it)"
)


_LOST = "the master was restarted and the secrets given for it are lost; run the stage again"

#: Parameter values as environment variables, and the names of the secret ones.
_Answers = tuple[dict[str, str], tuple[str, ...]]


@dataclass(frozen=True)
class Place:
    """The facts of a site that a job needs."""

    project: Project
    repository: str
    mirror: str
    """The master's own clone, for workers on this machine: they need no network access."""
    local: frozenset[str]
    """The names of the workers on this machine."""
    store: Store
    state_folder: str
    secrets: Callable[[Gate], dict[str, str] | None]
    """Returns the secrets given at a gate; None if they are lost."""


def claim(session: Session, result: StageResult, place: Place, build_id: int, worker: str) -> Job:
    """Create a build's job, and record that the attempt has begun.

    Returns:
        The job; its inputs' paths are relative to the stage's folder.

    Raises:
        WrongInput: The stage cannot run; the message gives the reason.
    """
    run, now = result.run, time.time()
    cell = _cell(place.project, result)
    taken_before = result.state == StageState.RUNNING
    runs.begin(result, build_id, worker, now)
    deployment = None
    answers: dict[str, str] = {}
    secrets: tuple[str, ...] = ()
    if environment := cell.stage.deploys_to:
        again = taken_before and not may_repeat(place.project, cell.stage)
        target = (environment, cell.stage)
        deployment = _deployment(session, result, target, place, again=again)
    else:
        answers, secrets = _answers(session, result, place)
    # The worker must not know where secrets are stored.
    changes = {"env": {**cell.stage.env, **cell.env}, "secrets": {}}
    stage = cell.stage.model_copy(update=changes)
    return Job(
        project=run.project,
        name=result.name,
        stage=stage,
        cell=cell.name,
        shard=cell.shard,
        run=_facts(run),
        source=_source(run, place, worker) if stage.needs_source else None,
        inputs=tuple(_input(*given) for given in _inputs(run, stage)),
        answers=answers,
        secrets=secrets,
        deployment=deployment,
        records=_records(run) if stage.makes_release else (),
        audit_head=chain.head(session) if stage.makes_release else "",
        output="../output",
        # Separate per project: a shared cache would let one project inject code into another.
        cache=f"../../cache/{run.project}",
        state=place.state_folder,
        worker=worker,
    )


def _source(run: Run, place: Place, worker: str) -> Source:
    repository = place.mirror if worker in place.local else place.repository
    return Source(repository=repository, revision=run.revision)


def _answers(session: Session, result: StageResult, place: Place) -> _Answers:
    """Return the gate's values as environment variables, and the names of the secret ones.

    Both are empty if the attempt has no gate.

    Raises:
        WrongInput: Its secrets are lost.
    """
    gate = gates.of_stage(session, result)
    if gate is None:
        return {}, ()
    given = place.secrets(gate)
    if given is None:
        raise WrongInput(_LOST)
    secrets = {name: SecretStr(text) for name, text in given.items()}
    return as_environment(gate.values, secrets), tuple(as_environment({}, secrets))


def _inputs(run: Run, stage: Stage) -> list[tuple[StageResult, Artefact]]:
    return [] if stage.deploys_to is not None else run_state.inputs(run, stage)


def _cell(project: Project, result: StageResult) -> Cell:
    stage = project.stages.get(result.name)
    for cell in cells(stage) if stage is not None else ():
        if cell.name == result.cell:
            return cell
    msg = "the stage is no longer in pipeline.toml"
    raise WrongInput(msg)


def _facts(run: Run) -> RunFacts:
    return RunFacts(
        number=run.number,
        revision=run.revision,
        branch=run.branch,
        committed_at=run.committed_at,
        version=run.version,
        subject=run.subject,
        author=run.author,
    )


def _input(result: StageResult, artefact: Artefact) -> Input:
    folder = f"{result.name}/{result.cell}" if result.cell else result.name
    _check_name(result.name, artefact.name)
    return Input(
        stage=result.name,
        uses=result.uses,
        name=artefact.name,
        path=f"../input/{folder}/{artefact.name}",
        sha256=artefact.sha256,
        size=artefact.size,
        media_type=artefact.media_type,
    )


def _records(run: Run) -> tuple[StageRecord, ...]:
    return tuple(
        StageRecord(
            stage=cell_title(result.name, result.cell),
            uses=result.uses,
            state=result.state,
            summary=result.summary,
            facts=result.facts,
            worker=result.worker,
            # The clock may have been set back in between.
            seconds=max(0.0, round((result.finished_at or 0) - (result.started_at or 0), 3)),
        )
        for result in run_state.counting(run).values()
        if result.finished_at
    )


# ---- deployments


def may_repeat(project: Project, stage: Stage) -> bool:
    """Return whether a stage whose worker died after its start may be retried automatically."""
    if stage.deploys_to is None:
        return True
    return project.environments[stage.deploys_to].deployer.may_repeat


def _deployment(
    session: Session, result: StageResult, target: tuple[str, Stage], place: Place, *, again: bool
) -> job.Deployment:
    """Return the deployment part of the job, and record the deployment.

    Raises:
        WrongInput: The release is gone, the gate's secrets are lost, or it may not be repeated.
    """
    name, stage = target
    gate = gates.of_stage(session, result)
    release = _release(session, result.run, stage, gate)
    _check_store(place.store, release)
    given: Mapping[str, str] | None = place.secrets(gate) if gate else {}
    if given is None:
        raise WrongInput(_LOST)
    row = deployments.begin(session, result, name, release, gate, time.time())
    if again:
        raise WrongInput(NOT_TWICE.format(what="the worker was lost"))
    before = session.get(Deployment, row.previous_id) if row.previous_id else None
    old = session.get(Release, before.release_id) if before else None
    return job.Deployment(
        number=row.id,
        name=name,
        environment=place.project.environments[name],
        release=_release_part(release, "release"),
        previous=_release_part(old, "previous") if old and _is_there(place.store, old) else None,
        parameters=dict(row.values),
        secrets=dict(given),
        rollback=row.rollback,
        person=row.person,
    )


def _release(session: Session, run: Run, stage: Stage, gate: Gate | None) -> Release:
    """Return the release to deploy.

    Raises:
        WrongInput: It is gone, or blocked.
    """
    values = gate.values if gate is not None else {}
    found = deployments.wanted(session, run, stage, values)
    if found is None:
        named = [values.get(one.name) for one in stage.parameters if one.type == "release"]
        what = f"release {named[0]}" if named and named[0] else "release"
        msg = f"run {run.number} has no {what} any more; it was pruned"
        raise WrongInput(msg)
    blocks.check_not_blocked(session, found)
    return found


def _check_store(store: Store, release: Release) -> None:
    for artefact in release.artefacts:
        if not store.path(artefact["sha256"]).exists():
            msg = (
                f"{artefact['name']} of release {release.version} is no longer in the store; "
                "run the pipeline again to make another release"
            )
            raise WrongInput(msg)


def _is_there(store: Store, release: Release) -> bool:
    return all(store.path(artefact["sha256"]).exists() for artefact in release.artefacts)


def _release_part(release: Release, folder: str) -> job.Release:
    return job.Release(
        version=release.version,
        run=release.run.number,
        revision=release.run.revision,
        inputs=tuple(_packed(artefact, folder) for artefact in release.artefacts),
    )


def _check_name(stage: str, name: str) -> None:
    """Refuse the name of an artefact stored before names were validated.

    Raises:
        WrongInput: It could escape the worker's input folder.
    """
    if refusal := name_refusal(name):
        msg = f"{refusal} (it was left by {stage}; run {stage} again under another name)"
        raise WrongInput(msg)


def _packed(artefact: dict[str, Any], folder: str) -> Input:
    _check_name(artefact["stage"], artefact["name"])
    return Input(
        stage=artefact["stage"],
        uses=artefact["uses"],
        name=artefact["name"],
        path=f"../input/{folder}/{artefact['name']}",
        sha256=artefact["sha256"],
        size=artefact["size"],
        media_type=artefact["media_type"],
    )
