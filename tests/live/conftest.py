"""Sites for tests: ended with everything they started, and nothing may be left running."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.support.http import open_client
from tests.support.machine import wait_for
from tests.support.site import Site


class LiveSite(Site):
    """A site whose processes and doors a test handles one by one."""

    def down(self, number: int = signal.SIGINT) -> int:
        """End `slipway up` with a signal and return its exit code."""
        process = self.process
        process.send_signal(number)
        return process.wait(30)

    def master(self) -> psutil.Process:
        """Return the master's process."""
        return self._process("state/master/buildbot.tac")

    def worker(self) -> psutil.Process:
        """Return the worker's process."""
        return self._process("state/workers/local/buildbot.tac")

    def _process(self, tac: str) -> psutil.Process:
        wanted = str(self.folder / tac)
        return next(p for p in self.processes() if wanted in p.cmdline())

    def wait_for_stage(self, number: int, stage: str, *states: str) -> dict[str, Any]:
        """Wait until a stage of a run is in one of these states."""

        def look() -> Any:
            found = self.run(number).get("stages", {}).get(stage)
            return found if found and found["state"] in states else None

        return wait_for(
            look, lambda: f"{stage} of run {number} {states}: {self.run(number)}\n{self.said()}"
        )

    def start_run(self, stage: str, *states: str) -> int:
        """Start a run, wait until a stage is in one of these states, and return its number."""
        with self.client(admin=True) as client:
            started = client.post("plugins/slipway/api/runs", json={"project": "demo"})
        assert started.status_code == 201, started.text
        number: int = started.json()["number"]
        self.wait_for_stage(number, stage, *states)
        return number

    # ---- Buildbot's own REST, as its web UI uses it

    @contextlib.contextmanager
    def client(self, *, admin: bool) -> Iterator[httpx.Client]:
        """Open the web UI's doors, to the admin or to anyone."""
        with open_client(base_url=self.url, timeout=30) as client:
            if admin:
                client.get("auth/login", auth=("admin", self.password()))
            yield client

    def force(
        self, client: httpx.Client, scheduler: str, stage: str, **values: Any
    ) -> httpx.Response:
        """Press a scheduler's button on a stage's page."""
        builder = client.get(f"api/v2/builders/demo.{stage}").json()["builders"][0]
        body = {
            "id": 1,
            "jsonrpc": "2.0",
            "method": "force",
            "params": {"builderid": builder["builderid"], **values},
        }
        return client.post(f"api/v2/forceschedulers/{scheduler}", json=body)

    def open_gate(self, client: httpx.Client, stage: str, **values: Any) -> httpx.Response:
        """Open the gate of a stage that waits, as the pipeline view does."""
        waiting = client.get("plugins/slipway/api/gates").json()["items"]
        (number,) = [one["id"] for one in waiting if one["stage"] == stage]
        token = client.get(f"plugins/slipway/api/gates/{number}").json()["token"]
        body = {"token": token, "values": values}
        return client.post(f"plugins/slipway/api/gates/{number}/open", json=body)


@contextlib.contextmanager
def live_site(folder: Path) -> Iterator[LiveSite]:
    """Make a site with a repository of one commit; end everything in its folder afterwards."""
    made = LiveSite(folder)
    made.make_repository()
    try:
        yield made
    finally:
        left = made.end_processes()
    assert not left, f"left running: {left}\n{made.said()}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[LiveSite]:
    """A site for one test."""
    with live_site(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A site for all tests of a file: each starts runs of its own."""
    with live_site(tmp_path_factory.mktemp("site")) as made:
        yield made
