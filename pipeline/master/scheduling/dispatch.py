"""Dispatch the ledger's orders to Buildbot: create and cancel build requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from slipway.ledger.tables.runs import Run, StageResult
from slipway.master.buildbot_config.priorities import PRIORITY
from slipway.master.ledger_service import find_ledger
from slipway.model.errors import MissingTool
from slipway.model.site import Project, builder_name
from slipway.steps.ledger_api import STAGE_PROPERTY

__all__ = ["NOTHING", "Dispatched", "Orders", "StageOrder", "bind", "dispatch", "mark", "order_of"]


@dataclass(frozen=True)
class StageOrder:
    """A queued stage to be dispatched to Buildbot."""

    stage_id: int
    name: str
    cell: str
    run_number: int
    version: str
    branch: str
    revision: str
    owner: str
    reason: str


@dataclass
class Orders:
    """The requests that Buildbot must create and cancel after a transaction."""

    run: int = 0
    """The number of the run they belong to."""
    stages: list[StageOrder] = field(default_factory=list)
    cancels: dict[int, str] = field(default_factory=dict)
    """The reasons, by build request id."""


def order_of(run: Run, result: StageResult, reason: str) -> StageOrder:
    """Return the ticket of a queued attempt."""
    return StageOrder(
        stage_id=result.id,
        name=result.name,
        cell=result.cell,
        run_number=run.number,
        version=run.version,
        branch=run.branch,
        revision=run.revision,
        owner=result.owner or run.owner,
        reason=reason,
    )


def mark(stage_id: int) -> str:
    """Return the external id that marks a stage's buildset in Buildbot's tables."""
    return f"slipway-stage-{stage_id}"


def bind(session: Session, stage_id: int, set_id: int, request_id: int) -> None:
    """Record the build request of a stage."""
    result = session.get_one(StageResult, stage_id)
    result.buildset_id, result.request_id = set_id, request_id


class Dispatched(NamedTuple):
    """The buildset of a dispatched ticket, in the form that Buildbot's schedulers return."""

    buildset: int | None
    requests: dict[int, int]
    """The ids of the build requests, by builder id."""


#: A stage that waits for a person has no request.
NOTHING = Dispatched(None, {})


async def dispatch(
    master: Any, name: str, project: Project, repository: str, orders: Orders
) -> list[Dispatched]:
    """Dispatch the stages that the ledger has queued and cancelled to Buildbot.

    Args:
        master: The master.
        name: The project's name.
        project: The project.
        repository: The URL or path of its repository for git.
        orders: The orders of a transaction.

    Returns:
        The buildset of each order.

    Raises:
        MissingTool: A stage has no builder; the other stages are dispatched before.
    """
    for request_id, reason in orders.cancels.items():
        await master.data.control("cancel", {"reason": reason}, ("buildrequests", str(request_id)))
    handed, missing = [], None
    for order in orders.stages:
        try:
            handed.append(await _dispatch(master, name, project, repository, order))
        except MissingTool as error:
            # Dispatch the others first.
            missing = error
    if missing is not None:
        raise missing
    return handed


async def _dispatch(
    master: Any, project: str, pipeline: Project, repository: str, order: StageOrder
) -> Dispatched:
    """Create the build request of a queued stage, and start it without Buildbot's usual delay."""
    name = builder_name(project, order.name, order.cell)
    builder = master.botmaster.builders.get(name)
    if builder is None:
        msg = f"Buildbot has no builder {name}; reconfigure the master"
        raise MissingTool(msg)
    # The data API directly: a scheduler's helper first loads all builders of the site.
    set_id, requests = await master.data.updates.addBuildset(
        waited_for=False,
        scheduler=project,
        sourcestamps=[
            {
                "codebase": "",
                "repository": repository,
                "branch": order.branch,
                "revision": order.revision,
                "project": project,
            }
        ],
        reason=f"run {order.run_number}: {order.reason or order.name}",
        properties=_properties(project, order),
        builderids=[await builder.getBuilderId()],
        external_idstring=mark(order.stage_id),
        priority=PRIORITY[pipeline.stages[order.name].lane],
    )
    master.botmaster.maybeStartBuildsForBuilder(name)
    await find_ledger(master).call(bind, order.stage_id, set_id, next(iter(requests.values())))
    return Dispatched(set_id, requests)


def _properties(project: str, order: StageOrder) -> dict[str, tuple[Any, str]]:
    values = {
        "scheduler": project,
        STAGE_PROPERTY: order.stage_id,
        "slipway_run": order.run_number,
        "slipway_version": order.version,
        "owner": order.owner,
    }
    return {key: (value, "Slipway") for key, value in values.items() if value}
