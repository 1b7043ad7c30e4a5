"""Show environments: the current deployments, their times and authors."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger.records.deployments import fetch, newest, standing
from slipway.ledger.tables import gates as gate_tables
from slipway.ledger.tables.runs import Run
from slipway.model.access import Person
from slipway.model.records.deployment import Deployment
from slipway.model.states import UNDECIDED, DeploymentState, EnvironmentState
from slipway.www.api.call import Call
from slipway.www.api.graph_columns import Outline
from slipway.www.api.http_errors import not_found
from slipway.www.shapes.base import Listing, Paging
from slipway.www.shapes.gates import Earlier, Environment, Gate
from slipway.www.views.gates import gates

__all__ = ["check_environment", "list_deployments", "list_environments"]

_SHOWN = 10
#: Maximum gates shown with an environment; older ones are shown with their runs.
_GATES = 5
#: Maximum deployments of the whole site that are read for the environments' histories.
_RECENT = 100


async def list_environments(call: Call) -> Listing[Environment]:
    """Answer GET environments."""
    site = call.site
    if call.query.project is not None:
        site = {call.query.project: call.outline(call.query.project)}
    return await call.read(_list, site, call.person)


def _list(session: Session, site: dict[str, Outline], person: Person) -> Listing[Environment]:
    row = gate_tables.Deployment
    recent = fetch(session, newest(_RECENT, row.project.in_(site)))
    now = {(one.project, one.environment): one for one in standing(session)}
    waiting = _waiting(session, site)
    shown = [number for numbers in waiting.values() for number in numbers[:_GATES]]
    query = gates.statement().where(gate_tables.Gate.id.in_(shown))
    query = query.order_by(gate_tables.Gate.id.desc())
    open_gates = gates.shape(session, session.scalars(query), site, person)
    items = [
        _environment(
            outline,
            name,
            stages,
            recent,
            now.get((outline.name, name)),
            [one for one in open_gates if (one.project, one.environment) == (outline.name, name)],
            len(waiting[outline.name, name]),
        )
        for outline in site.values()
        for name, stages in outline.environments.items()
    ]
    return Listing[Environment](items=items)


def _waiting(session: Session, site: dict[str, Outline]) -> dict[tuple[str, str], list[int]]:
    """Return the ids of the waiting gates of each environment, newest first."""
    of = {
        (outline.name, stage): (outline.name, name)
        for outline in site.values()
        for name, stages in outline.environments.items()
        for stage in stages
    }
    row = gate_tables.Gate
    query = select(row.id, Run.project, row.stage).join(row.run).where(row.state.in_(UNDECIDED))
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, project, stage in session.execute(query.order_by(row.id.desc())):
        if (project, stage) in of:
            found[of[project, stage]].append(number)
    return found


def _environment(
    outline: Outline,
    name: str,
    stages: list[str],
    recent: list[Deployment],
    current: Deployment | None,
    open_gates: list[Gate],
    waiting: int,
) -> Environment:
    settings = outline.project.environments.get(name)
    own = [one for one in recent if (one.project, one.environment) == (outline.name, name)]
    running = next((one for one in own if one.state == DeploymentState.RUNNING), None)
    if running:
        state = EnvironmentState.RUNNING
    elif own and own[0].state == DeploymentState.FAILED:
        state = EnvironmentState.FAILED
    else:
        state = EnvironmentState.IDLE if current else EnvironmentState.EMPTY
    return Environment(
        project=outline.name,
        name=name,
        url=settings.url if settings else None,
        description=settings.description if settings else "",
        deployer=settings.deployer.kind if settings else "",
        stages=stages,
        state=state,
        current=current,
        running=running,
        gates=open_gates,
        waiting=waiting,
        history=own[:_SHOWN],
        earlier=_earlier(own, current),
    )


def _earlier(own: list[Deployment], current: Deployment | None) -> list[Earlier]:
    """Return the releases that were deployed before, each once."""
    found: dict[int, Earlier] = {}
    for one in own:
        gone = current is None or one.release_id != current.release_id
        if one.state == DeploymentState.DEPLOYED and gone:
            at = one.finished_at or one.started_at
            earlier = Earlier(
                run=one.run,
                version=one.version,
                release_id=one.release_id,
                deployed_at=at,
                person=one.person,
            )
            found.setdefault(one.release_id, earlier)
    return list(found.values())


async def list_deployments(call: Call) -> Listing[Deployment]:
    """Answer GET environments/PROJECT/NAME."""
    outline, name = call.outline(), call.path["name"]
    check_environment(outline, name)
    return await call.read(_history, outline.name, name, call.query)


def check_environment(outline: Outline, name: str) -> None:
    """Raise for an environment that a project does not have.

    Raises:
        Refused: There is none of this name.
    """
    if name not in outline.environments:
        known = ", ".join(outline.environments) or "none"
        raise not_found(f'{outline.name} has no environment "{name}"; it has {known}')


def _history(session: Session, project: str, name: str, query: Paging) -> Listing[Deployment]:
    row = gate_tables.Deployment
    conditions = [row.project == project, row.environment == name]
    if query.before is not None:
        conditions.append(row.id < query.before)
    found = fetch(session, newest(query.limit + 1, *conditions))
    rows, more = found[: query.limit], len(found) > query.limit
    return Listing[Deployment](items=rows, next=rows[-1].id if more else None)
