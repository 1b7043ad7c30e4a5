"""Smoke-test a frozen program: in a clean room, or without environment and build folder."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slipway.model.errors import MissingTool, StageFailed
from slipway.scripts.archives.pack import unpack
from slipway.scripts.process import Finished, TooManyProcesses, run
from slipway.scripts.stages.freeze.clean_room.bubblewrap import Bubblewrap
from slipway.scripts.stages.freeze.clean_room.environment import bare_environment
from slipway.scripts.stages.freeze.clean_room.explanation import explain
from slipway.scripts.stages.freeze.clean_room.room import Room, exit_code, refusal
from slipway.scripts.stages.freeze.learned import Learned, learn_from_output
from slipway.scripts.stages.freeze.smoke_runs import GOES_ON, Heard, Start, words_of
from slipway.scripts.virtual_display import drawn_nowhere, lacks_display

__all__ = ["NotStarted", "Smoke", "start"]

_LAST_LINES = 8
_UNCAUGHT = 255
_WITHOUT = "the frozen program did not start without it"
#: Processes that a program may start: one that starts itself again and again stops the machine.
_MOST_PROCESSES = 100 + 2 * (os.cpu_count() or 1)
#: Characters of its output that are kept.
_MOST = 2000


@dataclass(frozen=True)
class Smoke:
    """The result of one start."""

    program: str
    arguments: tuple[str, ...]
    seconds: float
    output: str
    lost: tuple[str, ...] = ()
    """Words that it says unfrozen and not frozen."""


class NotStarted(StageFailed):
    """The frozen program does not start, or not as it has to; `lacking` is what it lacks."""

    def __init__(self, message: str, output: str, lacking: Learned | None = None) -> None:
        """Make the error.

        Args:
            message: The sentence.
            output: What the program said.
            lacking: What it lacks. None: what its output says.
        """
        super().__init__(message)
        self.lacking = learn_from_output(output, _WITHOUT) if lacking is None else lacking


def start(
    archive: Path,
    starts: Sequence[tuple[Start, str]],
    timeout: float,
    log: Callable[[str], None],
    *,
    gui: bool = False,
    bubblewrap: Bubblewrap | None = None,
) -> list[Smoke]:
    """Unpack frozen programs elsewhere and run them.

    Args:
        archive: The frozen tree, as later stages get it; or a folder that it lies in, elsewhere.
        starts: The runs, each with the executable's path in the archive.
        timeout: Timeout of each in seconds.
        log: Receives their output.
        gui: True: one of them has windows; they are drawn offscreen.
        bubblewrap: How a clean room is made. None: they see this machine, in an empty environment.

    Raises:
        NotStarted: One does not start, exceeds the timeout, or ends otherwise than it has to.
    """
    with tempfile.TemporaryDirectory(prefix="slipway-smoke-", ignore_cleanup_errors=True) as name:
        place = Path(name, "elsewhere")
        if archive.is_dir():
            place = archive
        else:
            unpack(archive, place)
        room = Room(bubblewrap, Path(name, "room"), place, gui=gui) if bubblewrap else None
        with drawn_nowhere(place, gui=gui) as drawing:
            found = []
            for number, (asked, program) in enumerate(starts):
                run_of = _Run(asked, place, program, drawing, timeout, log)
                found.append(run_of.start(Path(name, f"empty-{number}"), room))
            return found


@dataclass(frozen=True)
class _Run:
    """One run of a program."""

    asked: Start
    place: Path
    """Where the archive was unpacked."""
    program: str
    """The executable's path in it."""
    drawing: dict[str, str]
    timeout: float
    log: Callable[[str], None]

    def start(self, folder: Path, room: Room | None) -> Smoke:
        """Start the program once and judge its end.

        Args:
            folder: A folder to make, for the files that it writes.
            room: The clean room. None: it sees this machine, in an empty environment.

        Raises:
            NotStarted: It does not start, or does not end as it has to.
        """
        asked, heard = self.asked, Heard(self.log)
        timeout = min(self.timeout, GOES_ON) if asked.code is None else self.timeout
        began = time.perf_counter()
        try:
            finished = self._run(folder, room, timeout, heard)
        except TimeoutError as error:
            if asked.code is None:
                return Smoke(asked.program, asked.arguments, timeout, heard.text[-_MOST:])
            raise NotStarted(str(error), heard.text) from None
        seconds = time.perf_counter() - began
        said = heard.text
        problem = _problem(asked, finished, said)
        if problem:
            raise NotStarted(self._failure(finished, problem, said, folder, room), said)
        lost = tuple(sorted(asked.words - words_of(said)))
        return Smoke(asked.program, asked.arguments, seconds, finished.tail[-_MOST:], lost)

    def _run(
        self, folder: Path, room: Room | None, timeout: float, log: Callable[[str], None]
    ) -> Finished:
        """Run the program.

        Raises:
            NotStarted: It cannot be executed.
            TimeoutError: It does not end.
        """
        folder.mkdir()
        program = self.place / self.program
        called = f"the frozen {program.name}"
        if room is None:
            words = [str(program), *self.asked.arguments]
            env = bare_environment(folder) | self.drawing
        else:
            words = room.command(self.program, self.asked.arguments, folder, self.drawing)
            env = {}
        try:
            done = run(
                words,
                cwd=folder,
                env=env,
                log=log,
                timeout=timeout,
                what=called,
                most_processes=_MOST_PROCESSES,
            )
        except TooManyProcesses as error:
            msg = (
                f"{error}; in a frozen program sys.executable is the program itself: what starts "
                "it to run other code has to ask for sys.frozen, or use multiprocessing"
            )
            raise NotStarted(msg, "") from error
        except (MissingTool, OSError) as error:
            msg = f"{called} does not start: {error}"
            raise NotStarted(msg, "") from error
        except StageFailed as error:
            raise TimeoutError(str(error)) from error
        if room is None:
            return done
        if why := refusal(done.tail):
            msg = f"{called} does not start: {why}"
            raise NotStarted(msg, "")
        return replace(done, code=exit_code(done.code, self.asked.code))

    def _failure(
        self, finished: Finished, problem: str, said: str, folder: Path, room: Room | None
    ) -> str:
        """Return the sentence on a start that did not end as it has to."""
        # A line may be as long as the program likes.
        output = finished.last_output(_LAST_LINES)[-_MOST:] or "nothing"
        command = " ".join([Path(self.program).name, *self.asked.arguments])
        where = "an empty environment" if room is None else "a clean room"
        remedy = (explain(said) if room is not None else "") or _remedy(output)
        text = (
            f"the frozen program was started as `{command}` in {where} and {problem}; it said: "
            f"{output}{remedy and f'; {remedy}'}"
        )
        if room is None:
            return text
        try:
            self.start(folder.with_name(f"{folder.name}-outside"), None)
        except NotStarted:
            return text
        return f"{text}; outside of the room, where this machine's files are, it ends as it has to"


