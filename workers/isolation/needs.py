"""Files and folders of this machine that a local worker needs; it gets nothing else."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from slipway.extension_points import EXTENSION_POINTS
from slipway.model.cell import cells
from slipway.model.graph import able_workers
from slipway.model.kinds.stage import Stage
from slipway.model.site import Project, Site
from slipway.model.tenant import tenants_of
from slipway.state_folder import Home
from slipway.workers.isolation.account import TENANTS

__all__ = ["Needs", "Tenant", "needs_of", "uv_pythons"]

#: Slipway's packages that run on a worker; in a clone each lies in its own folder.
_PACKAGES = ("slipway", "slipway.sessions", "slipway.scripts", "slipway.workers")


@dataclass(frozen=True)
class Tenant:
    """The needs of one tenant: a project, or some of its stages that are kept apart."""

    project: str
    mirror: Path | None = None
    """The mirror of the project's repository."""
    keys: tuple[Path, ...] = ()
    """Key files for deployments and publishing by ssh."""
    writes: tuple[Path, ...] = ()
    """Folders for copies of releases, and for deployments."""
    variables: frozenset[str] = frozenset()
    """Environment variables that its stages name: the URLs of database servers."""


@dataclass(frozen=True)
class Needs:
    """Folders and files, all absolute."""

    state: Path
    """The state folder; the worker sees only those parts of it that are named here."""
    folder: Path
    """The worker's own folder."""
    reads: tuple[Path, ...]
    """Folders: Slipway, its Python, the mirrors of repositories."""
    mirrors: tuple[Path, ...]
    """The members of `reads` that lie in the state folder."""
    hides: tuple[Path, ...]
    """Files with secrets that lie outside the state folder."""
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    """Additional needs of each tenant, by its name."""
    releases: tuple[Path, ...] = ()
    """Folders of releases in the state folder: the master's, and no worker's. An earlier version
    of Slipway gave them to tenants."""

    @property
    def keys(self) -> tuple[Path, ...]:
        """Key files of all deployments and publishing by ssh."""
        return _once(path for one in self.tenants.values() for path in one.keys)

    @property
    def writes(self) -> tuple[Path, ...]:
        """Folders for copies of releases, and for deployments."""
        return _once(path for one in self.tenants.values() for path in one.writes)

    @property
    def variables(self) -> frozenset[str]:
        """Names of the environment variables that any of its stages uses."""
        return frozenset().union(*(one.variables for one in self.tenants.values()))

    def area(self, tenant: str) -> Path:
        """Return the folder of a tenant, which contains its home, its caches and its places."""
        return self.folder / TENANTS / tenant

    def temporary(self, tenant: str = "") -> Path:
        """Return the folder that is `/tmp` in the namespaces of a tenant, or of the worker itself.

        It does not lie in the tenant's folder: a stage could replace it by a link for the next one.
        """
        return self.folder / "tmp" / (tenant or ".worker")


def needs_of(site: Site, home: Home, config: Path, worker: str) -> Needs:
    """Return the needs of a worker for all stages it can be given.

    Args:
        site: The site's model.
        home: The state folder.
        config: The site's pipeline.toml.
        worker: The worker's name.
    """
    given = [
        (title, project, stage)
        for title, project in site.project.items()
        for stage in _stages(site, project, worker)
    ]
    mirrors = _once(home.mirror(title) for title, _, stage in given if stage.needs_source)
    tenants: dict[str, Tenant] = {}
    for title, project, stage in given:
        for name in tenants_of(title, project, stage):
            tenants[name] = _with(
                tenants.get(name, Tenant(title, home.mirror(title))), home, project, stage
            )
    return Needs(
        state=home.root,
        folder=home.worker(worker),
        reads=(*_python(), *mirrors),
        mirrors=mirrors,
        hides=(config, *(config.parent / file for file in site.secret_files)),
        tenants=tenants,
        releases=_once(path for path in _releases(site, home) if path.is_relative_to(home.root)),
    )


def _releases(site: Site, home: Home) -> Iterator[Path]:
    for title, project in site.project.items():
        for stage in project.stages.values():
            if stage.makes_release:
                yield _plain(home.root / stage.release_folder / title)


def _with(tenant: Tenant, home: Home, project: Project, stage: Stage) -> Tenant:
    """Return a copy of a tenant with the needs of one more stage added."""
    keys, writes = [*tenant.keys], [*tenant.writes]
    writes += [home.root / one for one in stage.written_folders(tenant.project).values()]
    keys += [home.root / one for one in stage.key_files()]
    if stage.deploys_to is not None:
        deployer = project.environments[stage.deploys_to].deployer
        writes += [home.root / one for one in deployer.written_folders().values()]
        keys += [home.root / one for one in deployer.key_files()]
    variables = tenant.variables | stage.worker_variables
    # Only the master may write to the state folder itself.
    given = (one for one in map(_plain, writes) if not home.root.is_relative_to(one))
    return replace(tenant, keys=_once(keys), writes=_once(given), variables=variables)


def _stages(site: Site, project: Project, name: str) -> Iterator[Stage]:
    workers = {name: site.workers[name]}
    for one in project.stages.values():
        for cell in cells(one):
            if able_workers(cell.stage, workers):
                yield cell.stage


def _python() -> tuple[Path, ...]:
    """Return the folders of this Python, of Slipway in it and of the Pythons of uv."""
    found = [Path(sys.prefix), Path(sys.base_prefix)]
    # A virtual environment's python is a link, maybe to another link.
    program = Path(sys.executable)
    while program.is_symlink():
        program = Path(os.path.normpath(program.parent / program.readlink()))
        found.append(program.parent.parent)
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        found += [Path(one) for one in (spec and spec.submodule_search_locations) or ()]
        # In a clone these are links, which need their targets.
        if spec and spec.origin:
            found.append(Path(spec.origin).resolve().parent)
    if (pythons := uv_pythons()) is not None:
        found.append(pythons)
    return _once([*found, *_plugins()])


def _plugins() -> Iterator[Path]:
    """Yield the folders of plugins; an editable install lies outside of the environment."""
    for kinds in EXTENSION_POINTS:
        for kind in kinds.members.values():
            top = kind.__module__.partition(".")[0]
            module = sys.modules.get(top)
            if top != "slipway":
                yield from (Path(one).resolve() for one in getattr(module, "__path__", ()))


def uv_pythons() -> Path | None:
    """Return the folder of the Pythons that uv has installed for this user, or None."""
    data = os.environ.get("XDG_DATA_HOME") or Path("~/.local/share").expanduser()
    folder = os.environ.get("UV_PYTHON_INSTALL_DIR") or Path(data, "uv", "python")
    return Path(folder) if Path(folder).is_dir() else None


def _once(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return each path once, normalised, without paths that lie inside others."""
    found = sorted({_plain(path) for path in paths})
    return tuple(
        path for path in found if not any(path.is_relative_to(o) for o in found if o != path)
    )


def _plain(path: Path) -> Path:
    return Path(os.path.normpath(path))
