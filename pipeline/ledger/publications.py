"""Publications: releases at targets, with the state of each file there.

Every function works in the caller's transaction. A change of state that is not legal raises
`slipway.ledger.transitions.IllegalRow`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from slipway.ledger import deployments
from slipway.ledger.tables.publications import Publication, PublishedFile
from slipway.ledger.tables.runs import Artefact, Release, Run, StageResult
from slipway.ledger.transitions import transition
from slipway.model.kinds.release_target import Target
from slipway.model.protocol.delivery import Ended, News
from slipway.model.states import TOLD_OF_FILES, FileState, PublicationState, StageState

__all__ = ["begin", "close", "places", "record", "stop", "unchanged_since"]

_ORDER = TOLD_OF_FILES
_ENDED = (PublicationState.FAILED, PublicationState.CANCELLED)
_SILENT = "it was not brought there: the stage ended before; run the stage again"


def begin(
    session: Session,
    release: Release,
    stage_id: int,
    targets: Iterable[Target],
    files: int,
    now: float,
) -> None:
    """Record that an attempt begins to bring a release to targets; idempotent.

    Args:
        session: The transaction.
        release: The release.
        stage_id: The attempt.
        targets: The targets.
        files: The number of the release's files.
        now: Seconds since 1970.
    """
    there = {one.target: one for one in _of(session, release)}
    for target in targets:
        known = there.get(target.title)
        if known is None:
            known = Publication(
                release=release, target=target.title, place="", started_at=now, states=[]
            )
            session.add(known)
        else:
            transition(known, PublicationState.RUNNING, "the stage is run again", now)
        known.stage_id, known.kind, known.files, known.error = stage_id, target.kind, files, ""
    session.flush()


def unchanged_since(
    session: Session, result: StageResult, contents: Iterable[Artefact], targets: Iterable[str] = ()
) -> tuple[Release, StageResult] | None:
    """Return the last release of the branch if it has the same files, and its publish stage.

    A release that is not at all of its targets is none, or lacks one that the stage has by now: the
    files are released again. The version with the run's number may be a part of the files' names.

    Args:
        session: The transaction.
        result: The attempt that would make a release.
        contents: The files of the release that it would make.
        targets: The names of the targets it would be brought to.

    Returns:
        The release and the attempt that made it; None if there is something to release.
    """
    run = result.run
    query = select(Release).join(Run).where(Run.project == run.project, Run.branch == run.branch)
    last = session.scalar(
        query.where(Run.number < run.number).order_by(Run.number.desc(), Release.id.desc()).limit(1)
    )
    if last is None or _base(last.version) != _base(run.version):
        return None
    made = next((one for one in reversed(last.run.stages) if one.name == result.name), None)
    if made is None or made.state != StageState.PASSED or made.stale:
        return None
    if not set(targets).issubset(places(session, last)):
        return None
    before = {_named(one["name"], last.version, one["sha256"]) for one in last.artefacts}
    now = {_named(one.name, run.version, one.sha256) for one in contents}
    return (last, made) if before == now else None


def _base(version: str) -> str:
    return version.rpartition("+")[0]


def _named(name: str, version: str, sha256: str) -> tuple[str, str]:
    return name.replace(version, "*"), sha256


def record(session: Session, stage_id: int, told: Mapping[str, News], now: float) -> None:
    """Record what a worker has told of targets; the states of files only go forward.

    What is told of targets that the attempt does not bring the release to is left out.
    """
    for one in _at_work(session, stage_id):
        news = told.get(one.target)
        if news is None:
            continue
        known = {file.name: file for file in one.states}
        for name, (sha256, state) in news.files.items():
            if name not in known:
                one.states.append(PublishedFile(name=name, sha256=sha256, reached=state))
            elif _is_further(state, known[name].reached):
                known[name].reached = state
        if news.ended is not None:
            _end(one, news.ended, now)
    for target, news in told.items():
        if news.removed:
            _remove(session, session.get_one(StageResult, stage_id), target, news.removed, now)


def _is_further(state: FileState, reached: FileState) -> bool:
    """Return whether a file has come further; what was removed begins anew."""
    return reached not in _ORDER or _ORDER.index(state) > _ORDER.index(reached)


def _remove(
    session: Session, result: StageResult, target: str, versions: Iterable[str], now: float
) -> None:
    """Record that a target has older releases no more; one that is on its way there stays so.

    Stages may have targets of the same name in different places: the stage must be the same.
    """
    query = (
        select(Publication)
        .join(Release)
        .join(Run)
        .join(StageResult, Publication.stage_id == StageResult.id)
        .where(
            Run.project == result.run.project,
            Release.version.in_(list(versions)),
            Publication.target == target,
            Publication.state.in_((PublicationState.PUBLIC, *_ENDED)),
            StageResult.name == result.name,
        )
    )
    for one in session.scalars(query.options(selectinload(Publication.states))):
        transition(one, PublicationState.REMOVED, "the target's keep has let it go", now)
        one.place, one.error = "", ""
        for file in one.states:
            file.reached = FileState.REMOVED


def _end(one: Publication, ended: Ended, now: float) -> None:
    state = PublicationState.FAILED if ended.error else PublicationState.PUBLIC
    transition(one, state, ended.error or "it is public", now)
    one.place, one.error = ended.place or one.place, ended.error


def places(session: Session, release: Release) -> list[str]:
    """Return the names of the targets where readers see a release."""
    return [one.target for one in _of(session, release) if one.state == PublicationState.PUBLIC]


def close(session: Session, result: StageResult, now: float) -> None:
    """Record that an attempt has ended: targets that nothing was told of have failed."""
    for one in _at_work(session, result.id):
        transition(one, PublicationState.FAILED, "its stage has ended", now)
        one.error = _SILENT


def stop(session: Session, result: StageResult, now: float) -> None:
    """Record that an attempt was stopped, and with it its deployment and its publications."""
    deployments.cancel(session, result, now)
    for one in _at_work(session, result.id):
        transition(one, PublicationState.CANCELLED, result.summary or "stopped", now)
        one.error = result.summary or "stopped in the middle"


def _of(session: Session, release: Release) -> list[Publication]:
    query = select(Publication).where(Publication.release_id == release.id)
    return list(session.scalars(query.order_by(Publication.id)))


def _at_work(session: Session, stage_id: int) -> list[Publication]:
    query = select(Publication).where(
        Publication.stage_id == stage_id, Publication.state == PublicationState.RUNNING
    )
    return list(session.scalars(query.options(selectinload(Publication.states))))
