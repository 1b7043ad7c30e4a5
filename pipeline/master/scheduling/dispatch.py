"""Dispatch the ledger's orders to Buildbot: create and cancel build requests."""

from __future__ import annotations

from typing import Any, NamedTuple

from slipway.master.buildbot_config.priorities import PRIORITY
from slipway.master.ledger_service import find_desk
from slipway.master.scheduling.orders import Orders, Ticket, bind, mark
from slipway.model.errors import MissingTool
from slipway.model.site import Project, builder_name
from slipway.steps.ledger_api import STAGE_PROPERTY


class Handed(NamedTuple):
    """The buildset of a dispatched ticket, in the form that Buildbot's schedulers return."""

    buildset: int | None
    requests: dict[int, int]
    """The ids of the build requests, by builder id."""


#: A stage that waits for a person has no request.
NOTHING = Handed(None, {})


async def hand_on(
    master: Any, name: str, project: Project, repository: str, orders: Orders
) -> list[Handed]:
    """Dispatch the stages that the ledger has queued and cancelled to Buildbot.

    Args:
        master: The master.
        name: The project's name.
        project: The project.
        repository: The URL or path of its repository for git.
        orders: The orders of a transaction.

    Returns:
        The buildset of each ticket.

    Raises:
        MissingTool: A stage has no builder; the other stages are dispatched before.
    """
    for request_id, reason in orders.cancels.items():
        await master.data.control("cancel", {"reason": reason}, ("buildrequests", str(request_id)))
    handed, missing = [], None
    for ticket in orders.tickets:
        try:
            handed.append(await _dispatch(master, name, project, repository, ticket))
        except MissingTool as error:
            # Dispatch the others first.
            missing = error
    if missing is not None:
        raise missing
    return handed


async def _dispatch(
    master: Any, project: str, pipeline: Project, repository: str, ticket: Ticket
) -> Handed:
    """Create the build request of a queued stage, and start it without Buildbot's usual delay."""
    name = builder_name(project, ticket.name, ticket.cell)
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
                "branch": ticket.branch,
                "revision": ticket.revision,
                "project": project,
            }
        ],
        reason=f"run {ticket.run_number}: {ticket.reason or ticket.name}",
        properties=_properties(project, ticket),
        builderids=[await builder.getBuilderId()],
        external_idstring=mark(ticket.stage_id),
        priority=PRIORITY[pipeline.stages[ticket.name].lane],
    )
    master.botmaster.maybeStartBuildsForBuilder(name)
    await find_desk(master).call(bind, ticket.stage_id, set_id, next(iter(requests.values())))
    return Handed(set_id, requests)


def _properties(project: str, ticket: Ticket) -> dict[str, tuple[Any, str]]:
    told = {
        "scheduler": project,
        STAGE_PROPERTY: ticket.stage_id,
        "slipway_run": ticket.run_number,
        "slipway_version": ticket.version,
        "owner": ticket.owner,
    }
    return {key: (value, "Slipway") for key, value in told.items() if value}
