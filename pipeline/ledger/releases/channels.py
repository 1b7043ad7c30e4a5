"""Channels: each points at the last release that was moved to it and is not blocked.

A move copies no bytes. Every function works in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from slipway.ledger.releases import blocks
from slipway.ledger.tables.releases import ChannelMove
from slipway.ledger.tables.runs import Release
from slipway.model.access import Person, may, refusal
from slipway.model.errors import Forbidden, WrongInput

__all__ = ["enter", "kept", "list_moves", "move", "of_releases", "permit", "promote", "standing"]


def list_moves(session: Session, project: str) -> dict[str, list[ChannelMove]]:
    """Return the moves of each of a project's channels, the oldest first."""
    query = (
        select(ChannelMove)
        .where(ChannelMove.project == project)
        .options(joinedload(ChannelMove.release).joinedload(Release.run))
        .order_by(ChannelMove.id)
    )
    found: dict[str, list[ChannelMove]] = {}
    for row in session.scalars(query):
        found.setdefault(row.channel, []).append(row)
    return found


def standing(session: Session, project: str, channel: str) -> ChannelMove | None:
    """Return the move that counts: the last to a release that is not blocked."""
    return _last(session, list_moves(session, project).get(channel, ()))


def _last(session: Session, moves: Sequence[ChannelMove]) -> ChannelMove | None:
    for one in reversed(moves):
        if blocks.find_block(session, one.release) is None:
            return one
    return None


def move(
    session: Session, release: Release, channel: str, now: float, person: str = "", reason: str = ""
) -> bool:
    """Move a channel to a release; idempotent.

    Returns:
        False if the channel points at it already.

    Raises:
        WrongInput: The release is blocked.
    """
    blocks.check_not_blocked(session, release)
    project = release.run.project
    there = standing(session, project, channel)
    if there is not None and there.release.version == release.version:
        return False
    session.add(
        ChannelMove(
            project=project,
            channel=channel,
            release_id=release.id,
            release=release,
            person=person,
            reason=reason,
            at=now,
        )
    )
    session.flush()
    return True


def enter(session: Session, release: Release, channel: str, now: float) -> bool:
    """Move a channel to a release that was just published; idempotent.

    A release enters once: to publish it again moves nothing. A channel never goes back by itself to
    the release of an earlier run, and never to a blocked one.

    Returns:
        True if the channel points at the release now, and did not before.
    """
    moves = list_moves(session, release.run.project).get(channel, [])
    last = _last(session, moves)
    if (
        blocks.find_block(session, release) is not None
        or any(one.release.version == release.version for one in moves)
        or (last is not None and last.release.run.number > release.run.number)
    ):
        return False
    return move(session, release, channel, now)


def promote(
    session: Session,
    release: Release,
    channel: str,
    order: Sequence[str],
    now: float,
    person: str = "",
    reason: str = "",
) -> bool:
    """Move a channel to a release that has been in the channel before it.

    An older release may be moved there too: so a channel goes back.

    Args:
        session: The transaction.
        release: The release.
        channel: The channel.
        order: All channels of the project, as pipeline.toml has them.
        now: Seconds since 1970.
        person: Who does it. Empty: a stage.
        reason: Why, for the audit trail.

    Returns:
        False if the channel points at it already.

    Raises:
        WrongInput: There is no such channel, the release is blocked, or has not been in the channel
            before.
    """
    project = release.run.project
    if channel not in order:
        there = ", ".join(order) or "none; write channels = [...] into its publish stage"
        msg = f'{project} has no channel "{channel}"; it has {there}'
        raise WrongInput(msg)
    place = list(order).index(channel)
    if place:
        before = list(order)[place - 1]
        moves = list_moves(session, project)
        seen = {one.release.version for name in (before, channel) for one in moves.get(name, ())}
        if release.version not in seen:
            msg = f"{release.version} of {project} has not been in {before}: promote it there first"
            raise WrongInput(msg)
    return move(session, release, channel, now, person, reason)


def permit(person: Person) -> None:
    """Check that a person may promote without a gate.

    Raises:
        Forbidden: They lack the permission "release.promote".
    """
    if person.anonymous or not may(person, "release.promote"):
        raise Forbidden(refusal(person, "release.promote"))


def of_releases(session: Session, project: str) -> dict[str, list[str]]:
    """Return the channels that point at each version of a project."""
    found: dict[str, list[str]] = {}
    for channel, moves in list_moves(session, project).items():
        last = _last(session, moves)
        if last is not None:
            found.setdefault(last.release.version, []).append(channel)
    return found


def kept(session: Session, project: str) -> dict[int, str]:
    """Return the ids of runs whose releases are not pruned, with the reason.

    Those that channels point at, those that they would fall back to, and those that are blocked:
    somebody looks into them.
    """
    found: dict[int, str] = {}
    blocked = blocks.list_blocks(session, project)
    versions = [version for _, version in blocked]
    query = select(Release).where(Release.version.in_(versions))
    for release in session.scalars(query):
        if release.run.project == project:
            found[release.run_id] = "it is blocked"
    for channel, moves in list_moves(session, project).items():
        good = [one for one in moves if (project, one.release.version) not in blocked]
        newest = list(dict.fromkeys(one.release.run_id for one in reversed(good)))
        for run_id, word in zip(newest[:2], ("points", "pointed"), strict=False):
            before = " before" if word == "pointed" else ""
            found[run_id] = f"the channel {channel} {word} at it{before}"
    return found
