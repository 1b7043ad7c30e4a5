"""What a local worker needs of this machine besides its own folder; it is given nothing else."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from slipway.model.cell import cells
from slipway.model.graph import able_workers
from slipway.model.site import Project, Site
from slipway.model.stage import Stage
from slipway.model.tenant import tenants_of
from slipway.state_folder import Home
from slipway.workers.isolation.account import TENANTS

#: Slipway's packages that run on a worker; from a clone each lies in a folder of its own.
_PACKAGES = ("slipway", "slipway.sessions", "slipway.scripts", "slipway.workers")


@dataclass(frozen=True)
class Tenant:
    """What the stages of one tenant need: a project's, or some of its stages that are apart."""

    project: str
    mirror: Path | None = None
    """Where the project's repository is mirrored."""
    keys: tuple[Path, ...] = ()
    """Files that a deployment by ssh is let in by."""
    writes: tuple[Path, ...] = ()
    """Folders for releases and deployments."""
    variables: frozenset[str] = frozenset()
    """Environment variables that its stages name: the URLs of database servers."""


@dataclass(frozen=True)
class Needs:
    """Folders and files, all absolute."""

    state: Path
    """The state folder, of which it sees nothing but what is named here."""
    folder: Path
    """The worker's own."""
    reads: tuple[Path, ...]
    """Folders: Slipway, its Python, the mirrors of repositories."""
    mirrors: tuple[Path, ...]
    """Those of `reads` that lie in the state folder."""
    hides: tuple[Path, ...]
    """Files with secrets that lie outside the state folder."""
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    """What each tenant needs besides, by its name."""

    @property
    def keys(self) -> tuple[Path, ...]:
        """Files that any deployment by ssh is let in by."""
        return _once(path for one in self.tenants.values() for path in one.keys)

    @property
    def writes(self) -> tuple[Path, ...]:
        """Folders for releases and deployments."""
        return _once(path for one in self.tenants.values() for path in one.writes)

    @property
    def variables(self) -> frozenset[str]:
        """Environment variables that any of its stages names."""
        return frozenset().union(*(one.variables for one in self.tenants.values()))

    def area(self, tenant: str) -> Path:
        """Return the folder of a tenant, in which its home, its caches and its places are."""
        return self.folder / TENANTS / tenant

    def temporary(self, tenant: str = "") -> Path:
        """Return what is `/tmp` in namespaces: of a tenant, or the worker's own.

        Not in the tenant's folder: in its place a stage could leave a link for the next one.
        """
        return self.folder / "tmp" / (tenant or ".worker")


def needs_of(site: Site, home: Home, config: Path, worker: str) -> Needs:
    """Return what a worker needs for the stages it can be given.

    Args:
        site: The model.
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
    )


def _with(tenant: Tenant, home: Home, project: Project, stage: Stage) -> Tenant:
    """Return a tenant that also has what one more stage needs."""
    keys, writes = [*tenant.keys], [*tenant.writes]
    writes += [home.root / one for one in stage.written_folders(tenant.project).values()]
    if stage.deploys_to is not None:
        deployer = project.environments[stage.deploys_to].deployer
        writes += [home.root / one for one in deployer.written_folders().values()]
        keys += [home.root / one for one in deployer.key_files()]
    variables = tenant.variables | stage.worker_variables
    # The state folder itself is nobody's to write but the master's.
    given = (one for one in map(_plain, writes) if not home.root.is_relative_to(one))
    return replace(tenant, keys=_once(keys), writes=_once(given), variables=variables)


def _stages(site: Site, project: Project, name: str) -> Iterator[Stage]:
    workers = {name: site.workers[name]}
    for one in project.stages.values():
        for cell in cells(one):
            if able_workers(cell.stage, workers):
                yield cell.stage


def _python() -> tuple[Path, ...]:
    """Return the folders of this Python, of Slipway in it and of the Pythons uv has brought."""
    found = [Path(sys.prefix), Path(sys.base_prefix)]
    # A virtual environment's python is a link, maybe to another.
    program = Path(sys.executable)
    while program.is_symlink():
        program = Path(os.path.normpath(program.parent / program.readlink()))
        found.append(program.parent.parent)
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        found += [Path(one) for one in (spec and spec.submodule_search_locations) or ()]
        # In a clone these are links, which lead nowhere unless what they point at is there, too.
        if spec and spec.origin:
            found.append(Path(spec.origin).resolve().parent)
    if (pythons := uv_pythons()) is not None:
        found.append(pythons)
    return _once(found)


def uv_pythons() -> Path | None:
    """Return the folder of the Pythons that uv has brought for this user, where there is one."""
    data = os.environ.get("XDG_DATA_HOME") or Path("~/.local/share").expanduser()
    told = os.environ.get("UV_PYTHON_INSTALL_DIR") or Path(data, "uv", "python")
    return Path(told) if Path(told).is_dir() else None


def _once(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return each path once, normalised, without those that lie in another of them."""
    found = sorted({_plain(path) for path in paths})
    return tuple(
        path for path in found if not any(path.is_relative_to(o) for o in found if o != path)
    )


def _plain(path: Path) -> Path:
    return Path(os.path.normpath(path))
