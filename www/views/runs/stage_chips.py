"""Show each stage of a run in short form (a chip), from the attempts that count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from slipway.ledger.tables.runs import Run
from slipway.model.errors import StageFailed
from slipway.model.records.gate import GateMark
from slipway.model.run_state import WEIGHT
from slipway.model.states import OPEN_RUN, ShownState, StageState
from slipway.www.api.graph_columns import Outline
from slipway.www.shapes.runs import Chip
from slipway.www.views.runs.durations import Expected

__all__ = ["Row", "chips"]


class Row(Protocol):
    """An attempt, as a row of columns or of the ORM."""

    id: Any
    name: Any
    cell: Any
    uses: Any
    attempt: Any
    state: StageState
    stale: Any
    rollback: Any
    exit_code: Any
    summary: Any
    facts: Any
    started_at: Any
    finished_at: Any


def chips(
    run: Run,
    outline: Outline | None,
    rows: Sequence[Row],
    expected: Expected,
    gates: Mapping[int, GateMark],
    queued: Mapping[int, str],
) -> list[Chip]:
    """Return a chip for each stage of a run, in the graph's order.

    Args:
        run: The run.
        outline: Its project's pipeline; None if pipeline.toml no longer has it.
        rows: Its attempts, oldest first.
        expected: Expected duration of each cell in seconds.
        gates: The undecided gates, by attempt.
        queued: Reasons why attempts are queued, by their id.
    """
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    known = list(outline.places) if outline else []
    names = known + [name for name in by_name if name not in known]
    found = []
    for name in names:
        own = by_name.get(name, [])
        # The stage's own gate has precedence over that of a rollback to this run.
        in_order = sorted((row for row in own if not row.stale), key=lambda row: bool(row.rollback))
        have = [row.id for row in in_order]
        gate = next((gates[one] for one in have if one in gates), None)
        waits = next((queued[one] for one in have if one in queued), "")
        found.append(_chip(run, outline, name, own, expected, gate, waits))
    return found


def _chip(
    run: Run,
    outline: Outline | None,
    name: str,
    rows: list[Row],
    expected: Expected,
    gate: GateMark | None,
    waits: str,
) -> Chip:
    place = outline.places.get(name) if outline else None
    have = {row.cell: row for row in rows if not (row.stale or row.rollback)}
    states = Counter(row.state for row in have.values())
    state = next((one for one in WEIGHT if states[one]), None)
    over = state not in {StageState.RUNNING, StageState.QUEUED, StageState.GATE}
    untried = ShownState.WAITING if run.state in OPEN_RUN else ShownState.NOT_RUN
    began = min((row.started_at for row in have.values() if row.started_at), default=None)
    ended = max((row.finished_at or 0 for row in have.values()), default=None) if over else None
    newest = next(iter(have.values()), None)
    return Chip(
        name=name,
        uses=place.stage.uses if place else rows[-1].uses,
        manual=place.stage.manual if place else False,
        environment=place.environment if place else None,
        allow_failure=place.stage.allow_failure if place else False,
        level=place.level if place else 0,
        state=ShownState(state) if state else untried,
        flaky=state == StageState.PASSED and any(_flaky(row, rows) for row in have.values()),
        cells=dict(states),
        attempts=max((row.attempt for row in rows), default=0),
        started_at=began,
        finished_at=ended or None,
        expected=_longest(expected, run.project, name, have or (place.cells if place else ())),
        summary=newest.summary if newest is not None and len(have) == 1 else _counted(states),
        waits=waits,
        gate=gate,
    )


def _flaky(row: Row, rows: list[Row]) -> bool:
    if row.facts and row.facts.get("flaky"):
        return True
    own = [one for one in rows if one.cell == row.cell and not one.rollback]
    before = [one for one in own if one.attempt < row.attempt]
    return any(one.exit_code == StageFailed.exit_code for one in before)


def _longest(expected: Expected, project: str, name: str, cells: Iterable[str]) -> float | None:
    return max(
        (expected[project, name, cell] for cell in cells if (project, name, cell) in expected),
        default=None,
    )


def _counted(states: Mapping[StageState, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in states.items())
