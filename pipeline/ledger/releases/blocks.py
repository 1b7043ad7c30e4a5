"""Blocks: a blocked release is deployed by no gate and offered by no channel or feed.

It stays where it is: nothing of a release is ever deleted, and an environment that runs it goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger import deployments
from slipway.ledger.tables.releases import ReleaseBlock
from slipway.ledger.tables.runs import Release, Run
from slipway.model.access import Person, may, refusal
from slipway.model.errors import Forbidden, WrongInput
from slipway.model.kinds.stage import Stage
from slipway.model.records.release import Blocked

__all__ = [
    "MOST_CHARACTERS",
    "block",
    "check_deployable",
    "check_not_blocked",
    "find_block",
    "holds_back",
    "list_blocks",
    "unblock",
]

#: The longest reason; it stands in pages and feeds.
MOST_CHARACTERS = 1000


def block(session: Session, release: Release, person: Person, reason: str, now: float) -> None:
    """Block a release.

    Raises:
        Forbidden: The person lacks the permission "release.block".
        WrongInput: No reason is given, or it is blocked already.
    """
    _permit(person, "release.block")
    known, name = find_block(session, release), _name(release)
    if known is not None:
        msg = f"{name} is blocked already by {known.person}: {known.reason}"
        raise WrongInput(msg)
    if not reason.strip() or len(reason) > MOST_CHARACTERS:
        msg = f"say why {name} is blocked, in at most {MOST_CHARACTERS} characters"
        raise WrongInput(msg)
    session.add(
        ReleaseBlock(
            project=release.run.project,
            version=release.version,
            reason=reason.strip(),
            person=person.name,
            at=now,
        )
    )
    session.flush()


def unblock(session: Session, release: Release, person: Person) -> None:
    """End the block of a release; channels that pointed at it do so again.

    Raises:
        Forbidden: The person lacks the permission "release.unblock".
        WrongInput: It is not blocked.
    """
    _permit(person, "release.unblock")
    known = find_block(session, release)
    if known is None:
        msg = f"{_name(release)} is not blocked"
        raise WrongInput(msg)
    session.delete(known)
    session.flush()


def find_block(session: Session, release: Release) -> ReleaseBlock | None:
    """Return the block of a release; None if it is not blocked."""
    return session.get(ReleaseBlock, (release.run.project, release.version))


def check_not_blocked(session: Session, release: Release) -> None:
    """Check that a release is not blocked.

    Raises:
        WrongInput: It is; the message names the person and the reason.
    """
    known = find_block(session, release)
    if known is not None:
        msg = (
            f"{_name(release)} is blocked by {known.person}: {known.reason}; nothing deploys or "
            "promotes it until it is unblocked"
        )
        raise WrongInput(msg)


def check_deployable(session: Session, run: Run, stage: Stage, values: Mapping[str, Any]) -> None:
    """Check that what a gate would deploy or promote is not blocked; other stages pass.

    Args:
        session: The transaction.
        run: The gate's run.
        stage: The stage behind the gate.
        values: The answers to its parameters.

    Raises:
        WrongInput: It is blocked.
    """
    if stage.deploys_to is None and not stage.moves_channel:
        return
    release = deployments.wanted(session, run, stage, values)
    if release is not None:
        check_not_blocked(session, release)


def holds_back(session: Session, run: Run, stage: Stage, values: Mapping[str, Any]) -> bool:
    """Return whether an approved gate waits because what it would deploy is blocked."""
    try:
        check_deployable(session, run, stage, values)
    except WrongInput:
        return True
    return False


def list_blocks(session: Session, project: str | None = None) -> dict[tuple[str, str], Blocked]:
    """Return the blocks of a project, or of all, by project and version."""
    query = select(ReleaseBlock)
    if project is not None:
        query = query.where(ReleaseBlock.project == project)
    return {
        (row.project, row.version): Blocked(reason=row.reason, person=row.person, at=row.at)
        for row in session.scalars(query)
    }


def _name(release: Release) -> str:
    return f"release {release.version} of {release.run.project}"


def _permit(person: Person, action: str) -> None:
    if person.anonymous or not may(person, action):
        raise Forbidden(refusal(person, action))
