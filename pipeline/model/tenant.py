"""Whose a stage is on a worker that keeps projects apart: its user, home and cache.

Two projects share nothing. In one project, what not every committer may have is kept from what
every committer may write: a stage of any branch could put something into a cache or a home that a
later stage runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from slipway.model.parameter.text import SecretParameter
from slipway.model.site import Project
from slipway.model.stage import Stage

#: Between a project's name and what a tenant is for; no name has it.
_MARK = "~"


def tenant_of(title: str, project: Project, stage: Stage, secrets: Collection[str] = ()) -> str:
    """Return the tenant that a stage belongs to.

    Args:
        title: The project's name.
        project: The project.
        stage: The stage.
        secrets: The names of its secrets that the run gets.

    Returns:
        The project's name, and what the tenant is for where that is something of its own:
        publishing, an environment's folder, other deployments, secrets of certain branches
        or of a gate.
    """
    if stage.makes_release:
        return f"{title}{_MARK}publish"
    if stage.deploys_to is not None:
        own = project.environments[stage.deploys_to].deployer.has_own_tenant
        return f"{title}{_MARK}deploy" + (f"{_MARK}{stage.deploys_to}" if own else "")
    asks = any(isinstance(one, SecretParameter) for one in stage.parameters)
    if asks or any(stage.secrets[name].branches for name in secrets if name in stage.secrets):
        return f"{title}{_MARK}secrets"
    return title


def tenants_of(title: str, project: Project, stage: Stage) -> Iterator[str]:
    """Return each tenant that a stage may belong to, whatever its run gets."""
    yield from dict.fromkeys(
        (tenant_of(title, project, stage), tenant_of(title, project, stage, stage.secrets))
    )


def is_deploying(tenant: str) -> bool:
    """Tell whether a tenant deploys: what it starts may stay."""
    return tenant.split(_MARK)[1:2] == ["deploy"]
