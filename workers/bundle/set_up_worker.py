"""Set up a Slipway worker on this machine, or remove it: python set_up_worker.py [--remove].

It lies in the worker's bundle and needs the standard library alone: it checks the machine, installs
Slipway from the wheel beside it, and lets that do the rest (slipway.workers.installation). Doing it
again changes only what is different.

Exit codes: 0 done; 1 the worker is set up and does not connect; 2 wrong input; 3 something is
missing on this machine.
"""

# ruff: noqa: T201  its own voice

from __future__ import annotations

import argparse
import contextlib
import ctypes
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

__all__ = ["main"]

_HERE = Path(__file__).resolve().parent
_WINDOWS = sys.platform == "win32"
_OLDEST = (3, 11)
_HOMES = ("/home", "/root", "/run/user")
_DEFAULT = Path(r"C:\slipway") if _WINDOWS else Path("/srv/slipway")
#: Bytes that Slipway, what it needs and a stage's environment take.
_NEEDED = 2_000_000_000
#: Seconds that programs which were ended may still hold their files.
_PATIENCE = 30


class _Missing(Exception):
    """Something is missing on this machine; the message is a sentence for people."""


class _Wrong(Exception):
    """An argument or the bundle is wrong; the message is a sentence for people."""


def main() -> int:
    """Set the worker up, or remove it; return the exit code."""
    options = _read_options()
    if not _WINDOWS:
        # The worker's user has to enter what root makes.
        os.umask(0o022)
    try:
        facts = _read_facts()
        folder = options.folder or _DEFAULT / facts["name"]
        if options.remove:
            return _remove_worker(facts, folder)
        _check(folder)
        python = _install(facts, folder)
        facts["account"] = getattr(options, "account", "own")
        return _finish(python, facts, folder, do="install" if options.no_start else "start")
    except _Missing as problem:
        print(problem, file=sys.stderr)
        return 3
    except _Wrong as problem:
        print(problem, file=sys.stderr)
        return 2


def _check(folder: Path) -> None:
    """Check the machine and the folder.

    Raises:
        _Missing: Something is missing or wrong; names all of it.
    """
    problems = [*_check_machine(), *_check_folder(folder)]
    if problems:
        raise _Missing("\n".join(problems))


def _read_options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help=f"the worker's folder ({_DEFAULT / 'NAME'})")
    parser.add_argument("--remove", action="store_true", help="remove the worker")
    if _WINDOWS:
        parser.add_argument(
            "--account",
            choices=("own", "LocalSystem"),
            default="own",
            help="run it as a local user of its own (the default), or as the system itself, whose "
            "stages may do anything to this machine",
        )
    parser.add_argument(
        "--no-start", action="store_true", help="set everything up, but do not start the worker"
    )
    return parser.parse_args()


def _read_facts() -> dict[str, Any]:
    """Return what the bundle says of the worker; check its wheel.

    Raises:
        _Wrong: A file of the bundle is missing or changed.
    """
    try:
        facts: dict[str, Any] = json.loads((_HERE / "worker.json").read_text(encoding="utf-8"))
        data = (_HERE / facts["wheel"]).read_bytes()
    except (OSError, ValueError, KeyError) as error:
        raise _Wrong(f"{_HERE} is no whole bundle ({error}); unpack it again") from None
    if hashlib.sha256(data).hexdigest() != facts["sha256"]:
        raise _Wrong(
            f"{facts['wheel']} is another file than the bundle was made with; unpack it again"
        )
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", facts["name"]):
        raise _Wrong("worker.json holds a name that no worker can have; unpack the bundle again")
    return facts


def _check_machine() -> Iterator[str]:
    """Yield what is missing on this machine, one sentence each."""
    if sys.version_info < _OLDEST:
        here = ".".join(map(str, sys.version_info[:3]))
        yield f"Python 3.11 or newer is needed, and {sys.executable} is {here}; install it"
        return
    if sys.prefix != sys.base_prefix:
        yield f"{sys.executable} is a virtual environment; use the Python it was made from"
    if not _is_administrator():
        yield (
            "this needs an administrator: start PowerShell by 'Run as administrator'"
            if _WINDOWS
            else "this needs root: use sudo"
        )
    if _WINDOWS:
        yield from _check_windows_python()
    elif any(Path(sys.base_prefix).is_relative_to(one) for one in _HOMES):
        yield (
            f"{sys.executable} lies in {sys.base_prefix}, and systemd closes home folders to "
            "services; use another: PYTHON=/usr/bin/python3 sh setup.sh"
        )
    elif not _has_venv():
        yield "python3 lacks venv; install it: apt install python3-venv"
    if shutil.which("git") is None:
        how = (
            "winget install --exact --id Git.Git --scope machine" if _WINDOWS else "apt install git"
        )
        yield f"git is missing; install it: {how}"


def _check_windows_python() -> Iterator[str]:
    """Yield why a service could not use this Python."""
    home = Path(os.environ.get("USERPROFILE", "C:/Users/nobody")).resolve()
    place = Path(sys.base_prefix).resolve()
    if place.is_relative_to(home) or "WindowsApps" in place.parts:
        yield (
            f"{sys.executable} is installed for one user, or by the Microsoft Store, and a service "
            "could not start it (error 1053); install Python for all users: winget install --exact "
            "--id Python.Python.3.12 --scope machine"
        )
    if sys.maxsize < 2**32:
        yield f"{sys.executable} has 32 bits; install the Python for 64 bits"


