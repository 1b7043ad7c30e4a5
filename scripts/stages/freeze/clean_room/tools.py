"""The shell and the tools that each Linux has, put into a root file system."""

from __future__ import annotations

import shutil
from pathlib import Path

from slipway.scripts.stages.freeze.clean_room.host_libraries import HostLibraries

__all__ = ["furnish_tools"]

#: Of POSIX, what programs start and minimal systems have. No interpreter, no network, no editor.
_TOOLS = (
    *("awk", "basename", "cat", "chmod", "cp", "cut", "date", "dirname", "env", "expr", "false"),
    *("find", "grep", "head", "hostname", "id", "kill", "ln", "ls", "mkdir", "mktemp", "mv", "od"),
    *("printf", "pwd", "readlink", "rm", "rmdir", "sed", "seq", "sleep", "sort", "stat", "tail"),
    *("tee", "test", "touch", "tr", "true", "tty", "uname", "uniq", "wc", "xargs"),
)
_SHELLS = ("/bin/sh", "/bin/dash", "/bin/busybox")
_SEARCH = "/usr/bin:/bin"
_FOLDER = "usr/libexec/clean-room"
#: The tools' own libraries are in a folder that the loader does not search for the program: it must
#: not find a library by chance that `ls` needs.
_SCRIPT = '#!/bin/sh\nexec {loader} --library-path {libraries} {tool} "$@"\n'


def furnish_tools(root: Path, libraries: HostLibraries) -> None:
    """Put a shell and the tools into a root file system.

    Args:
        root: Its folder.
        libraries: Those of this machine; what each Linux has is in the root already.
    """
    folder = root / "bin"
    folder.mkdir(parents=True)
    (root / "usr").mkdir(exist_ok=True)
    (root / "usr" / "bin").symlink_to("../bin")
    shell = _shell(libraries)
    if shell is None:
        return
    shutil.copyfile(shell, folder / "sh")
    (folder / "sh").chmod(0o755)
    # Where the only shell is bash, each system like it has bash's libraries, too.
    libraries.put(root, libraries.closure(shell))
    away = root / _FOLDER
    (away / "lib").mkdir(parents=True)
    own: set[str] = set()
    for name in _TOOLS:
        found = shutil.which(name, path=_SEARCH)
        needs = libraries.closure(Path(found)) if found else None
        if found is None or needs is None:
            continue
        shutil.copyfile(found, away / name)
        (away / name).chmod(0o755)
        own |= needs
        script = _SCRIPT.format(
            loader=libraries.loader, libraries=f"/{_FOLDER}/lib", tool=f"/{_FOLDER}/{name}"
        )
        (folder / name).write_text(script, "utf-8")
        (folder / name).chmod(0o755)
    for name in own:
        shutil.copyfile(libraries.path(name), away / "lib" / name)


def _shell(libraries: HostLibraries) -> Path | None:
    """Return the shell that needs the fewest libraries which not every Linux has."""
    found: list[tuple[int, int, Path]] = []
    for name in _SHELLS:
        path = Path(name).resolve()
        needs = libraries.closure(path) if path.is_file() else None
        if needs is not None:
            found.append((len(needs - libraries.bare), len(found), path))
    return min(found)[2] if found else None
