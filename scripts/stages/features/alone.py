"""Try what failed side by side once more, alone: does the suite bear company?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.model.errors import SlipwayError
from slipway.model.protocol.event import AnyEvent
from slipway.scripts.report import Report
from slipway.scripts.stages.features.request import Order
from slipway.scripts.stages.features.results import BAD

if TYPE_CHECKING:
    from slipway.scripts.stages.features.coordinator import RunOutcome

__all__ = ["ALONE", "find_disturbed", "tell_disturbed", "try_alone"]

_Run = Callable[[Order, Report], "RunOutcome"]

#: The sentence for scenarios that fail beside others and pass alone.
ALONE = (
    "{} passed when tried alone: what runs beside it disturbs it; take --jobs 1 (jobs = 1), or "
    "give each process files and data of its own"
)
#: With more failures than these the cause is another.
_MOST = 20
_NAMED = 5


class _Silent(Report):
    """A report that keeps nothing."""

    def emit(self, event: AnyEvent) -> None:
        """Drop an event."""

    def log(self, text: str) -> None:
        """Drop output."""


def find_disturbed(order: Order, outcome: RunOutcome) -> Order | None:
    """Return the request that tries the failed scenarios alone; None if that would tell nothing.

    It would not where one process ran them, where each had an application of its own, and where
    something else broke.
    """
    bad = [one for one in outcome.run.scenarios if one.status in BAD]
    shared = outcome.run.jobs > 1 and order.keys.command is None
    if not shared or not bad or len(bad) > _MOST or outcome.broken:
        return None
    places = tuple(one.place for one in bad)
    options = tuple(one for one in order.arguments if one.startswith("-"))
    keys = order.keys.model_copy(update={"jobs": 1, "retries": 0, "max_failures": None})
    output = order.output / "alone"
    return replace(order, keys=keys, arguments=(*options, *places), output=output, shard=(1, 1))


def tell_disturbed(outcome: RunOutcome, alone: RunOutcome) -> RunOutcome:
    """Return an outcome that says which of its failed scenarios passed alone."""
    passed = {one.place for one in alone.run.scenarios if one.status == "passed"}
    bad = [one.place for one in outcome.run.scenarios if one.status in BAD and one.place in passed]
    if not bad:
        return outcome
    more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    alone_text = ALONE.format(", ".join(bad[:_NAMED]) + more)
    found = replace(outcome.run, notices=(*outcome.run.notices, alone_text))
    return replace(outcome, run=found, disturbed=alone_text)


def try_alone(order: Order, outcome: RunOutcome, run: _Run) -> RunOutcome:
    """Try what failed side by side once more, in one process.

    Args:
        order: The run that has ended.
        outcome: Its outcome.
        run: Runs features.

    Returns:
        The outcome, which says what passed alone; it stays failed.
    """
    again = find_disturbed(order, outcome)
    if again is None:
        return outcome
    again.output.mkdir(parents=True, exist_ok=True)
    try:
        return tell_disturbed(outcome, run(again, _Silent()))
    except SlipwayError:
        return outcome
    finally:
        shutil.rmtree(again.output, ignore_errors=True)
