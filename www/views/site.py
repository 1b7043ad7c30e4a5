"""Show the current user, and the site's projects."""

from __future__ import annotations

from sqlalchemy.orm import Session

from slipway.ledger.freezes import list_freezes
from slipway.ledger.polls import last_polls
from slipway.model.access import ACTIONS, may
from slipway.www.api.call import Call
from slipway.www.api.graph_columns import Outline, Place
from slipway.www.shapes.base import Listing
from slipway.www.shapes.site import EnvironmentOfProject, Me, Project, StageOfProject
from slipway.www.views.stage_rules import stage_rules

__all__ = ["list_projects", "show_me"]


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
    polls, frozen = last_polls(session), list_freezes(session)
    items = []
    for name, outline in site.items():
        project = outline.project
        items.append(
            Project(
                name=name,
                repository=_without_password(repositories.get(name, project.repository)),
                branches=list(project.branches),
                poll=project.poll,
                fail_fast=project.fail_fast,
                supersede=project.supersede,
                last_poll=polls.get(name),
                frozen=frozen.get(name),
                stages=[_stage(place) for place in outline.places.values()],
                environments=[
                    EnvironmentOfProject(name=key, url=one.url, description=one.description)
                    for key, one in project.environments.items()
                ],
            )
        )
    return Listing[Project](items=items)


def _without_password(repository: str) -> str:
    scheme, there, rest = repository.partition("://")
    if not there:
        return repository
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _stage(place: Place) -> StageOfProject:
    stage = place.stage
    return StageOfProject.extend(
        stage_rules(place),
        name=place.name,
        uses=stage.uses,
        if_changed=list(stage.if_changed),
        manual=stage.manual,
        allow_failure=stage.allow_failure,
        environment=place.environment,
        level=place.level,
        cells=list(place.cells),
        lane=stage.lane,
        runs_on=list(stage.runs_on),
        timeout=stage.timeout,
    )
