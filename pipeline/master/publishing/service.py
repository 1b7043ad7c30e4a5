"""Make the releases of publish stages when they begin, and record them in the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy.orm import Session
from twisted.internet import threads

from slipway.artefacts.store import Store
from slipway.git_mirror import Mirror
from slipway.ledger import deployments, gates, publications, retention, run_state, runs
from slipway.ledger.releases import blocks, channels
from slipway.ledger.tables.runs import StageResult
from slipway.master.publishing.making import Kept, make, store_rendered
from slipway.master.publishing.provenance import build_facts, locks_of
from slipway.master.releases.decisions import DecidingLedger, ReleaseDecisions
from slipway.master.releases.notes import Span, edited_notes, prepare, span_of
from slipway.master.releases.site import Written
from slipway.master.stage_outcome import record_artefacts
from slipway.model.errors import StageFailed, WrongInput
from slipway.model.kinds.stage import Stage
from slipway.model.protocol.delivery import News
from slipway.model.protocol.job import (
    Input,
    Job,
    MadePointers,
    MadeRelease,
    PointerFile,
    ReleaseNotes,
)
from slipway.model.states import OPEN_STAGE
from slipway.scripts.releases.signing.signing import Signing
from slipway.scripts.releases.site.rendering import media_type
from slipway.secrets.release_signer import check_signers, load_signer
from slipway.state_folder import Home

__all__ = ["Publishing", "PublishingLedger"]

P = ParamSpec("P")
T = TypeVar("T")


class PublishingLedger(DecidingLedger, Protocol):
    """What publishing needs of the ledger service."""

    repositories: dict[str, str]
    store_folder: str

    def mirror(self, project: str) -> Mirror:
        """Return the mirror of a project's repository."""

    async def call(
        self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Change the ledger in one transaction."""


class Publishing:
    """Makes releases. No worker has a say in what they contain."""

    def __init__(self, ledger: PublishingLedger) -> None:
        self._ledger = ledger

    async def check_keys(self) -> None:
        """Refuse if a release of a run that starts now could not be signed.

        Raises:
            WrongInput: A key cannot be used, or ends soon.
        """
        ledger, now = self._ledger, datetime.now(UTC)
        home, folder = Home(Path(ledger.state_folder)), Path(ledger.folder)
        problem = await threads.deferToThread(check_signers, ledger.settings, home, folder, now)
        if problem:
            raise WrongInput(problem)

    async def unchanged(self, stage_id: int, job: Job) -> str:
        """Return why there is nothing to release, in one sentence; empty if there is something.

        The attempt then stands for the one that made the last release.
        """
        return await self._ledger.call(_unchanged, stage_id, job)

    async def make(self, stage_id: int, job: Job) -> Job:
        """Make the release of a publish stage, and record it; idempotent.

        Args:
            stage_id: The attempt, which a worker has taken.
            job: Its job.

        Returns:
            The job for the worker, with the release.

        Raises:
            SlipwayError: It cannot be made; nothing was published then.
        """
        root = Path(self._ledger.state_folder, job.stage.release_folder)
        store = Store(Path(self._ledger.store_folder))
        job = job.model_copy(update={"notes": await self._notes(stage_id, job.stage)})
        signing = await self._signing(stage_id, job)
        pages = await self._ledger.read(_freeze_pages, stage_id)
        job = job.model_copy(update={"inputs": (*job.inputs, *pages)})
        kept = await threads.deferToThread(make, job, root, store, signing)
        await self._ledger.call(_keep, stage_id, job, kept)
        sites = await ReleaseDecisions(self._ledger).refresh(job.project)
        site = sites.get(job.stage.release_folder)
        pointers = None
        if site is not None and job.stage.release_targets:
            pointers = await threads.deferToThread(_pointers, site, job, store)
        protected = await self._ledger.read(retention.protected_versions, job.project)
        return kept.job(job, pointers).model_copy(update={"protected": protected})

    async def promote(self, stage_id: int, job: Job) -> Job:
        """Move the stage's channel to the run's release; idempotent.

        Returns:
            The job for the worker, with the pages and pointers that targets get.

        Raises:
            WrongInput: The run has no release, it is blocked, or has not been in the channel that
                comes before.
        """
        order = self._ledger.projects[job.project].channels
        made = await self._ledger.call(_promote, stage_id, job.stage, order)
        sites = await ReleaseDecisions(self._ledger).refresh(job.project)
        site, pointers = next(iter(sites.values()), None), None
        if site is not None and job.stage.reaches_targets:
            store = Store(Path(self._ledger.store_folder))
            pointers = await threads.deferToThread(_pointers, site, job, store)
        release = MadeRelease(manifest_sha256=made, pointers=pointers)
        return job.model_copy(update={"release": release})

    async def _notes(self, stage_id: int, stage: Stage) -> ReleaseNotes:
        """Return the notes that a person has given at the stage's gate, or prepare them."""
        span, edited = await self._ledger.read(_asked_notes, stage_id, stage)
        text = await prepare(self._ledger, span) if edited is None else edited
        return ReleaseNotes(since=span.since, channel=span.channel, text=text)

    async def _signing(self, stage_id: int, job: Job) -> Signing:
        """Return who signs the release, and what its provenance says.

        Raises:
            SlipwayError: A key cannot be used.
        """
        ledger = self._ledger
        mirror = ledger.mirror(job.project)
        locks = await threads.deferToThread(locks_of, mirror, job.run.revision)
        stages = ledger.projects[job.project].stages
        site = (ledger.settings.url, ledger.repositories[job.project])
        facts = await ledger.read(build_facts, job, stage_id, stages, site, locks)
        home, folder = Home(Path(ledger.state_folder)), Path(ledger.folder)
        now = datetime.now(UTC)
        signer = await threads.deferToThread(load_signer, ledger.settings, home, folder, now)
        return Signing(facts, signer)

    async def record(self, stage_id: int, told: Mapping[str, News]) -> None:
        """Record what a stage's script has told of its targets, by their names."""
        await self._ledger.call(_record, stage_id, told)


def _unchanged(session: Session, stage_id: int, job: Job) -> str:
    result = session.get_one(StageResult, stage_id)
    result.borrowed = None
    if not job.stage.skips_unchanged or result.run.releases:
        return ""
    contents = [artefact for _, artefact in run_state.inputs(result.run, job.stage)]
    targets = [one.title for one in job.stage.release_targets]
    found = publications.unchanged_since(session, result, contents, targets)
    if found is None:
        return ""
    release, result.borrowed = found
    files = f"has the same {len(contents)} files" if len(contents) > 1 else "has the same file"
    return f"nothing to release: {release.version}, of run {release.run.number}, {files}"


def _freeze_pages(session: Session, stage_id: int) -> list[Input]:
    """Return the reports of the run's freeze stages: the release carries them for people."""
    result = session.get_one(StageResult, stage_id)
    return [
        Input(
            stage=made.name,
            uses=made.uses,
            name=one.name,
            path=one.name,
            sha256=one.sha256,
            size=one.size,
            media_type=one.media_type,
            role="report",
        )
        for made, one in run_state.reports(result.run, "freeze")
    ]


def _keep(session: Session, stage_id: int, job: Job, kept: Kept) -> None:
    """Record a release that was made, and that its way to the targets begins."""
    result, now = session.get_one(StageResult, stage_id), time.time()
    _check_open(result)
    run = result.run
    contents = run_state.inputs(run, job.stage)
    runs.keep_release(session, run, kept.facts, contents, now)
    record_artefacts(session, stage_id, [kept.own])
    session.flush()
    release = deployments.release_of(session, run)
    if release is not None and job.stage.first_channel is not None:
        channels.enter(session, release, job.stage.first_channel, now)
    if release is not None and job.stage.release_targets:
        targets = job.stage.release_targets
        there = set(publications.places(session, release))
        if any(one.title not in there for one in targets):
            # Targets that have it may still be told of what has changed beside it.
            blocks.check_not_blocked(session, release)
        publications.begin(session, release, stage_id, targets, len(kept.files), now)


def _check_open(result: StageResult) -> None:
    """Check that nobody has ended the attempt while a thread worked for it.

    Raises:
        StageFailed: It was cancelled.
    """
    if result.state not in OPEN_STAGE:
        msg = f"{result.name} was {result.state} meanwhile: nothing is published"
        raise StageFailed(msg)


def _promote(session: Session, stage_id: int, stage: Stage, order: Sequence[str]) -> str:
    """Move a stage's channel to its run's release; return the hash of its release.json."""
    result, now = session.get_one(StageResult, stage_id), time.time()
    _check_open(result)
    gate = gates.of_stage(session, result)
    values, comment = (gate.values, gate.comment) if gate is not None else ({}, "")
    release = deployments.wanted(session, result.run, stage, values)
    if release is None or stage.promotes_to is None:
        msg = f"run {result.run.number} has made no release that could be promoted"
        raise WrongInput(msg)
    # One decision moves it once: a stage that is repeated by itself after a restart must not undo
    # what somebody decided since.
    decided = gate.ended_at if gate is not None else result.queued_at if result.owner else None
    moves = channels.list_moves(session, result.run.project).get(stage.promotes_to, ())
    if not any(one.release_id == release.id and one.at >= (decided or 0) for one in moves):
        channels.promote(session, release, stage.promotes_to, order, now, result.owner, comment)
    return release.manifest_sha256


def _asked_notes(session: Session, stage_id: int, stage: Stage) -> tuple[Span, str | None]:
    result = session.get_one(StageResult, stage_id)
    gate = gates.of_stage(session, result)
    return span_of(session, result.run, stage), edited_notes(gate, stage)


def _pointers(site: Written, job: Job, store: Store) -> MadePointers:
    """Put the files of a site into the store, and return them as the worker gets them."""
    files = []
    for number, (path, data) in enumerate(site.files.items()):
        given = Input(
            stage=job.name,
            uses=job.stage.uses,
            name=path.rpartition("/")[2],
            path=f"../input/pointers/{number}",
            sha256=store_rendered(data, store),
            size=len(data),
            media_type=media_type(path),
            role="report",
        )
        files.append(PointerFile(path=path, file=given))
    contents = site.contents
    return MadePointers(
        latest=contents.latest_version, channels=contents.pointed, files=tuple(files)
    )


def _record(session: Session, stage_id: int, told: Mapping[str, News]) -> None:
    publications.record(session, stage_id, told, time.time())
