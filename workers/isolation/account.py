"""System users of a local worker and of its tenants, when `slipway up` runs as root."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from slipway.model.errors import MissingTool
from slipway.model.tenant import is_deploying
from slipway.scripts.process_tree import is_deployed

__all__ = [
    "GROUP",
    "TENANTS",
    "Account",
    "account_name",
    "end_leftovers",
    "find_account",
    "find_group",
    "group_name",
    "make_account",
    "make_group",
]

#: The group of all of them; without mount namespaces it may pass through the state folder.
GROUP = "slipway-worker"
#: In a worker's folder: one folder for each tenant.
TENANTS = "tenants"
#: Seconds to wait for other processes that are adding users.
_PATIENCE = 20.0
_THERE = 9


@dataclass(frozen=True)
class Account:
    """A user of this machine with its group."""

    name: str
    user: int
    group: int


def account_name(folder: Path, worker: str, tenant: str = "") -> str:
    """Return the user name of a worker in a folder, or of one of its tenants.

    The name is unique among sites, workers and tenants.
    """
    readable = re.sub("[^a-z0-9]+", "-", (tenant or worker).lower()).strip("-")[:12].strip("-")
    place = os.fsencode(folder.resolve())
    mark = hashlib.sha256(place + f"\0{tenant}".encode()).hexdigest()[:8]
    return f"slipway-{readable}-{mark}" if readable else f"slipway-{mark}"


def group_name(state: Path, project: str) -> str:
    """Return the name of the group that may read a project's mirror on this site.

    Args:
        state: The state folder.
        project: Its name, or another name that tenants share, with a blank to be distinct.
    """
    readable = re.sub("[^a-z0-9]+", "-", project.lower()).strip("-")[:12].strip("-")
    place = os.fsencode(state.resolve()) + f"\0{project}".encode()
    return f"slipway-{readable}-{hashlib.sha256(place).hexdigest()[:8]}"


def find_account(name: str) -> Account | None:
    """Return a user, or None if there is none."""
    if sys.platform == "win32":
        return None
    import pwd

    group = find_group(GROUP)
    try:
        return None if group is None else Account(name, pwd.getpwnam(name).pw_uid, group)
    except KeyError:
        return None


def find_group(name: str) -> int | None:
    """Return a group's number, or None if there is none."""
    if sys.platform == "win32":
        return None
    import grp

    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def make_group(name: str) -> int:
    """Return a group's number; create the group if needed.

    Raises:
        MissingTool: It cannot be created.
    """
    found = find_group(name)
    if found is None:
        _add("groupadd", "--system", name)
        found = find_group(name)
    if not found:
        msg = f'the group "{name}" was made and is not there; see /etc/group'
        raise MissingTool(msg)
    return found


def make_account(name: str, home: Path) -> Account:
    """Return a user; create it if needed, as a system user without a password and a login shell.

    Args:
        name: Its name.
        home: The user's home folder.

    Raises:
        MissingTool: It cannot be created.
    """
    found = find_account(name)
    if found is None:
        make_group(GROUP)
        words = ["--system", "--gid", GROUP, "--no-create-home", "--home-dir", str(home)]
        words += ["--shell", "/usr/sbin/nologin", "--comment", "made by slipway", name]
        _add("useradd", *words)
        found = find_account(name)
    if found is None or found.user == 0:
        msg = f'the system user "{name}" was made and is not there; see /etc/passwd'
        raise MissingTool(msg)
    return found


def _add(program: str, *words: str) -> None:
    """Run useradd or groupadd. Idempotent: an existing user or group is no error."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is None:
        msg = f"{program} is not on this machine; install it (apt install passwd)"
        raise MissingTool(msg)
    deadline = time.monotonic() + _PATIENCE
    while True:
        done = subprocess.run([path, *words], capture_output=True, text=True, check=False)
        if done.returncode in {0, _THERE}:
            return
        message = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        # Another site is adding a user at this moment and holds the lock.
        if "lock" not in message or time.monotonic() > deadline:
            msg = f"no system user can be made for it: {message}"
            raise MissingTool(msg)
        time.sleep(0.1)


def end_leftovers(folder: Path, worker: str, rounds: int = 20) -> None:
    """End processes that a worker's users still run, if it has users; deployed programs stay."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    users = _users_of(folder, worker)
    for _ in range(rounds if users else 0):
        processes = [one for one in psutil.process_iter() if _is_leftover(one, users)]
        if not processes:
            return
        for process in processes:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(processes, timeout=1)


def _users_of(folder: Path, worker: str) -> dict[int, bool]:
    """Return the user ids of a worker, each with whether its deployed programs may stay.

    Looked up by name: the number of a removed user may have been given to another one.
    """
    tenants = [""]
    with contextlib.suppress(OSError):
        tenants += [one.name for one in (folder / TENANTS).iterdir()]
    found = {one: find_account(account_name(folder, worker, one)) for one in tenants}
    # Only deploying tenants: any program can set the variable that marks a deployed one.
    return {
        account.user: is_deploying(tenant)
        for tenant, account in found.items()
        if account is not None and account.user != 0
    }


def _is_leftover(process: psutil.Process, users: Mapping[int, bool]) -> bool:
    try:
        user = process.uids().real
        mine = user in users and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
    return mine and not (users[user] and is_deployed(process))
