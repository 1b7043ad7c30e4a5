"""Which libraries the systems have that a program is to run on."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

__all__ = [
    "API_SETS",
    "DRIVERS",
    "PROMISED",
    "WINDOWS",
    "is_system",
    "linked",
    "of_loader",
    "on_this_machine",
]

#: The versions that Windows gives itself (PE: the subsystem's), by the stage's key `windows`.
WINDOWS = {"7": (6, 1), "8.1": (6, 3), "10": (10, 0), "11": (10, 0)}
#: In the system folder since Windows 10; not in delvewheel's list, which begins with Windows 7.
_SINCE_10 = frozenset(
    {
        "d3d12.dll",
        "d3dcompiler_47.dll",
        "icu.dll",
        "icuin.dll",
        "icuuc.dll",
        "shcore.dll",
        "ucrtbase.dll",
    }
)
#: Sets of functions that older systems lack, by the first part of their name.
API_SETS = {"api-ms-win-core-path-": (6, 2), "api-ms-win-core-winrt-": (6, 2)}
_ALWAYS = re.compile(r"(?:api|ext)-ms-.*|combase\.dll")
#: What each Linux with a glibc has: the libraries of the manylinux policies (PEP 600; auditwheel's
#: manylinux-policy.json), and the loader.
PROMISED = frozenset(
    {
        "libGL.so.1",
        "libICE.so.6",
        "libSM.so.6",
        "libX11.so.6",
        "libXext.so.6",
        "libXrender.so.1",
        "libanl.so.1",
        "libatomic.so.1",
        "libc.so.6",
        "libdl.so.2",
        "libexpat.so.1",
        "libgcc_s.so.1",
        "libglib-2.0.so.0",
        "libgobject-2.0.so.0",
        "libgthread-2.0.so.0",
        "libm.so.6",
        "libmvec.so.1",
        "libnsl.so.1",
        "libpthread.so.0",
        "libresolv.so.2",
        "librt.so.1",
        "libstdc++.so.6",
        "libutil.so.1",
        "libz.so.1",
    }
)
_LOADER = re.compile(r"ld-linux.*\.so\.\d|ld64\.so\.\d|linux-vdso\.so\.1")
#: They belong to the machine's graphics or sound: a copy of another machine's would not work there.
DRIVERS = frozenset(
    {
        "libEGL.so.1",
        "libGLESv2.so.2",
        "libGLU.so.1",
        "libGLX.so.0",
        "libGLdispatch.so.0",
        "libOpenCL.so.1",
        "libOpenGL.so.0",
        "libasound.so.2",
        "libcuda.so.1",
        "libdrm.so.2",
        "libfontconfig.so.1",
        "libgbm.so.1",
        "libglapi.so.0",
        "libpulse.so.0",
        "libva-drm.so.2",
        "libva-x11.so.2",
        "libva.so.2",
        "libvdpau.so.1",
        "libvulkan.so.1",
    }
)


@cache
def _windows(machine: str) -> frozenset[str]:
    text = (Path(__file__).parent / "windows.txt").read_text("utf-8")
    found = set()
    for line in text.splitlines():
        name, _, only = line.partition(" ")
        if not line.startswith("#") and only in {"", machine}:
            found.add(name)
    return frozenset(found)


def is_system(library: str, machine: str, windows: str | None) -> bool:
    """Return True if every system that the program is to run on has a library.

    Args:
        library: Its name; in lower case on Windows.
        machine: The processor.
        windows: The oldest Windows; None: Linux.
    """
    if windows is None:
        return library in PROMISED or of_loader(library)
    if _ALWAYS.fullmatch(library) or library in _windows(machine):
        return True
    return WINDOWS[windows] >= WINDOWS["10"] and library in _SINCE_10


def of_loader(library: str) -> bool:
    """Return True if a library is Linux's loader, or the kernel's own."""
    return _LOADER.fullmatch(library) is not None


@cache
def linked() -> dict[str, Path]:
    """Return the libraries that this machine's loader finds, by name."""
    program = shutil.which("ldconfig") or "/sbin/ldconfig"
    try:
        done = subprocess.run(
            [program, "-p"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, Path] = {}
    for line in done.stdout.splitlines():
        name, _, rest = line.strip().partition(" ")
        place = rest.rpartition("=> ")[2]
        if place.startswith("/"):
            found.setdefault(name, Path(place))
    return found


def on_this_machine(library: str) -> Path | None:
    """Return the path of a library that this Linux machine has; None: it has none, or may not."""
    return None if library in DRIVERS else linked().get(library)
