"""The system user that a local worker runs as, where `slipway up` is root."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from slipway.model.errors import MissingTool
from slipway.scripts.process import is_deployed

#: All workers' users are in it: it may read what several of them need, such as a project's mirror.
GROUP = "slipway-worker"
#: Seconds to wait for others who are adding users at this moment.
_PATIENCE = 20.0
_THERE = 9


@dataclass(frozen=True)
class Account:
    """A user of this machine, and the group of all workers."""

    name: str
    user: int
    group: int


def account_name(folder: Path, worker: str) -> str:
    """Return the name of the user that a worker in a folder runs as: no other site's."""
    told = re.sub("[^a-z0-9]+", "-", worker.lower()).strip("-")[:12].strip("-")
    mark = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:6]
    return f"slipway-{told}-{mark}" if told else f"slipway-{mark}"


def find_account(name: str) -> Account | None:
    """Return a user, where there is one."""
    if sys.platform == "win32":
        return None
    import grp
    import pwd

    try:
        return Account(name, pwd.getpwnam(name).pw_uid, grp.getgrnam(GROUP).gr_gid)
    except KeyError:
        return None


def make_account(name: str, home: Path) -> Account:
    """Return a user, made now or before: a system user without a password and a login shell.

    Args:
        name: Its name.
        home: What it has for a home.

    Raises:
        MissingTool: It cannot be made.
    """
    found = find_account(name)
    if found is None:
        _add("groupadd", "--system", GROUP)
        words = ["--system", "--gid", GROUP, "--no-create-home", "--home-dir", str(home)]
        words += ["--shell", "/usr/sbin/nologin", "--comment", "made by slipway", name]
        _add("useradd", *words)
        found = find_account(name)
    if found is None or found.user == 0:
        msg = f'the system user "{name}" was made and is not there; see /etc/passwd'
        raise MissingTool(msg)
    return found


def _add(program: str, *words: str) -> None:
    """Run useradd or groupadd; what is there already is good."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is None:
        msg = f"{program} is not on this machine; install it (apt install passwd)"
        raise MissingTool(msg)
    deadline = time.monotonic() + _PATIENCE
    while True:
        done = subprocess.run([path, *words], capture_output=True, text=True, check=False)
        if done.returncode in {0, _THERE}:
            return
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        # Another site adds one at this moment.
        if "lock" not in said or time.monotonic() > deadline:
            msg = f"no system user can be made for it: {said}"
            raise MissingTool(msg)
        time.sleep(0.1)


def end_left(folder: Path, worker: str, rounds: int = 20) -> None:
    """End what a worker's own user still runs, where it has one; what it has deployed stays."""
    account = find_account(account_name(folder, worker))
    if account is None or os.geteuid() != 0:
        return
    for _ in range(rounds):
        left = [one for one in psutil.process_iter() if _is_left(one, account.user)]
        if not left:
            return
        for process in left:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(left, timeout=1)


def _is_left(process: psutil.Process, user: int) -> bool:
    try:
        mine = process.uids().real == user and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
    return mine and not is_deployed(process)