def _is_administrator() -> bool:
    """Return True if this process may change the machine."""
    if _WINDOWS:
        return bool(getattr(ctypes, "windll").shell32.IsUserAnAdmin())  # noqa: B009
    return os.geteuid() == 0


def _has_venv() -> bool:
    """Return True if this Python can make environments with pip; Debian packs that apart."""
    words = [sys.executable, "-I", "-c", "import venv, ensurepip"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def _check_folder(folder: Path) -> Iterator[str]:
    """Yield why a worker cannot live in a folder."""
    if not folder.is_absolute():
        yield f"--folder {folder}: write the whole path, such as {_DEFAULT / 'NAME'}"
        return
    if re.search(r"\s", str(folder)):
        yield f"--folder {folder}: Buildbot starts no worker in a folder with a space in its path"
    if not _WINDOWS and any(folder.is_relative_to(one) for one in _HOMES):
        yield f"--folder {folder}: systemd closes home folders to services; choose another"
    for place in (folder, *folder.parents):
        if (place / ".git").exists():
            yield (
                f"--folder {folder}: it lies in the git repository {place}, which stages could "
                "change; choose another"
            )
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free
    if free < _NEEDED:
        yield f"the disk of {there} has {free // 10**6} MB left; {_NEEDED // 10**6} MB are needed"


def _install(facts: dict[str, Any], folder: Path) -> Path:
    """Install Slipway from the bundle's wheel; return the Python it is installed in."""
    folder.mkdir(parents=True, exist_ok=True)
    # Windows replaces no file that a running worker has loaded; elsewhere it would get new code.
    _finish(_worker_python(folder), facts, folder, do="stop")
    python = _worker_python(folder)
    if not _WINDOWS and python == Path(sys.executable):
        python = folder / "python" / "bin" / "python"
        _run([sys.executable, "-I", "-m", "venv", str(folder / "python")], "the environment")
    _say("installing Slipway and what it needs")
    wheel = f"{_HERE / facts['wheel']}[worker]"
    words = [str(python), "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*words, "--no-warn-script-location", wheel], "Slipway")
    # The same version may be other code.
    again = ["--force-reinstall", "--no-deps", str(_HERE / facts["wheel"])]
    _run([*words, "--no-warn-script-location", *again], "Slipway")
    return python


def _run(words: Sequence[str], what: str) -> None:
    """Run a command that must succeed.

    Raises:
        _Missing: It failed; with its last lines.
    """
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise _Missing(
            f"{what} cannot be installed: {' '.join(lines[-3:]) or 'no reason is given'}"
        )


def _worker_python(folder: Path) -> Path:
    """Return the Python that Slipway is installed in, or will be."""
    if _WINDOWS:
        # A service of Windows cannot run from an environment (error 1053).
        return Path(sys.executable)
    found = folder / "python" / "bin" / "python"
    return found if found.exists() else Path(sys.executable)


def _finish(python: Path, facts: dict[str, Any], folder: Path, *, do: str) -> int:
    """Have the installed Slipway do its part; return the exit code.

    Args:
        python: The Python that it is installed in; else "find" and "stop" fail silently.
        facts: What the bundle says of the worker.
        folder: The worker's folder.
        do: "install", "start" (install and start), "stop", "remove" or "find".
    """
    order = {**facts, "folder": str(folder), "do": do}
    words = [str(python), "-I", "-m", "slipway.workers.installation.main"]
    silent = subprocess.DEVNULL if do in {"find", "stop"} else None
    # The password is in no argument: other users see those.
    data = json.dumps(order).encode()
    # pywin32 takes a pythonservice.exe from the present folder first: downloads, for example.
    place = folder if folder.is_dir() else None
    done = subprocess.run(words, input=data, check=False, stdout=silent, stderr=silent, cwd=place)
    return done.returncode


def _remove_worker(facts: dict[str, Any], folder: Path) -> int:
    """Remove the worker; return the exit code."""
    if not _is_administrator():
        raise _Missing("this needs an administrator" if _WINDOWS else "this needs root: use sudo")
    python = _worker_python(folder)
    if not (folder / "worker").is_dir() or not (folder / "password").is_file():
        if _finish(python, facts, folder, do="find") == 0:
            raise _Wrong(f"{facts['name']} is set up, and elsewhere; name its folder by --folder")
        _say(f"there is no worker in {folder}")
        return 0
    code = _finish(python, facts, folder, do="remove")
    if code == 0:
        _remove_folder(folder)
        _say(f"the worker {facts['name']} is removed")
    return code


def _remove_folder(folder: Path) -> None:
    """Remove a folder, though its programs have just been ended and files in it are read-only.

    Raises:
        _Missing: Something is left.
    """

    def allow(function: Any, path: str, _error: object) -> None:
        # Windows deletes no read-only file, and git makes many. Elsewhere a stage could have left a
        # link in its place, and this is root.
        if not _WINDOWS:
            return
        with contextlib.suppress(OSError):
            os.chmod(path, stat.S_IWRITE | stat.S_IREAD | stat.S_IEXEC)  # noqa: PTH101
            function(path)

    deadline = time.monotonic() + _PATIENCE
    while True:
        shutil.rmtree(folder, onerror=allow)
        if not folder.exists():
            return
        if time.monotonic() > deadline:
            left = next((one for one in folder.rglob("*") if one.is_file()), folder)
            raise _Missing(f"{left} cannot be removed; end what uses it, then run this again")
        time.sleep(1)


def _say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
