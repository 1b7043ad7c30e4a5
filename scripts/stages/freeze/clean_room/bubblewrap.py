"""Find out how bubblewrap can make a clean room on this machine, and where it cannot why."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.model.errors import MissingTool, StageFailed
from slipway.scripts.process import run as run_program
from slipway.scripts.stages.freeze.clean_room.host_libraries import HostLibraries

__all__ = ["Bubblewrap", "find_bubblewrap"]

#: Seconds for the start of a process; a machine may be busy.
_PATIENCE = 60.0
#: Not --unshare-all: it goes on without a user namespace, and then there is no other user in it.
_NAMESPACES = (
    *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-net", "--unshare-uts"),
    *("--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"),
)
#: An ordinary user, whoever runs the stage.
_USER = ("--uid", "1000", "--gid", "1000", "--hostname", "clean-room")
#: A namespace inside of another may not get a /proc of its own if parts of the outer one are
#: covered, as bubblewrap and container engines do; the outer one shows more processes.
_PROC = (("--proc", "/proc"), ("--ro-bind", "/proc", "/proc"))


@dataclass(frozen=True)
class Bubblewrap:
    """bubblewrap, and the arguments that make namespaces here."""

    program: str
    namespaces: tuple[str, ...]
    proc: tuple[str, ...]
    libraries: HostLibraries

    def command(self, mounts: Sequence[str], words: Sequence[str]) -> list[str]:
        """Return the argument list that runs a program in its root file system.

        Args:
            mounts: The root file system first, then what is mounted in it; other options.
            words: The program in it and its arguments.
        """
        root, *more = [mounts[:3], *mounts[3:]]
        return [
            *(self.program, *self.namespaces, *root, *self.proc, "--dev", "/dev"),
            *(*more, "--", *words),
        ]


def find_bubblewrap() -> Bubblewrap:
    """Return how a clean room is made, after trying it.

    Raises:
        MissingTool: It cannot be made on this machine; the sentence says why, and what to do.
    """
    if sys.platform != "linux":
        msg = "it is made by bubblewrap, on Linux alone"
        raise MissingTool(msg)
    program = shutil.which("bwrap")
    if program is None:
        msg = "bubblewrap is not on this machine; install it: apt-get install bubblewrap"
        raise MissingTool(msg)
    libraries = HostLibraries()
    reason = ""
    for proc in _PROC:
        found = Bubblewrap(program, (*_NAMESPACES, *_USER), proc, libraries)
        nothing = shutil.which("true", path="/usr/bin:/bin") or sys.executable
        try:
            done = run_program(
                found.command(("--ro-bind", "/", "/"), [nothing]), env={}, timeout=_PATIENCE
            )
        except (MissingTool, StageFailed) as error:
            reason = str(error)
            continue
        if done.code == 0:
            return found
        reason = done.last_output(1) or done.ending
    msg = (
        f"bubblewrap may not make namespaces here ({reason}); allow them to the worker's user "
        "(sysctl kernel.unprivileged_userns_clone, AppArmor, or the container's settings)"
    )
    raise MissingTool(msg)
