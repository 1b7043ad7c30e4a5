"""Isolation methods of a local worker: another user, namespaces, or none.

Stages run code of committers. As root, `slipway up` gives each worker a system user; otherwise
bubblewrap creates namespaces that contain only what the worker needs. If neither is possible, the
reason is reported.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zlib
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from slipway.model.errors import MissingTool
from slipway.model.site import Site
from slipway.model.tenant import is_deploying
from slipway.state_folder import Home
from slipway.workers.isolation import folders
from slipway.workers.isolation.account import (
    Account,
    account_name,
    find_account,
    group_name,
    make_account,
    make_group,
)
from slipway.workers.isolation.bubblewrap import for_tenant, for_worker
from slipway.workers.isolation.needs import Needs, needs_of, uv_pythons

__all__ = [
    "ON_PURPOSE",
    "VARIABLE",
    "Isolation",
    "Way",
    "as_text",
    "from_text",
    "isolate",
    "report",
    "surroundings",
    "workers_here",
]

Way = Literal["user", "namespaces", "none"]
#: The variable that passes the local workers' isolation to the master, as JSON.
VARIABLE = "SLIPWAY_ISOLATION"
#: The reason why a worker is not isolated where nobody wants it to be.
ON_PURPOSE = "pipeline.toml says isolated = false"
#: Seconds for the start of an isolated process; a machine may be busy.
_PATIENCE = 60.0
_PIECE = 100_000
_UNPRIVILEGED = Account("nobody", 65534, 65534)


@dataclass(frozen=True)
class Isolation:
    """The isolation of one worker."""

    worker: str
    needs: Needs
    way: Way
    why: str = ""
    """The reason why it is not isolated; continues the sentence "not isolated:"."""
    account: Account | None = None
    tenants: Mapping[str, Account] = field(default_factory=dict)
    """The users of the tenants whose stages it runs, by the tenant's name."""
    shared: Mapping[Path, int] = field(default_factory=dict)
    """Groups that may read keys which several tenants use, by the key's path."""
    mounts: bool = True
    """True: it gets its own mount namespace. A separate user alone is weaker but acceptable."""

    @property
    def description(self) -> str:
        """The isolation in one sentence."""
        if self.way == "user" and self.account is not None:
            own = ", each project's stages as one of their own" if self.tenants else ""
            return f"worker {self.worker} runs as the system user {self.account.name}{own}"
        if self.way == "namespaces":
            own = ", each project's stages in others" if self.needs.tenants else ""
            return f"worker {self.worker} runs in namespaces of its own (bubblewrap){own}"
        return f"worker {self.worker} is not isolated: {self.why}"

    def command(
        self, order: Mapping[str, Any], environ: Mapping[str, str], tenant: str = ""
    ) -> list[str]:
        """Return the argument list that runs an order as the worker.

        Args:
            order: The order for `slipway.workers.isolation.inside`.
            environ: The environment variables of the process.
            tenant: The tenant as whose user it runs; empty: the worker's user.
        """
        inside = [sys.executable, "-I", "-m", "slipway.workers.isolation.inside", json.dumps(order)]
        if self.way == "namespaces" and tenant:
            return [_bwrap(), *for_tenant(self.needs, environ, tenant), "--", *inside]
        if self.way == "namespaces":
            return _enclosed(
                self._rooms([*for_worker(self.needs, environ), "--", *inside], environ)
            )
        if self.account is None:
            return inside
        enclosure = {
            "reads": [str(one) for one in self.needs.reads],
            "writes": [str(self.needs.folder), *map(str, self.needs.writes)],
            "keys": self._owners(),
            "folder": str(self.needs.folder),
            "user": self.account.user,
            "group": self.account.group,
            "parent": os.getpid(),
            "mounts": self.mounts,
            "tenants": {name: self._tenant(name) for name in self.tenants},
            "begin": dict(order),
        }
        if tenant:
            enclosure |= {**self._tenant(tenant), "tenants": {}}
        return _enclosed(enclosure)

    def _rooms(self, words: list[str], environ: Mapping[str, str]) -> dict[str, Any]:
        """Return the order for `rooms`: the worker's own room, and its tenants'."""
        tenants = {
            name: {
                "name": environ.get("USER", ""),
                "area": str(self.needs.area(name)),
                "variables": sorted(one.variables),
                "deploys": is_deploying(name),
                "room": for_tenant(self.needs, environ, name),
            }
            for name, one in self.needs.tenants.items()
        }
        return {
            "folder": str(self.needs.folder),
            "user": os.geteuid(),
            "group": os.getegid(),
            "parent": os.getpid(),
            "bwrap": _bwrap(),
            "command": ["bwrap", *words],
            "tenants": tenants,
        }

    def _owners(self) -> dict[str, tuple[int, int, int]]:
        """Return the user, the group and the mode of each key's copy."""
        found = {}
        for name, account in self.tenants.items():
            for path in self.needs.tenants[name].keys:
                if path in self.shared:
                    # Owned by root: ssh refuses a key of its own user that a group may read.
                    found[str(path)] = (0, self.shared[path], 0o640)
                elif path.is_file():
                    found[str(path)] = (account.user, account.group, 0o600)
        return found

    def _tenant(self, name: str) -> dict[str, Any]:
        """Return the launcher's description of a tenant."""
        account, keys = self.tenants[name], self.needs.tenants[name].keys
        shared = [group for path, group in self.shared.items() if path in keys]
        return {
            "name": account.name,
            "user": account.user,
            "group": account.group,
            "groups": [self.account.group, *shared] if self.account else [],
            "area": str(self.needs.area(name)),
            "variables": sorted(self.needs.tenants[name].variables),
        }


