"""The folders that stages write outside of their own: no one's lies in another's.

On a worker that keeps tenants apart each of them is one tenant's alone. Were it inside another's,
that one could put a link in its place, and so lead where it writes.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from slipway.model.environment import CommandDeployer, FolderDeployer
from slipway.model.graph import Breach
from slipway.model.site import Project, Site
from slipway.model.stage import PublishStage


def check_written(site: Site) -> list[Breach]:
    """Return where a folder that is published or deployed to lies in another one."""
    found = [
        (path, place, what)
        for title, project in site.project.items()
        for path, place, what in _written(title, project)
    ]
    breaches = []
    for path, place, what in found:
        for other, elsewhere, whose in found:
            if place == elsewhere or what == whose or not _is_in(path, other):
                continue
            message = f'"{path}" lies in "{other}", where {whose} writes; name another folder'
            breaches.append(Breach(place, message))
            break
    return breaches


def _written(title: str, project: Project) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Return each such folder, where it is told, and who writes there."""
    place = ("project", title)
    for name, stage in project.stages.items():
        if isinstance(stage, PublishStage):
            path = posixpath.normpath(f"{stage.folder}/{title}")
            yield path, (*place, "stages", name, "folder"), f"publishing of {title}"
    for name, environment in project.environments.items():
        where, deployer = (*place, "environments", name, "deployer"), environment.deployer
        if isinstance(deployer, FolderDeployer):
            path = posixpath.normpath(deployer.path)
            yield path, (*where, "path"), f"the environment {name} of {title}"
        if isinstance(deployer, CommandDeployer) and deployer.cwd is not None:
            # Programs of one project that deploy are of one tenant.
            path = posixpath.normpath(deployer.cwd)
            yield path, (*where, "cwd"), f"a deployment of {title} by a program"


def _is_in(path: str, other: str) -> bool:
    return path == other or path.startswith(other.rstrip("/") + "/")
