"""Bring pointers to a target in order: older ones never replace newer ones."""

from __future__ import annotations

from slipway.scripts.releases.outgoing import Pointers
from slipway.scripts.releases.pointing import (
    CHANNELS,
    LATEST_POINTER,
    Order,
    compare_latest,
    named_version,
)
from slipway.scripts.releases.target import ReleaseTarget
from slipway.scripts.report import Report

__all__ = ["point_in_order", "pointed_at"]

#: How often pointers are written, where another publisher writes older ones at the same time.
_TIMES = 3


def point_in_order(target: ReleaseTarget, title: str, pointers: Pointers, report: Report) -> None:
    """Update a target's pointers, unless it shows some that were signed later.

    A publish that took long must not undo what came after it. Few protocols can look and write in
    one step, so it is looked once more afterwards.

    Args:
        target: The target.
        title: Its name.
        pointers: What is to be there.
        report: Is told if later ones stay.

    Raises:
        SlipwayError: The target failed.
    """
    for attempt in range(_TIMES):
        order = compare_latest(target.pointer(LATEST_POINTER), pointers)
        if order is Order.NEWER:
            report.notice(f"{title} shows later pointers than those of this release; they stay")
            return
        if attempt and order is Order.SAME:
            return
        target.point(pointers)
        if target.pointer(LATEST_POINTER) is None:
            return


def pointed_at(target: ReleaseTarget, pointers: Pointers) -> set[str]:
    """Return the versions that a target's pointers name now, and those that were brought there."""
    names = {LATEST_POINTER, *(f"{CHANNELS}/{one}.json" for one in pointers.channels)}
    named = {named_version(target.pointer(name)) for name in names}
    return {pointers.latest, *pointers.channels.values(), *named} - {""}