def _enclosed(enclosure: Mapping[str, Any]) -> list[str]:
    # Compressed, because tenants are much alike and all arguments together are limited to 2 MiB.
    packed = b64encode(zlib.compress(json.dumps(enclosure).encode())).decode()
    words = [sys.executable, "-I", "-m", "slipway.workers.isolation.enclose"]
    # Readable in a list of processes: the worker it belongs to.
    return [*words, enclosure["folder"], *_pieces(packed)]


def _bwrap() -> str:
    path = shutil.which("bwrap")
    if path is None:
        msg = "bubblewrap is not on this machine; install it (apt install bubblewrap)"
        raise MissingTool(msg)
    return path


def _pieces(text: str) -> list[str]:
    """Split a text: Linux limits one argument to 128 KiB."""
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]


def isolate(site: Site, home: Home, config: Path, name: str, *, trying: bool = False) -> Isolation:
    """Return the isolation of a local worker on this machine, after trying it out.

    Args:
        site: The site's model.
        home: The state folder.
        config: The site's pipeline.toml.
        name: The worker's name.
        trying: True: create and change nothing, neither users nor folders.

    Raises:
        MissingTool: It cannot be isolated now, but was at an earlier start.
    """
    found = _isolate(site, home, config, name, trying=trying)
    if trying or sys.platform == "win32":
        return found
    mark = home.isolated(name)
    if found.way != "none":
        mark.touch(mode=0o600)
        return found
    if site.workers[name].isolated and mark.exists():
        # Its stages may have caused that: a worker that was isolated never runs as the master's
        # user.
        msg = (
            f"{found.description}. It was at an earlier start; mend that, or have it run as the "
            f"master's user: workers.{name}.isolated = false"
        )
        raise MissingTool(msg)
    folders.own(found.needs.folder, os.geteuid(), os.getegid())
    return found


def _isolate(site: Site, home: Home, config: Path, name: str, *, trying: bool) -> Isolation:
    needs = needs_of(site, home, config, name)
    found = Isolation(name, needs, "none")
    if not site.workers[name].isolated:
        return replace(found, why=ON_PURPOSE)
    if sys.platform != "linux":
        return replace(found, why="Slipway can do it on Linux alone")
    try:
        if os.geteuid() == 0:
            return _as_user(found, home, trying=trying)
        return _in_namespaces(found, home, trying=trying)
    except (MissingTool, OSError) as error:
        return replace(found, why=str(error))


def _as_user(found: Isolation, home: Home, *, trying: bool) -> Isolation:
    name = account_name(found.needs.folder, found.worker)
    if trying:
        account = find_account(name) or _UNPRIVILEGED
        if shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
            make_account(name, found.needs.folder)
    else:
        account = make_account(name, found.needs.folder / "home")
        tenants = _tenants(found, home)
        folders.give(found.needs, home, account, tenants)
        found = replace(found, tenants=tenants, shared=_shared(found.needs, home))
    made = replace(found, way="user", account=account)
    problem = _problem(made, home)
    if not problem:
        return made
    open_enough = replace(made, mounts=False)
    if not trying:
        folders.open_to_group(found.needs, home, account)
    why = _problem(open_enough, home)
    return open_enough if not why else replace(found, why=f"{problem}; as a user alone: {why}")


def _tenants(found: Isolation, home: Home) -> dict[str, Account]:
    """Return a user for each tenant; its group may read the project's mirror."""
    made = {}
    for name, tenant in found.needs.tenants.items():
        user = account_name(found.needs.folder, found.worker, name)
        account = make_account(user, found.needs.area(name) / "home")
        group = make_group(group_name(home.root, tenant.project))
        made[name] = replace(account, group=group)
    return made


