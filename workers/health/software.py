"""Check the programs of a worker's machine: Python, Buildbot's worker, git, uv, libraries."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from slipway import __version__
from slipway.model.errors import SlipwayError
from slipway.scripts.python_env.uv import uv_path
from slipway.workers.health.master_facts import MasterFacts, version_sentence
from slipway.workers.health.report import Line, good, missing, warning, wrong
from slipway.workers.health.worker_files import Outlook

__all__ = [
    "check_buildbot",
    "check_git",
    "check_python",
    "check_runtime",
    "check_slipway",
    "check_uv",
]

_OLDEST = (3, 11)
_OLDEST_GIT = (2, 31)
_PATIENCE = 20
_WINDOWS = sys.platform == "win32"
#: What programs built by Microsoft's compiler load; Python brings the first two.
_RUNTIME = ("vcruntime140.dll", "vcruntime140_1.dll", "msvcp140.dll")


def check_slipway(outlook: Outlook) -> Iterator[Line]:
    """Compare Slipway's version with the master's."""
    facts = MasterFacts.read(outlook.folder)
    if facts is None:
        advice = "the master says its version when the worker connects"
        yield warning("slipway", f"{__version__}; the master's is not known yet", advice)
    elif version_sentence(facts.version, __version__, ""):
        yield good("slipway", f"{__version__}; its stages run the master's {facts.version}")
    else:
        yield good("slipway", f"{__version__}, as on the master")


def check_python(_outlook: Outlook) -> Iterator[Line]:
    """Check Python's version."""
    bits = 64 if sys.maxsize > 2**32 else 32
    found = f"{platform.python_version()}, {bits} bits, {sys.executable}"
    if sys.version_info < _OLDEST:
        yield wrong("python", found, "Slipway needs Python 3.11 or newer; set the worker up by it")
    elif _WINDOWS and bits == 32:  # noqa: PLR2004
        yield wrong("python", found, "install the Python for 64 bits, and set the worker up by it")
    else:
        yield good("python", found)


def check_buildbot(_outlook: Outlook) -> Iterator[Line]:
    """Check the version of Buildbot's worker against the one that Slipway was made for."""
    advice = 'install it in the worker\'s Python: python -m pip install "slipway[worker]"'
    try:
        here = version("buildbot-worker")
    except PackageNotFoundError:
        yield missing("buildbot", "buildbot-worker is not installed", advice)
        return
    wanted = [Requirement(one) for one in requires("slipway") or ()]
    unfit = [one for one in wanted if one.name == "buildbot-worker" and here not in one.specifier]
    if unfit:
        yield wrong("buildbot", f"buildbot-worker {here}, not {unfit[0].specifier}", advice)
    else:
        yield good("buildbot", f"buildbot-worker {here}")


def check_git(_outlook: Outlook) -> Iterator[Line]:
    """Check git's version, and on Windows its settings."""
    program = shutil.which("git")
    how = "winget install --exact --id Git.Git --scope machine" if _WINDOWS else "apt install git"
    if program is None:
        yield missing("git", "it is not on PATH", f"install it: {how}")
        return
    told = _output(program, "--version")
    numbers = re.search(r"(\d+)\.(\d+)(\.\d+)?", told)
    if numbers is None:
        yield wrong("git", f"{program} does not say its version", f"install it again: {how}")
    elif (int(numbers[1]), int(numbers[2])) < _OLDEST_GIT:
        yield wrong("git", f"{numbers[0]}, {program}", f"2.31 or newer is needed: {how}")
    else:
        yield good("git", f"{numbers[0]}, {program}")
    if _WINDOWS:
        yield from _check_git_settings(program)


def _check_git_settings(program: str) -> Iterator[Line]:
    """Check what setup.ps1 sets. Slipway's own checkouts do not depend on it, a test's may."""
    for key, wanted in (("core.autocrlf", "false"), ("core.longpaths", "true")):
        found = _output(program, "config", "--get", key).strip().lower() or "not set"
        if found == wanted:
            yield good("git", f"{key} is {wanted}")
        else:
            advice = f"as administrator: git config --system {key} {wanted}"
            yield warning("git", f"{key} is {found[:40]}, for what stages do by git", advice)


def check_uv(_outlook: Outlook) -> Iterator[Line]:
    """Check that uv starts."""
    advice = "install it in the worker's Python: python -m pip install uv"
    try:
        told = _output(uv_path(), "--version").split()
    except SlipwayError as error:
        yield missing("uv", str(error), advice)
        return
    if len(told) > 1:
        yield good("uv", told[1])
    else:
        yield wrong("uv", "it does not start", advice)


def check_runtime(_outlook: Outlook) -> Iterator[Line]:
    """Check for the runtime of Microsoft's compiler, which frozen programs take with them."""
    if not _WINDOWS:
        return
    absent = [name for name in _RUNTIME if not _loads(name)]
    if absent:
        advice = "winget install --exact --id Microsoft.VCRedist.2015+.x64"
        yield warning("runtime", f"{', '.join(absent)} cannot be loaded", advice)
    else:
        yield good("runtime", "Visual C++ runtime")


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _output(*words: str) -> str:
    """Return what a program prints; nothing if it fails or does not end."""
    environment = {**os.environ, "GIT_CONFIG_NOSYSTEM": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout[:2000].decode("utf-8", "replace")
