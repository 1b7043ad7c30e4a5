"""Bring a release to several targets side by side: one that fails does not stop the others."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial

from slipway.model.errors import MissingTool, SlipwayError, StageFailed, WrongInput
from slipway.model.protocol.event import TargetEnded
from slipway.scripts.releases.outgoing import OutgoingRelease, Pointers
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.delivery.clock import Clock
from slipway.scripts.stages.publish.delivery.comparing import check_names
from slipway.scripts.stages.publish.delivery.one_target import Bringing, Destination
from slipway.scripts.stages.publish.delivery.retention import tidy
from slipway.scripts.stages.publish.delivery.tally import Tally
from slipway.scripts.stages.publish.delivery.threads import error_of, side_by_side

__all__ = ["deliver"]

#: Characters of a place.
_LONGEST = 2000


class _Way:
    """One target's thread, and what came of it."""

    def __init__(self, destination: Destination, bringing: Bringing) -> None:
        self.destination, self.bringing = destination, bringing
        self.error: SlipwayError | None = None
        self.place = ""

    def check(self) -> None:
        """Have the target checked, once."""
        with self._failing():
            self.bringing.check()

    @property
    def is_late(self) -> bool:
        """True if the target could not be checked yet: that may pass by itself."""
        return isinstance(self.error, TryAgain)

    def bring(self, pointers: Pointers, tally: Tally) -> None:
        """Bring the release there."""
        is_checked, self.error = not self.is_late, None
        with self._failing():
            self.place = self.bringing.bring(pointers, tally, is_checked=is_checked)

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001  a library's error must not stop the others
            self.error = error_of(error, self.destination.target.where)

    def ended(self) -> TargetEnded:
        """Return the event that tells the outcome."""
        title = self.destination.title
        if self.error is None:
            return TargetEnded(target=title, state="public", place=self.place[:_LONGEST])
        return TargetEnded(target=title, state="failed", text=str(self.error))

    def close(self) -> None:
        """End the target's connections, whatever state they are in."""
        with contextlib.suppress(Exception):
            self.destination.target.close()


def deliver(
    destinations: Sequence[Destination],
    release: OutgoingRelease,
    pointers: Pointers,
    report: Report,
    clock: Clock | None = None,
) -> dict[str, str]:
    """Bring a release to all targets.

    Args:
        destinations: The targets, each with another title.
        release: The release.
        pointers: What lies beside the releases and changes with this one.
        report: Receives the state of each file at each target.
        clock: The time. None: the real one.

    Returns:
        Where people find it, by target.

    Raises:
        SlipwayError: Some targets failed; the sentence names each, and what it has. If one refused
            when it was checked, nothing was written anywhere.
    """
    clock = clock or Clock()
    check_names(release, pointers)
    ways = [_Way(one, Bringing(one, release, report, clock)) for one in destinations]
    tally = Tally(len(ways), release.size * len(ways), report, clock)

    def bring(way: _Way) -> None:
        way.bring(pointers, tally)
        report.emit(way.ended())
        if way.error is None:
            tidy(way.destination, release, pointers, report, clock)

    try:
        side_by_side([way.check for way in ways], clock)
        if refusing := [way for way in ways if way.error is not None and not way.is_late]:
            for way in refusing:
                report.emit(way.ended())
            raise _failure(refusing, ways, release)
        side_by_side([partial(bring, way) for way in ways], clock)
    finally:
        for way in ways:
            way.close()
    if failed := [way for way in ways if way.error is not None]:
        raise _failure(failed, ways, release)
    return {way.destination.title: way.place for way in ways}


def _failure(
    failed: Sequence[_Way], ways: Sequence[_Way], release: OutgoingRelease
) -> SlipwayError:
    """Return the error that names each target that failed, and what it has."""
    told = [
        f"{way.destination.title} ({way.destination.target.where}): {way.error}; "
        f"{way.bringing.there}"
        for way in failed
    ]
    whole = [way.destination.title for way in ways if way.place and way.error is None]
    msg = f"{release.project} {release.version} is not at {' | '.join(told)}"
    if whole:
        msg += f" | it is whole at {', '.join(whole)}"
    kinds = {type(way.error) for way in failed}
    kind = kinds.pop() if len(kinds) == 1 else StageFailed
    return kind(msg) if kind in (WrongInput, MissingTool) else StageFailed(msg)