def _shared(needs: Needs, home: Home) -> dict[Path, int]:
    """Return a group for each key, or list of known hosts, that several tenants need."""
    keys = Counter(path for tenant in needs.tenants.values() for path in set(tenant.keys))
    several = [path for path, count in keys.items() if count > 1 and path.is_file()]
    return {path: make_group(group_name(home.root, f"keys {path}")) for path in several}


def _in_namespaces(found: Isolation, home: Home, *, trying: bool) -> Isolation:
    _bwrap()
    if not trying:
        folders.give(found.needs, home, None)
    made = replace(found, way="namespaces")
    problem = _problem(made, home)
    return replace(found, why=problem) if problem else made


def _problem(isolation: Isolation, home: Home) -> str:
    """Try the isolation; return the reason why it does not hold, or an empty text."""
    # One tenant stands for all.
    tenants = isolation.tenants if isolation.account else isolation.needs.tenants
    whose = ["", *list(tenants)[:1]]
    return next((why for one in whose if (why := _problem_as(isolation, home, one))), "")


def _problem_as(isolation: Isolation, home: Home, tenant: str) -> str:
    secret = [home.admin_password, home.session_key, home.root / "state.sqlite"]
    files = [str(one) for one in secret if one.exists()]
    needs = isolation.needs
    order = {"tries": files, "folder": str(needs.area(tenant) if tenant else needs.folder)}
    environ = surroundings(os.environ, isolation)
    try:
        done = subprocess.run(
            isolation.command(order, environ, tenant),
            cwd="/",
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it did not begin within {_PATIENCE:.0f} seconds"
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"it ended with exit code {done.returncode}"


# ---- environment variables that are passed on

_NAMES = {"PATH", "LANG", "LANGUAGE", "TZ", "TERM", "NO_COLOR", "COLUMNS", "SOURCE_DATE_EPOCH"}
_NAMES |= {"SLIPWAY_POSTGRESQL_BIN", "SLIPWAY_PROFILE", "GIT_ALLOW_PROTOCOL"}
_STARTS = ("LC_", "UV_", "PIP_", "PYTHON", "SE_", "QT_")
_ENDS = ("_PROXY", "_CA_BUNDLE", "_CAINFO", "_CERT", "_CERTS", "_CERT_FILE", "_CERT_DIR")
#: They name the master's own folders, or grant access to package indexes.
_NOT = {"UV_CACHE_DIR", "PIP_CACHE_DIR", "PYTHONPYCACHEPREFIX", "PYTHONSTARTUP"}
_NOT |= {"UV_PUBLISH_TOKEN", "UV_PUBLISH_PASSWORD", "UV_PUBLISH_USERNAME"}


def surroundings(environ: Mapping[str, str], isolation: Isolation) -> dict[str, str]:
    """Return a worker's environment variables: those that programs need, without secrets.

    Args:
        environ: The environment of this process.
        isolation: The worker's isolation; without isolation it gets all variables.
    """
    if isolation.way == "none":
        return dict(environ)
    named = isolation.needs.variables
    kept = {k: value for k, value in environ.items() if k in named or _handed_on(k.upper())}
    pythons = uv_pythons()
    # If downloads are allowed, the worker makes them into its own home.
    if pythons is not None and environ.get("UV_PYTHON_DOWNLOADS", "never") == "never":
        kept["UV_PYTHON_INSTALL_DIR"] = str(pythons)
    name = isolation.account.name if isolation.account else environ.get("USER", "")
    folder = isolation.needs.folder
    return {
        **kept,
        "PATH": environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
        "HOME": str(folder / "home"),
        "USER": name,
        "LOGNAME": name,
        "SHELL": "/bin/sh",
    }


def _handed_on(key: str) -> bool:
    return key not in _NOT and (key in _NAMES or key.startswith(_STARTS) or key.endswith(_ENDS))


def as_text(isolations: Sequence[Isolation]) -> str:
    """Serialize the isolation of workers for the master."""
    return json.dumps(
        {one.worker: {"way": one.way, "reason": one.description} for one in isolations}
    )


def from_text(text: str | None) -> dict[str, dict[str, str]]:
    """Parse the output of `as_text`; empty if `slipway up` has not started the master."""
    found: dict[str, dict[str, str]] = json.loads(text or "{}")
    return found


def workers_here(site: Site) -> list[str]:
    """Return the names of the workers that `slipway up` starts."""
    return [name for name, worker in site.workers.items() if worker.password is None]


def report(site: Site, home: Home, config: Path) -> list[Isolation]:
    """Return the isolation that each local worker would get. Changes nothing."""
    return [isolate(site, home, config, name, trying=True) for name in workers_here(site)]
