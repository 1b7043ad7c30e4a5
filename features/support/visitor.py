"""Somebody who uses the web UI's own doors over plain HTTP."""

from __future__ import annotations

from typing import Any

import httpx

from support.site import FeatureSite
from tests.support.http import open_client
from tests.support.machine import wait_for

#: Buildbot's word for it.
SUCCESS = 0


class Visitor:
    """A person without a browser."""

    def __init__(self, site: FeatureSite) -> None:
        self.site = site
        self.http = open_client(base_url=site.url, timeout=30)

    def close(self) -> None:
        """Leave."""
        self.http.close()

    def sign_in(self, name: str, password: str) -> httpx.Response:
        """Sign in; the session's cookie is kept."""
        return self.http.get("auth/login", auth=(name, password))

    def get(self, path: str) -> dict[str, Any]:
        """Ask Buildbot's REST."""
        answer = self.http.get(f"api/v2/{path}")
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    def control(self, path: str, method: str, **values: Any) -> httpx.Response:
        """Ask Buildbot to do something."""
        body = {"id": 1, "jsonrpc": "2.0", "method": method, "params": values}
        return self.http.post(f"api/v2/{path}", json=body)

    def start_run(self, stage: str, **values: Any) -> httpx.Response:
        """Press "Run the pipeline"."""
        return self._force("demo-run", stage, **values)

    def start_stage(self, stage: str, **values: Any) -> httpx.Response:
        """Press "Run this stage"."""
        return self._force("demo-stage", stage, **values)

    def open_gate(self, stage: str, **values: Any) -> httpx.Response:
        """Open the gate of a stage that waits."""
        place = "plugins/slipway/api/gates"
        waiting = self.http.get(place).json()["items"]
        number = next(one["id"] for one in waiting if one["stage"] == stage)
        token = self.http.get(f"{place}/{number}").json()["token"]
        return self.http.post(f"{place}/{number}/open", json={"token": token, "values": values})

    def _force(self, scheduler: str, stage: str, **values: Any) -> httpx.Response:
        builder = self.builder(stage)
        return self.control(f"forceschedulers/{scheduler}", "force", builderid=builder, **values)

    def builder(self, stage: str) -> int:
        """Return the id of a stage's builder."""
        return self.get(f"builders/demo.{stage}")["builders"][0]["builderid"]

    def builds(self) -> list[dict[str, Any]]:
        """Return all builds, oldest first, with all their properties."""
        return self.get("builds?property=*&order=buildid")["builds"]

    def builds_of(self, run: int) -> list[dict[str, Any]]:
        """Return the builds of a run, oldest first."""
        wanted = [run, "Slipway"]
        return [one for one in self.builds() if one["properties"].get("slipway_run") == wanted]

    def passed(self, run: int) -> set[str]:
        """Return the stages of a run whose newest build has succeeded."""
        newest = {one["builderid"]: one["results"] for one in self.builds_of(run)}
        names = {one["builderid"]: one["name"] for one in self.get("builders")["builders"]}
        good = (names[builder] for builder, results in newest.items() if results == SUCCESS)
        return {name.removeprefix("demo.") for name in good}

    def wait_until_passed(self, run: int, stages: set[str]) -> None:
        """Wait until these stages of a run have succeeded."""
        wait_for(
            lambda: stages <= self.passed(run),
            lambda: f"{stages} of run {run}, not {self.passed(run)}\n{self.site.said()}",
        )
