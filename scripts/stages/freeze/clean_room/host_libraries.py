"""The libraries of this machine that each Linux has, and those that they load themselves."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from slipway.model.errors import MissingTool
from slipway.scripts.binaries.binary import read_binary
from slipway.scripts.stages.freeze.libraries.system import DRIVERS, PROMISED, linked, of_loader

__all__ = ["HostLibraries"]

#: The program's interpreter as the ABI of each processor names it.
_LOADERS = {
    "x86_64": "/lib64/ld-linux-x86-64.so.2",
    "aarch64": "/lib/ld-linux-aarch64.so.1",
    "armv7l": "/lib/ld-linux-armhf.so.3",
    "riscv64": "/lib/ld-linux-riscv64-lp64d.so.1",
    "ppc64le": "/lib64/ld64.so.2",
    "s390x": "/lib/ld64.so.1",
}
#: Parts of glibc that it loads by name; in the policies of manylinux only what programs link to.
_GLIBC = ("libnss_compat.so.2", "libnss_dns.so.2", "libnss_files.so.2")


class HostLibraries:
    """The libraries that this machine's loader finds, of the processor that it has."""

    def __init__(self) -> None:
        """Find the loader and the C library.

        Raises:
            MissingTool: This machine has no glibc, or none that can be found.
        """
        loader, libc = _LOADERS.get(platform.machine(), ""), linked().get("libc.so.6")
        if libc is None or not Path(loader).is_file():
            msg = "this machine's ldconfig and loader show no glibc to fill the clean room from"
            raise MissingTool(msg)
        self.loader = loader
        self._folder = libc.parent
        """Each loader searches where its own C library is, without a cache."""
        imports = read_binary(Path(libc))
        self._machine = imports.machine if imports else ""
        self._needs: dict[str, tuple[str, ...] | None] = {}

    def path(self, name: str) -> Path:
        """Return the path of a library of this machine."""
        return linked()[name]

    @cached_property
    def bare(self) -> frozenset[str]:
        """Those that each Linux has and that load nothing that not each has."""
        return frozenset(
            name
            for name in (*PROMISED, *_GLIBC)
            if (needs := self._all([name])) is not None and needs <= PROMISED | set(_GLIBC)
        )

    def promised(self, needs: Iterable[str], *, gui: bool) -> set[str]:
        """Return the libraries for a root file system.

        libGL, glib and the like load what not each Linux has, by other names on each. It would hide
        that the program lacks it, so it is there for programs with windows, and for those that name
        one of these.

        Args:
            needs: What the program's binaries need.
            gui: True: all that a program with windows may expect, and the graphics drivers.
        """
        allowed = PROMISED | DRIVERS
        wanted = allowed if gui else allowed & set(needs)
        found = set(self.bare)
        for name in wanted:
            found |= self._all([name]) or set()
        return found

    def closure(self, program: Path) -> set[str] | None:
        """Return the libraries that a program loads; None: it is none, or they are not here."""
        imports = read_binary(program)
        return None if imports is None else self._all(imports.needs)

    def put(self, root: Path, names: Iterable[str] | None) -> None:
        """Copy libraries, and the loader, into a root file system."""
        folder = root / self._folder.relative_to("/")
        folder.mkdir(parents=True, exist_ok=True)
        for name in names or ():
            shutil.copyfile(self.path(name), folder / name)
            (folder / name).chmod(0o755)
        loader = root / self.loader.lstrip("/")
        loader.parent.mkdir(parents=True, exist_ok=True)
        if not loader.exists():
            shutil.copyfile(self.loader, loader)
            loader.chmod(0o755)

    def _all(self, names: Iterable[str]) -> set[str] | None:
        """Return libraries with those that they load; None: one is not on this machine."""
        found: set[str] = set()
        left = list(names)
        while left:
            name = left.pop()
            if name in found or of_loader(name):
                continue
            needs = self._needs_of(name)
            if needs is None:
                return None
            found.add(name)
            left += needs
        return found

    def _needs_of(self, name: str) -> tuple[str, ...] | None:
        if name not in self._needs:
            path = linked().get(name)
            imports = read_binary(path) if path is not None else None
            is_ours = imports is not None and imports.machine == self._machine
            self._needs[name] = imports.needs if imports is not None and is_ours else None
        return self._needs[name]
