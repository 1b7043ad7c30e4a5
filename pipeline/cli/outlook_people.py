"""Gates that nobody can open, and roles that mean nothing."""

from __future__ import annotations

from collections.abc import Iterable

from slipway.cli.finding import Finding, Outlook
from slipway.model.access import ADMIN_ROLE, LADDER, held
from slipway.model.people import ADMIN
from slipway.model.site import Site
from slipway.model.spelling import did_you_mean
from slipway.model.stage import AnyStage


def gates(outlook: Outlook) -> Iterable[Finding]:
    """Find gates that name roles which nobody has, or want more people than there are."""
    site = outlook.site
    people = {name: held(person.roles) for name, person in site.people.items()}
    for project, settings in site.project.items():
        for name, stage in settings.stages.items():
            if stage.manual:
                place = ("project", project, "stages", name)
                yield from _of_gate(stage, place, people)


def _of_gate(
    stage: AnyStage, place: tuple[str, ...], people: dict[str, frozenset[str]]
) -> Iterable[Finding]:
    known = sorted({role for roles in people.values() for role in roles} | set(LADDER))
    unknown = [role for role in stage.allowed if role not in known]
    for role in unknown:
        message = f'nobody has the role "{role}"; there are {", ".join(known)}.'
        yield Finding((*place, "allowed"), message + did_you_mean(role, known), error=True)
    wanted = {*stage.allowed, ADMIN_ROLE}
    able = [ADMIN, *(name for name, roles in people.items() if roles & wanted)]
    if people and able == [ADMIN] and not unknown:
        roles = " or ".join(stage.allowed)
        yield Finding((*place, "allowed"), f"nobody but admin has the role {roles}")
    needed = stage.approvals + (0 if stage.requester_counts else 1)
    if stage.approvals and len(able) < needed:
        asker = "" if stage.requester_counts else ", and another who asks"
        message = (
            f"approvals = {stage.approvals} takes {stage.approvals} people{asker}, and only "
            f"{', '.join(able)} may: it can never open"
        )
        yield Finding((*place, "approvals"), message, error=True)


def roles(outlook: Outlook) -> Iterable[Finding]:
    """Find roles of people that are not built in, and that no gate asks for."""
    site = outlook.site
    asked = _asked(site)
    for name, person in site.people.items():
        for role in person.roles:
            if role not in LADDER and role not in asked:
                known = sorted({*LADDER, *asked})
                message = f'no gate asks for the role "{role}", which is not built in.'
                yield Finding(("people", name, "roles"), message + did_you_mean(role, known))


def _asked(site: Site) -> set[str]:
    stages = (stage for project in site.project.values() for stage in project.stages.values())
    return {role for stage in stages if stage.manual for role in stage.allowed}
