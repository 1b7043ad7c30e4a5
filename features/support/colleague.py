"""Somebody who works with a site by its endpoints, as scripts and the pages do."""

from __future__ import annotations

from typing import Any

import httpx

from support.almanac import PASSWORD, AlmanacSite
from support.visitor import Visitor
from tests.support.machine import wait_for

API = "plugins/slipway/api/"
#: What answers the questions that must be answered.
ENOUGH = {"ticket": "OPS-1", "replicas": 2}


class Colleague(Visitor):
    """A person of the almanac, or a stranger."""

    def __init__(self, site: AlmanacSite, name: str = "") -> None:
        super().__init__(site)
        if name:
            self.sign_in(name, PASSWORD)

    # ---- asking and doing

    def read(self, path: str) -> Any:
        """Return what an endpoint tells."""
        answer = self.http.get(API + path)
        assert answer.status_code == httpx.codes.OK, f"{path}: {answer.text}"
        return answer.json()

    def do(self, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """Ask an endpoint to do something."""
        return self.http.post(API + path, json=body or {})

    def done(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Have something done that must succeed."""
        answer = self.do(path, body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    # ---- runs

    def run(self, number: int, project: str = "almanac") -> dict[str, Any]:
        """Return a run, whole."""
        return dict(self.read(f"runs/{project}/{number}"))

    def stage(self, number: int, name: str, project: str = "almanac") -> dict[str, Any]:
        """Return a stage of a run."""
        stages = self.run(number, project)["stages"]
        return dict(next(one for one in stages if one["name"] == name))

    def see_stage(self, number: int, name: str, *states: str, project: str = "almanac") -> None:
        """Wait until a stage is in one of these states."""
        wait_for(
            lambda: self.stage(number, name, project)["state"] in states,
            lambda: f"{name} {states}: {self.stage(number, name, project)}\n{self.site.said()}",
        )

    def newest(self, project: str = "almanac") -> int:
        """Return the number of the newest run; 0 where there is none."""
        rows = self.read(f"runs?project={project}&limit=1")["items"]
        return int(rows[0]["number"]) if rows else 0

    def after_first_poll(self) -> int:
        """Return the number of the newest run, once the first poll of the site has started one."""
        wait_for(self.newest, lambda: f"the first poll: {self.site.said()}")
        return self.newest()

    # ---- gates

    def waiting(self, stage: str) -> dict[str, Any] | None:
        """Return the newest gate of a stage that nobody has asked anything of, if there is one."""
        rows = self.read("gates?project=almanac&limit=100")["items"]
        mine = [one for one in rows if (one["stage"], one["state"]) == (stage, "open")]
        ready = [one for one in mine if one["ready"] and not one["rollback"]]
        return max(ready, key=lambda one: one["run"], default=None)

    def gate_of(self, number: int, stage: str) -> dict[str, Any]:
        """Wait until a stage of a run asks, and return its gate's dialog."""
        self.see_stage(number, stage, "gate")
        gate = self.stage(number, stage)["gate"]
        return dict(self.read(f"gates/{gate['id']}"))

    def open(self, number: int, stage: str, **values: Any) -> httpx.Response:
        """Answer a gate's questions."""
        gate = self.gate_of(number, stage)
        body = {"token": gate["token"], "values": values, "comment": "as agreed"}
        return self.do(f"gates/{gate['id']}/open", body)

    def need_waiting(self, stage: str) -> int:
        """Return the number of a run that waits for a stage; have one made if there is none.

        No later run has been there: it would go forward, not back.
        """
        self.after_first_poll()
        found, last = self.waiting(stage), max(self.deployed(stage), default=0)
        if found and found["run"] > last:
            return int(found["run"])
        if stage == "staging":
            running = self.read("runs?project=almanac&state=running&limit=1")["items"]
            number = running[0]["number"] if running else 0
            number = number if number > last else self._start()
        else:
            number = self.need_waiting("staging")
            answer = self.open(number, "staging", **ENOUGH)
            assert answer.is_success, answer.text
        self.gate_of(number, stage)
        return int(number)

    def _start(self) -> int:
        return int(self.done("runs", {"project": "almanac"})["number"])

    def need_deployed(self, count: int) -> list[int]:
        """Return the runs that have been brought to staging, the last one first.

        There are at least so many, and the last so many went forward.
        """
        while len(found := self.deployed("staging")) < count or found[0] < max(found[:count]):
            number = self.need_waiting("staging")
            answer = self.open(number, "staging", **ENOUGH)
            assert answer.is_success, answer.text
            self.see_stage(number, "staging", "passed")
        return found

    def deployed(self, environment: str) -> list[int]:
        """Return the runs that have been brought to an environment, the last one first."""
        rows = self.read(f"environments/almanac/{environment}?limit=50")["items"]
        return list(dict.fromkeys(one["run"] for one in rows if one["state"] == "deployed"))

    def current(self, environment: str) -> dict[str, Any]:
        """Return what runs in an environment now."""
        rows = self.read("environments?project=almanac")["items"]
        found = next(one for one in rows if one["name"] == environment)
        return dict(found["current"] or {})