def _problem(asked: Start, finished: Finished, said: str) -> str:
    """Return how its end differs from what it has to be; empty if it does not."""
    if asked.code is None:
        # Asked for --help, it may only have been slow, the first time and on a busy machine.
        is_slow = bool(asked.arguments) and finished.code == 0
        return "" if is_slow else f"{_ending(finished.code)}; unfrozen it goes on"
    # What Python ends with 1, an exception that nobody catches, cx_Freeze ends with 255.
    is_same = asked.as_unfrozen and (asked.code, finished.code) == (1, _UNCAUGHT)
    if finished.code != asked.code and not is_same:
        other = "unfrozen it ends" if asked.as_unfrozen else "it has to end"
        wanted = f"; {other} with exit code {asked.code}" if asked.code or asked.as_unfrozen else ""
        return f"{_ending(finished.code)}{wanted}"
    if asked.code and asked.as_unfrozen and asked.lacks_nothing and learn_from_output(said, ""):
        return f"ended with exit code {finished.code}, for another reason than unfrozen"
    if asked.expect is not None and asked.expect not in said:
        return f'did not print "{asked.expect}"'
    return ""


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"died of {signal.Signals(-code).name}"
    except ValueError:
        return f"died of signal {-code}"


def _remedy(output: str) -> str:
    if lacks_display(output):
        return (
            "write gui = true for a program with windows, and where it is not Qt install Xvfb on "
            "the worker (apt install xvfb)"
        )
    if "relative import" in output:
        return 'freeze it as a module of its package: entry = "package.module:function"'
    if "NoSuchModuleError" in output:
        return "name the dialect in the stage's dialects"
    if "No module named" in output:
        return "name the module in the stage's includes, or its package in packages"
    if "FileNotFoundError" in output or "No such file" in output:
        return "name data files in include-files, or their package in packages"
    return ""
