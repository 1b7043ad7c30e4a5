"""Show the current user, and the site's projects."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger.tables import runs as tables
from slipway.model.access import ACTIONS, may
from slipway.www.api.call import Call
from slipway.www.api.graph_columns import Outline, Place
from slipway.www.shapes.base import Listing
from slipway.www.shapes.site import (
    EnvironmentOfProject,
    Frozen,
    LastPoll,
    Me,
    Project,
    StageOfProject,
)
from slipway.www.views.gates.gates import freezes


async def show_me(call: Call) -> Me:
    """Answer GET me."""
    return Me(
        name=call.person.name,
        called=call.person.called or call.person.name,
        anonymous=not call.person.name,
        roles=sorted(call.person.roles),
        may={action: may(call.person, action) for action in ACTIONS},
        title=call.master.config.title,
        sign_in="/auth/login",
        sign_out="/auth/logout",
    )


async def list_projects(call: Call) -> Listing[Project]:
    """Answer GET projects."""
    return await call.read(_list, call.site, dict(call.ledger.repositories))


def _list(
    session: Session, site: dict[str, Outline], repositories: dict[str, str]
) -> Listing[Project]:
    polls = {one.project: one for one in session.scalars(select(tables.Poll))}
    frozen = freezes(session)
    items = []
    for name, outline in site.items():
        project, poll, freeze = outline.project, polls.get(name), frozen.get(name)
        items.append(
            Project(
                name=name,
                repository=_without_password(repositories.get(name, project.repository)),
                branches=list(project.branches),
                poll=project.poll,
                fail_fast=project.fail_fast,
                supersede=project.supersede,
                last_poll=_last(poll) if poll else None,
                frozen=Frozen(reason=freeze.reason, person=freeze.person, at=freeze.at)
                if freeze
                else None,
                stages=[_stage(place) for place in outline.places.values()],
                environments=[
                    EnvironmentOfProject(name=key, url=one.url, description=one.description)
                    for key, one in project.environments.items()
                ],
            )
        )
    return Listing[Project](items=items)


def _last(poll: tables.Poll) -> LastPoll:
    return LastPoll(
        began_at=poll.began_at,
        at=poll.polled_at,
        outcome=poll.outcome,
        failed=poll.failed,
        runs=poll.runs or [],
    )


def _without_password(repository: str) -> str:
    scheme, there, rest = repository.partition("://")
    if not there:
        return repository
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _stage(place: Place) -> StageOfProject:
    stage = place.stage
    return StageOfProject(
        name=place.name,
        uses=stage.uses,
        needs=list(stage.needs),
        on_failure=list(stage.on_failure),
        if_changed=list(stage.if_changed),
        manual=stage.manual,
        allow_failure=stage.allow_failure,
        environment=place.environment,
        level=place.level,
        cells=list(place.cells),
        lane=stage.lane,
        runs_on=list(stage.runs_on),
        timeout=stage.timeout,
        allowed=list(stage.allowed) if stage.manual else [],
        approvals=stage.approvals,
    )
