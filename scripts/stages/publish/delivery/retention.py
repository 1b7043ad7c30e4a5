"""Remove old releases from a target, as its `keep` says."""

from __future__ import annotations

from functools import partial

from slipway.model.errors import Stopped
from slipway.model.protocol.artefact_name import name_problem
from slipway.model.protocol.event import TargetRemoved
from slipway.model.retention import PublishedRelease, removable
from slipway.scripts.releases.outgoing import OutgoingRelease, Pointers
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.delivery.clock import Clock
from slipway.scripts.stages.publish.delivery.one_target import Destination
from slipway.scripts.stages.publish.delivery.pointing import pointed_at
from slipway.scripts.stages.publish.delivery.retries import Retries
from slipway.scripts.stages.publish.delivery.threads import error_of

__all__ = ["tidy"]


def tidy(
    destination: Destination,
    release: OutgoingRelease,
    pointers: Pointers,
    report: Report,
    clock: Clock,
) -> None:
    """Remove what a target need not keep, now that a release is there; each is told.

    What cannot be removed is told, too, and fails nothing: the release is published.

    Args:
        destination: The target.
        release: The release that was brought. The time is its own: no worker's clock removes any.
        pointers: What they name stays, and what the target's own name.
        report: Receives what was done.
        clock: Waits between tries.
    """
    keep, title = destination.keep, destination.title
    if keep is None:
        return
    if destination.protected is None:
        report.notice(f"nothing is removed from {title}: nobody has said what is still needed")
        return
    again, gone = Retries(title, clock, report), ""
    try:
        # Somebody may have promoted another release meanwhile.
        named = again(partial(pointed_at, destination.target, pointers))
        named |= {release.version, again(destination.target.newest) or release.version}
        stay = destination.protected | named
        there = again(lambda: [one for one in destination.target.versions() if _is_ours(one)])
        for gone in removable(there, keep, stay, release.manifest.published_at.timestamp()):
            again(partial(destination.target.remove, gone))
            report.emit(TargetRemoved(target=title, version=gone))
            report.notice(f"{gone} was removed from {title}, as its keep says")
    except Stopped:
        raise
    except Exception as error:  # noqa: BLE001  a library's error must not fail what is published
        what = f"{gone} was not removed from {title}" if gone else f"{title} was not tidied up"
        report.notice(f"{what}: {error_of(error, destination.target.where)}", level="warning")


def _is_ours(one: PublishedRelease) -> bool:
    """Return False for a version that no release of ours can have."""
    return not name_problem(one.version) and "/" not in one.version
