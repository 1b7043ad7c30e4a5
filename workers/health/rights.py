"""Check who may do what on a worker's machine: its folder, its account, its cache, its service."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from slipway.workers.health.report import Line, good, missing, warning, wrong
from slipway.workers.health.worker_files import Outlook
from slipway.workers.launcher import handover

__all__ = ["check_account", "check_cache", "check_folder", "check_isolation", "check_service"]

_WINDOWS = sys.platform == "win32"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_UNITS = Path("/etc/systemd/system")
_PATIENCE = 20


def check_folder(outlook: Outlook) -> Iterator[Line]:
    """Check that the worker's folder is its own, and where it lies."""
    folder = outlook.folder
    line = _openness(folder)
    yield line or good("folder", f"nobody else may change {folder}")
    for place in (folder, *folder.parents):
        if (place / ".git").exists() and not outlook.is_local:
            # git looks for a repository above a folder that lost its own.
            yield wrong(
                "folder",
                f"it lies in the git repository {place}",
                "set the worker up in a folder outside any repository",
            )
    if _WINDOWS and re.search(r"\s", str(folder)):
        advice = "set the worker up in a folder without spaces in its path"
        yield wrong("folder", f"there is a space in {folder}", advice)


def _openness(folder: Path) -> Line | None:
    """Return a line if others may change what is in a folder, or put another in its place."""
    if _WINDOWS:
        from slipway.workers.health import windows

        if who := windows.writers(folder):
            advice = f'as administrator: icacls "{folder}" /inheritance:r, and grant it anew'
            return wrong("folder", f"{', '.join(who)} may change {folder}", advice)
        return None
    for place in (folder, *folder.resolve().parents):
        mode = place.stat().st_mode
        # Others may make files in a sticky folder, but not rename this one.
        if mode & _OTHERS_WRITE and (place == folder or not mode & stat.S_ISVTX):
            found = f"others may write to {place} (mode {stat.S_IMODE(mode):o})"
            return wrong("folder", found, f"chmod go-w {place}")
    return None


def check_account(outlook: Outlook) -> Iterator[Line]:
    """Check as whom the worker runs."""
    if _WINDOWS:
        # Its service tells; see `check_service`.
        return
    import pwd

    def name(number: int) -> str:
        try:
            return pwd.getpwuid(number).pw_name
        except KeyError:
            return f"user {number}"

    owner, here = outlook.folder.stat().st_uid, os.geteuid()
    if owner == 0:
        advice = "set it up by its bundle, which makes a user for it"
        found = "the worker's folder is root's: its stages may do anything to this machine"
        yield warning("account", found, advice)
    elif here != owner:
        found = f"the worker is of {name(owner)}, and this is {name(here)}"
        advice = f"for exact results: sudo -u {name(owner)} slipway worker check {outlook.folder}"
        yield warning("account", found, advice)
    else:
        yield good("account", name(owner))


def check_cache(outlook: Outlook) -> Iterator[Line]:
    """Check that environments of applications can be kept."""
    cache = outlook.folder / "cache"
    place = cache if os.path.lexists(cache) else outlook.folder
    if place.is_symlink() or not place.is_dir():
        advice = f"remove it: stages make it anew, and nothing but a folder may be {cache}"
        yield wrong("cache", f"{cache} is no folder", advice)
    elif not os.access(place, os.W_OK | os.X_OK):
        yield wrong("cache", f"{place} cannot be written", f"give {place} to the worker's user")
    else:
        yield good("cache", str(cache))


def check_service(outlook: Outlook) -> Iterator[Line]:
    """Check what starts the worker with its machine."""
    if outlook.is_local:
        yield good("service", "slipway up starts it")
        return
    advice = "set it up by its bundle; or leave it, if something else starts the worker"
    name, account = _service(outlook.name)
    if account is None:
        yield warning("service", f"there is no service {name}", advice)
    elif account.lower() in {"localsystem", "root", ""}:
        found = f"{name} runs as {account or 'root'}: its stages may do anything to this machine"
        yield warning("service", found, "set it up by its bundle, with an account of its own")
    else:
        yield good("service", f"{name} runs as {account}")


def _service(worker: str) -> tuple[str, str | None]:
    """Return the name of a worker's service, and its account; None if there is no service."""
    if _WINDOWS:
        from slipway.workers.health import windows

        name = f"SlipwayWorker-{worker}"
        return name, windows.service_account(name)
    name = f"slipway-worker-{worker}.service"
    return name, _unit_user(name)


def _unit_user(name: str) -> str | None:
    """Return the user of a unit of systemd; None if there is no such unit."""
    try:
        text = (_UNITS / name).read_text("utf-8")
    except OSError:
        return None
    found = re.search(r"^User=(\S+)", text, re.MULTILINE)
    return found[1] if found else ""


def check_isolation(outlook: Outlook) -> Iterator[Line]:
    """Check for bubblewrap, where stages of this worker are kept apart by it, or could be."""
    if sys.platform != "linux" or not outlook.is_local:
        return
    program = shutil.which("bwrap")
    if program is None:
        if os.geteuid() != 0 and handover.VARIABLE not in os.environ:
            found = "bubblewrap is not on PATH, by which slipway up keeps its workers apart"
            yield missing("isolation", found, "install it: apt install bubblewrap")
        return
    words = [program, "--unshare-all", "--ro-bind", "/", "/", "--", "/bin/true"]
    try:
        done = subprocess.run(words, capture_output=True, timeout=_PATIENCE, check=False)
        works = done.returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        works = False
    if works:
        yield good("isolation", f"bubblewrap, {program}")
    elif os.geteuid() != 0:
        found = "bubblewrap cannot make namespaces here"
        yield warning("isolation", found, "let users make namespaces: see add a worker, section 4")
