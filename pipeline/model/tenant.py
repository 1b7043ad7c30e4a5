"""Tenants: the user, home and cache that a stage gets on a worker that isolates projects.

Projects share nothing. Within a project, stages with restricted data (publishing, deployments,
signing keys, restricted secrets) are isolated from stages that every committer can change: those
could put something into a cache or home that a later stage runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from slipway.model.kinds.stage import Stage
from slipway.model.parameter.text import SecretParameter
from slipway.model.site import Project

__all__ = ["is_deploying", "tenant_of", "tenants_of"]

#: Separator between a project's name and a tenant's purpose; not allowed in names.
_MARK = "~"


def tenant_of(title: str, project: Project, stage: Stage, secrets: Collection[str] = ()) -> str:
    """Return the tenant of a stage.

    Args:
        title: The project's name.
        project: The project.
        stage: The stage.
        secrets: The names of the stage's secrets that the run gets.

    Returns:
        The project's name, with a purpose if the stage is isolated within the project: publishing,
        keys, an environment's folder, other deployments, secrets restricted to branches or given at
        a gate.
    """
    if stage.makes_release or stage.reaches_targets:
        return f"{title}{_MARK}publish"
    if stage.keeps_keys:
        return f"{title}{_MARK}keys"
    if stage.deploys_to is not None:
        own = project.environments[stage.deploys_to].deployer.has_own_tenant
        return f"{title}{_MARK}deploy" + (f"{_MARK}{stage.deploys_to}" if own else "")
    asks = any(isinstance(one, SecretParameter) for one in stage.parameters)
    if asks or any(stage.secrets[name].branches for name in secrets if name in stage.secrets):
        return f"{title}{_MARK}secrets"
    return title


def tenants_of(title: str, project: Project, stage: Stage) -> Iterator[str]:
    """Yield each tenant that a stage may get, with and without its secrets."""
    yield from dict.fromkeys(
        (tenant_of(title, project, stage), tenant_of(title, project, stage, stage.secrets))
    )


def is_deploying(tenant: str) -> bool:
    """Return whether a tenant deploys: processes that it starts may stay."""
    return tenant.split(_MARK)[1:2] == ["deploy"]
