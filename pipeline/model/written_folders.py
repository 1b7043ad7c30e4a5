"""Check that no stage writes to a folder inside another tenant's folder, or to the site's own.

On a worker that isolates tenants each folder belongs to one tenant; releases are the master's. The
owner of an outer folder could replace an inner one by a link, and redirect the writes of its owner.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from slipway.model.graph import Breach
from slipway.model.site import Project, Site

__all__ = ["OWN", "check_written"]

#: What a site has of its own in its state folder, from which relative paths begin.
OWN = frozenset(
    ("cache", "code", "keys", "local", "master", "mirrors", "people", "store", "workers")
)


def check_written(site: Site) -> list[Breach]:
    """Return a breach for each folder that lies inside another tenant's, or in the site's own."""
    found = [
        (path, place, what)
        for title, project in site.project.items()
        for path, place, what in _written(title, project)
    ]
    breaches = []
    for path, place, what in found:
        if (first := path.partition("/")[0]) in OWN:
            others = ", ".join(sorted(OWN))
            message = (
                f'"{path}" lies in "{first}", which is the site\'s own in its state folder, as are '
                f"{others}; name another folder"
            )
            breaches.append(Breach(place, message))
            continue
        for other, elsewhere, whose in found:
            if place == elsewhere or what == whose or not _is_in(path, other):
                continue
            message = f'"{path}" lies in "{other}", where {whose} writes; name another folder'
            breaches.append(Breach(place, message))
            break
    return breaches


def _written(title: str, project: Project) -> Iterator[tuple[str, tuple[str | int, ...], str]]:
    """Yield each written folder, the path of its key, and its owner."""
    place = ("project", title)
    for name, stage in project.stages.items():
        if stage.makes_release:
            path = posixpath.normpath(f"{stage.release_folder}/{title}")
            yield path, (*place, "stages", name, "folder"), f"publishing of {title}"
        for keys, path in stage.written_folders(title).items():
            who = f"a target of {title}" if stage.reaches_targets else f"{name} of {title}"
            yield posixpath.normpath(path), (*place, "stages", name, *keys), who
    for name, environment in project.environments.items():
        where, deployer = (*place, "environments", name, "deployer"), environment.deployer
        for key, path in deployer.written_folders().items():
            own = deployer.has_own_tenant
            # Otherwise all deployments of a project share one tenant.
            who = f"the environment {name} of {title}" if own else f"a deployment of {title}"
            yield posixpath.normpath(path), (*where, key), who


def _is_in(path: str, other: str) -> bool:
    return path == other or path.startswith(other.rstrip("/") + "/")
