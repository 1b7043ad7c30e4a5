"""A site's master and worker as two processes of their own, to be killed one by one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from slipway.cli.lib.child_processes import _TWISTD
from slipway.scripts.guard import die_with_parent
from slipway.state_folder import CONFIG, VARIABLE
from tests.live.conftest import LiveSite

from .machine import processes_of

_PATIENCE = 120.0


class Pair:
    """What `slipway up` starts, without `slipway up`: that ends with the first that ends."""

    def __init__(self, site: LiveSite) -> None:
        """Have `slipway up` make the folders and passwords once, and end it."""
        self.site = site
        self.preamble = ""
        """Python that each process runs first."""
        site.up()
        site.down(signal.SIGTERM)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Start "master", "worker" or both, where they do not run."""
        for name in names:
            if name not in self._running or self._running[name].poll() is not None:
                self._running[name] = self._start(name)

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        state = self.site.state
        folder = state / "master" if name == "master" else state / "workers" / "local"
        config = str(self.site.folder / "pipeline.toml")
        # As `slipway up` does, which tells a worker its password in no other way.
        password = (state / "worker-local-password").read_bytes() if name == "worker" else b""
        with (folder / "output.log").open("ab") as output:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-c", self.preamble + _TWISTD, "--nodaemon", "--no_save"),
                    *("--pidfile", "", "--python", str(folder / "buildbot.tac")),
                ],
                cwd=folder,
                env={**os.environ, VARIABLE: str(state), CONFIG: config},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )
        with process.stdin as stream:
            stream.write(password)
        return process

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """Return a process that was started."""
        return self._running[name]

    def end(self, number: int, *names: str) -> None:
        """Send a signal to these at once, and wait for their end."""
        chosen = [self._running[name] for name in names if name in self._running]
        for one in chosen:
            with suppress(ProcessLookupError):
                one.send_signal(number)
        for one in chosen:
            try:
                one.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()
                raise
        if number == signal.SIGKILL and "worker" in names:
            self._see_scripts_end()

    def _see_scripts_end(self) -> None:
        """A killed worker's scripts end with it; the next must not meet them."""
        deadline = time.monotonic() + _PATIENCE
        while any("stage" in " ".join(one.info["cmdline"]) for one in self._others()):
            assert time.monotonic() < deadline, f"scripts outlived their worker: {self._others()}"
            time.sleep(0.02)

    def _others(self) -> list[object]:
        ours = {one.pid for one in self._running.values()}
        return [one for one in processes_of(self.site.folder) if one.pid not in ours]
