"""Check for gates that nobody can open, and for roles without effect."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from slipway.cli.preflight.findings import Finding, Outlook
from slipway.model.access import ADMIN_ROLE, LADDER, held
from slipway.model.kinds.stage import Stage
from slipway.model.people import ADMIN
from slipway.model.site import Site
from slipway.model.spelling import did_you_mean
from slipway.workers.isolation.enclose import closed_folders
from slipway.workers.isolation.methods import workers_here

__all__ = ["gates", "hashes", "roles"]

#: User and group ids that own nothing.
_NO_USER = (65534, 65534)


def gates(outlook: Outlook) -> Iterable[Finding]:
    """Find gates whose roles nobody has, or that need more people than there are."""
    site = outlook.site
    people = {name: held(person.roles) for name, person in site.people.items()}
    for project, settings in site.project.items():
        for name, stage in settings.stages.items():
            if stage.manual:
                place = ("project", project, "stages", name)
                yield from _of_gate(stage, place, people)


def _of_gate(
    stage: Stage, place: tuple[str, ...], people: dict[str, frozenset[str]]
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
    """Find roles of people that are neither built in nor used by a gate."""
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


def hashes(outlook: Outlook) -> Iterable[Finding]:
    """Find password hashes that every user of this machine can read, stages' users included."""
    config = outlook.folder / "pipeline.toml"
    if os.name != "posix" or not config.is_file() or not workers_here(outlook.site):
        return
    mode = config.stat().st_mode
    if not mode & stat.S_IROTH or closed_folders([config], *_NO_USER):
        return
    for name, person in outlook.site.people.items():
        if person.password is not None:
            message = (
                f"every user of this machine may read {config.name} (mode {mode & 0o777:o}), and "
                "so may the stages of workers here, which could guess this password by its hash; "
                "run chmod 600 on it, or keep the hash in such a file: password-from"
            )
            yield Finding(("people", name, "password"), message)
