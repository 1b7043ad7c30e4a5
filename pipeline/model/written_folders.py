"""The folders that stages write outside of their own: no one's lies in another's.

On a worker that keeps tenants apart each of them is one tenant's alone. Were it inside another's,
that one could put a link in its place, and so lead where it writes.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from slipway.model.graph import Breach
from slipway.model.site import Project, Site


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


def _written(title: str, project: Project) -> Iterator[tuple[str, tuple[str | int, ...], str]]:
    """Return each such folder, where it is told, and who writes there."""
    place = ("project", title)
    for name, stage in project.stages.items():
        for keys, path in stage.written_folders(title).items():
            who = f"publishing of {title}" if stage.makes_release else f"{name} of {title}"
            yield posixpath.normpath(path), (*place, "stages", name, *keys), who
    for name, environment in project.environments.items():
        where, deployer = (*place, "environments", name, "deployer"), environment.deployer
        for key, path in deployer.written_folders().items():
            own = deployer.has_own_tenant
            # Else what deploys in one project is of one tenant.
            who = f"the environment {name} of {title}" if own else f"a deployment of {title}"
            yield posixpath.normpath(path), (*where, key), who


def _is_in(path: str, other: str) -> bool:
    return path == other or path.startswith(other.rstrip("/") + "/")
