"""Start frozen programs in a clean room.

Its root file system holds the libraries of the manylinux policies, a shell and the tools of POSIX,
a user's entry in /etc/passwd, the frozen tree in /opt, an empty home and an empty /tmp. What else a
program needs it has to bring: this machine's Python, certificates, fonts, time zones and network
are not there.
"""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from slipway.model.errors import MissingTool
from slipway.scripts.binaries.binary import read_tree
from slipway.scripts.report import Report
from slipway.scripts.stages.freeze.clean_room.bubblewrap import Bubblewrap, find_bubblewrap
from slipway.scripts.stages.freeze.clean_room.tools import furnish_tools
from slipway.scripts.stages.freeze.stage import FreezeStage

__all__ = ["Room", "exit_code", "find_room", "refusal", "room_name"]

_HOME = "/home/user"
_TREE = "/opt"
_SOCKETS = "/tmp/.X11-unix"  # noqa: S108  where X servers listen
_LOCAL_DISPLAY = re.compile(r":(\d{1,5})(?:\.\d+)?")
#: What a minimal system has there.
_ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "group": "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost clean-room\n::1 localhost\n",
    "hostname": "clean-room\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "os-release": 'NAME="Linux"\nID=linux\nPRETTY_NAME="Linux"\n',
}
_FOLDERS = ("dev", "home/user", "opt", "proc", "root", "run", "tmp", "var/tmp")
#: Added to a signal's number by bubblewrap, as by shells.
_BY_SIGNAL = 128


def find_room(stage: FreezeStage, report: Report) -> Bubblewrap | None:
    """Return how the clean room is made; None: programs are started in an empty environment.

    Args:
        stage: Its key `clean-room`.
        report: Receives a notice if a clean room is wanted and cannot be made.

    Raises:
        MissingTool: It is required and cannot be made here.
    """
    if stage.clean_room is False or (stage.clean_room is True and sys.platform != "linux"):
        return None
    try:
        return find_bubblewrap()
    except MissingTool as error:
        if stage.clean_room == "required":
            msg = f'clean-room = "required": {error}'
            raise MissingTool(msg) from None
        text = (
            "started in an empty environment, where this machine's libraries and files can be "
            f"seen, not in a clean room: {error}"
        )
        report.notice(text, level="info")
        return None


def room_name(bubblewrap: Bubblewrap | None) -> str:
    """Return what freeze.json and the summary call the place where programs are started."""
    return "empty environment" if bubblewrap is None else "clean room (bubblewrap)"


class Room:
    """A clean room for one frozen tree."""

    def __init__(self, bubblewrap: Bubblewrap, root: Path, place: Path, *, gui: bool) -> None:
        """Build the root file system.

        Args:
            bubblewrap: How it is entered.
            root: The folder to build it in; it must not exist.
            place: What is shown in /opt, writable, as where a user unpacks it.
            gui: True: a program in it has windows.
        """
        self._bubblewrap, self._root, self._place = bubblewrap, root, place
        for name in _FOLDERS:
            (root / name).mkdir(parents=True)
        (root / "etc").mkdir()
        for name, text in _ETC.items():
            (root / "etc" / name).write_text(text, "utf-8")
        needs = {need for one in read_tree(place) for need in one.imports.needs}
        libraries = bubblewrap.libraries
        libraries.put(root, libraries.promised(needs, gui=gui))
        furnish_tools(root, libraries)

    def command(
        self, program: str, arguments: Sequence[str], folder: Path, env: Mapping[str, str]
    ) -> list[str]:
        """Return the argument list that starts a program in the room.

        Args:
            program: Its path below the place.
            arguments: Its arguments.
            folder: An empty folder, which gets its home and its temporary files: on the disk, as
                memory would fill.
            env: Its environment, complete.
        """
        home, temporary = folder / "home", folder / "tmp"
        for one in (home, temporary):
            one.mkdir()
        mounts = ["--ro-bind", str(self._root), "/", "--bind", str(self._place), _TREE]
        mounts += ["--bind", str(home), _HOME, "--bind", str(temporary), "/tmp"]  # noqa: S108
        mounts += ["--bind", str(temporary), "/var/tmp", "--chdir", _HOME]  # noqa: S108
        if display := _LOCAL_DISPLAY.fullmatch(env.get("DISPLAY", "")):
            # The socket alone: there is no network, by which it could be reached otherwise.
            socket = f"{_SOCKETS}/X{display[1]}"
            mounts += ["--bind-try", socket, socket]
        for name, value in env.items():
            mounts += ["--setenv", name, value]
        return self._bubblewrap.command(mounts, [f"{_TREE}/{program}", *arguments])


def exit_code(code: int, wanted: int | None) -> int:
    """Return a program's exit code, negative if a signal ended it; bubblewrap adds 128 to that.

    Args:
        code: bubblewrap's.
        wanted: The one that the program has to end with; it is never taken for a signal.
    """
    if code == wanted or code - _BY_SIGNAL not in {int(one) for one in signal.Signals}:
        return code
    return _BY_SIGNAL - code


def refusal(output: str) -> str:
    """Return why bubblewrap did not start the program; empty if it did."""
    last = output.rstrip("\n").rpartition("\n")[2]
    return last.removeprefix("bwrap: ") if last.startswith("bwrap: execvp ") else ""
