"""`slipway up` in a terminal: what it costs, and how it ends."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.live.conftest import LiveSite
from tests.support.machine import wait_for
from tests.support.site import ROOT, SLIPWAY, command

pytestmark = pytest.mark.live
Start = Callable[..., "Terminal"]
MAKE = [
    *("make", "-f", str(ROOT / "Makefile"), f"BIN={ROOT / '.venv' / 'bin'}"),
    # What it would make first is there.
    *("-o", ".venv/.ready", "-o", "pages", "-o", "example", "up"),
]


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, site: LiveSite, words: list[str], columns: int, kind: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        unset = {"COLUMNS", "LINES", "MAKEFLAGS", "MAKELEVEL"}
        env = {name: value for name, value in site.env.items() if name not in unset}
        self.process = subprocess.Popen(
            words,
            cwd=site.folder,
            env={**env, "TERM": kind},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )
        os.close(theirs)
        self.said = ""

    def read(self, seconds: float = 0.2) -> str:
        """Return what is written within some time."""
        found, end = b"", time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self._ours], [], [], left)[0]:
                # The terminal is gone when nobody holds its other end.
                with suppress(OSError):
                    found += os.read(self._ours, 65536)
        text = found.decode(errors="replace")
        self.said += text
        return text

    def wait_for(self, text: str) -> None:
        """Wait until something has been written."""
        wait_for(lambda: self.read() and text in self.said, lambda: f"{text!r} in {self.said}")

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._ours, text.encode())

    def end(self) -> int:
        """Wait for its end and return its exit code."""
        wait_for(lambda: self.read() or self.process.poll() is not None, lambda: self.said)
        wait_for(lambda: self.process.poll() is not None, lambda: self.said + self.read())
        self.read()
        return self.process.returncode

    def close(self) -> None:
        """Close the terminal, and wait for the end of what its closing ends."""
        os.close(self._ours)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(60)


@pytest.fixture
def start(site: LiveSite) -> Iterator[Start]:
    """Return a way to start a command in a terminal."""
    started: list[Terminal] = []

    def begin(*words: str, columns: int = 80, kind: str = "xterm") -> Terminal:
        made = Terminal(site, list(words), columns, kind)
        started.append(made)
        site.process = made.process  # type: ignore[assignment]
        return made

    yield begin
    for one in started:
        one.close()


def test_ctrl_c_of_make_up_is_no_error(site: LiveSite, start: Start) -> None:
    site.write(command("look", "print(1)"))
    terminal = start(*MAKE)
    terminal.wait_for(site.url)
    terminal.type("\x03")
    terminal.end()
    assert "stopping what was started here" in terminal.said
    assert "rror" not in terminal.said
    assert not site.processes()


def test_make_up_once_gives_the_run_s_failure(site: LiveSite, start: Start) -> None:
    site.write(command("bad", "raise SystemExit(1)"))
    terminal = start(*MAKE, "ONCE=1")
    assert terminal.end() == 2
    assert "Error 1" in terminal.said


def test_an_idle_site_writes_nothing(site: LiveSite, start: Start) -> None:
    site.write(command("look", "print(1)"))
    terminal = start(*SLIPWAY, "up")
    site.wait_for_run(1)
    terminal.wait_for("passed")
    wait_for(lambda: not terminal.read(3), lambda: f"still written: {terminal.said[-500:]!r}")


def test_what_runs_is_redrawn_once_a_second(site: LiveSite, start: Start) -> None:
    site.write(command("slow", "import time; time.sleep(60)"))
    terminal = start(*SLIPWAY, "up")
    site.wait_for_stage(1, "slow", "running")
    terminal.wait_for("running")
    frames = terminal.read(5).count("demo run 1")
    assert 1 <= frames <= 6


def test_a_dumb_terminal_gets_lines(site: LiveSite, start: Start) -> None:
    site.write(command("look", "print(1)"))
    terminal = start(*SLIPWAY, "up", kind="dumb")
    terminal.wait_for("demo run 1 look: passed")
    assert "\x1b" not in terminal.said
