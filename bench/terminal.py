"""Measure `slipway up` in a terminal: its processor time, and the bytes it writes.

A site of three runs of eight stages, in a terminal of 80 columns: idle, and while a stage runs.
Only the process of `slipway up` counts, not the master's or the worker's. Aims: idle 0.5 % of a
core and nothing written. Run it: make bench, or python bench/terminal.py [SECONDS].
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
PATIENCE = 120.0
SLIPWAY = [sys.executable, "-m", "slipway.cli"]
TICKS = os.sysconf("SC_CLK_TCK")
SITE = """
[site]
url = "http://127.0.0.1:{web}/"
worker-port = {workers}
[project.demo]
repository = "code"
[project.demo.stages.work]
uses = "command"
argv = ["sh", "-c", "test ! -e {slow} || sleep 600"]
"""
AFTER = """
[project.demo.stages.after-{number}]
uses = "command"
argv = ["true"]
needs = ["work"]
"""
WORKER = """
[workers.local]
"""
STAGES = 8
_GIT = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org"]


class Terminal:
    """`slipway up` in a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environ = {name: value for name, value in os.environ.items() if name != "SLIPWAY_STATE"}
        self.process = subprocess.Popen(
            [*SLIPWAY, "up"],
            cwd=folder,
            env={**environ, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._ours = ours
        self.output = b""

    def read(self, seconds: float, until: bytes = b"") -> int:
        """Read what is written for some time, or until it holds something; return its bytes."""
        count, end = 0, time.monotonic() + seconds
        while (remaining := end - time.monotonic()) > 0 and not (until and until in self.output):
            if select.select([self._ours], [], [], remaining)[0]:
                text = os.read(self._ours, 65536)
                count += len(text)
                self.output += text
        return count

    def measure(self, seconds: float) -> tuple[float, float]:
        """Return the percentage of a core and the bytes a second."""
        before, started = self._ticks(), time.monotonic()
        count = self.read(seconds)
        took = time.monotonic() - started
        return 100 * (self._ticks() - before) / TICKS / took, count / took

    def _ticks(self) -> int:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])


def main() -> int:
    """Print both figures."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "code").mkdir()
        for words in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "One"]):
            subprocess.run([*_GIT, *words], cwd=folder / "code", check=True)
        held = [stack.enter_context(socket.socket()) for _ in range(2)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        web, workers = (one.getsockname()[1] for one in held)
        stack.pop_all().close()
        slow = folder / "slow"
        text = SITE.format(web=web, workers=workers, slow=slow)
        text += "".join(AFTER.format(number=number) for number in range(1, STAGES))
        (folder / "pipeline.toml").write_text(text + WORKER)
        terminal = Terminal(folder)
        try:
            rows = _figures(folder, slow, terminal)
        finally:
            terminal.process.send_signal(signal.SIGTERM)
            terminal.read(1.0)
            terminal.process.wait(60)
    table = Table("slipway up", "processor", "written", title=f"over {SECONDS:.0f} s")
    for what, (share, written) in rows:
        table.add_row(what, f"{share:.2f} % of a core", f"{written:,.0f} bytes/s")
    Console(width=100).print(table)
    return 0


def _figures(folder: Path, slow: Path, terminal: Terminal) -> list[tuple[str, tuple[float, float]]]:
    def trigger() -> None:
        subprocess.run([*SLIPWAY, "trigger"], cwd=folder, check=True, stdout=subprocess.DEVNULL)

    def wait(number: int, state: str) -> None:
        end = time.monotonic() + PATIENCE
        output = ""
        while state not in output:
            if time.monotonic() > end:
                msg = f"run {number} is not {state}: {output}\n{terminal.output[-2000:]!r}"
                raise TimeoutError(msg)
            terminal.read(0.5)
            words = [*SLIPWAY, "runs", "--limit", "1"]
            output = subprocess.check_output(words, cwd=folder, text=True)
            output = output if f"demo {number} " in output else ""

    for number in (1, 2, 3):
        if number > 1:
            trigger()
        wait(number, " passed")
    terminal.read(3.0)
    idle = terminal.measure(SECONDS)
    slow.touch()
    trigger()
    wait(4, "● work")
    return [("idle", idle), ("while a stage runs", terminal.measure(SECONDS))]


if __name__ == "__main__":
    sys.exit(main())
