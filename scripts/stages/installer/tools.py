"""Run the programs that make installers: in a folder of their own, with an environment of ours."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from slipway.model.errors import MissingTool, StageFailed
from slipway.scripts.process import run

__all__ = ["TIMEOUT", "find_tool", "run_tool"]

#: Seconds in which a compressor is done with the largest of trees.
TIMEOUT = 3000
#: What programs on Windows need to start.
_NEEDED = ("SYSTEMROOT", "TEMP", "TMP")


def find_tool(name: str, package: str, *places: Path) -> str:
    """Return the path of a program.

    Args:
        name: The program.
        package: Debian's package that has it.
        places: Folders to look in besides PATH.

    Raises:
        MissingTool: It is not on this machine.
    """
    found = shutil.which(name)
    for place in places:
        found = found or shutil.which(name, path=str(place))
    if found is None:
        msg = f"{name} is not on this machine; install it (Debian: apt-get install {package})"
        raise MissingTool(msg)
    return found


def run_tool(
    argv: Sequence[str | Path],
    work: Path,
    epoch: int,
    log: Callable[[str], object],
    more: Mapping[str, str] | None = None,
) -> None:
    """Run a program that makes an installer, and wait for it.

    Nothing of this process's environment reaches it: what it makes depends on its input alone.

    Args:
        argv: The program and its arguments.
        work: Its current folder.
        epoch: The time that it writes into what it makes.
        log: Receives its output.
        more: Variables of its own.

    Raises:
        StageFailed: It did not end with exit code 0.
    """

    def said(text: str) -> None:
        log(text)

    env = {
        "PATH": os.defpath if os.name == "posix" else os.environ.get("PATH", ""),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC0",
        "SOURCE_DATE_EPOCH": str(epoch),
        **{name: os.environ[name] for name in _NEEDED if name in os.environ},
        **(more or {}),
    }
    done = run(argv, cwd=work, env=env, log=said, timeout=TIMEOUT)
    if done.code != 0:
        raise StageFailed(done.sentence(Path(argv[0]).name))
