"""Compute the critical path: the chain of stages that determines a run's duration."""

from __future__ import annotations

from collections.abc import Sequence

from slipway.model.graph import waited_for
from slipway.model.states import CLOSED, ShownState
from slipway.www.api.graph_columns import Outline
from slipway.www.shapes.runs import Chip

__all__ = ["critical_path"]


def critical_path(outline: Outline, stages: Sequence[Chip]) -> list[str]:
    """Return the critical path, first stage to last; each waited longest for the one before it.

    An unfinished stage counts with its expected duration; a stage that never ran does not count.
    """
    chips = {chip.name: chip for chip in stages}
    lengths: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for name, place in outline.places.items():
        chip = chips.get(name)
        if chip is None or chip.state in {ShownState.NOT_RUN, *CLOSED}:
            continue
        needs = [need for need in waited_for(place.stage) if need in lengths]
        longest = max(needs, key=lambda need: lengths[need], default=None)
        own = chip.seconds if chip.seconds is not None else chip.expected or 0.0
        lengths[name] = own + (lengths[longest] if longest else 0.0)
        before[name] = longest
    path: list[str] = []
    last = max(lengths, key=lambda name: lengths[name], default=None)
    while last is not None:
        path.append(last)
        last = before[last]
    return path[::-1]
