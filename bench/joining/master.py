"""The bench's two masters: one with a project of ours for each width, one of stock Buildbot.

Two, as each has its own order of builders (`prioritizeBuilders`): ours as in master.cfg, Buildbot's
its default. Both have as many builders for the parts; Buildbot's two ways share theirs, since more
would make it slower.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from buildbot.plugins import schedulers, steps, util, worker
from buildbot.process.buildstep import BuildStep
from buildbot.process.results import SUCCESS
from buildbot.util.service import BuildbotService
from sqlalchemy import event
from sqlalchemy.orm import Session
from twisted.internet import defer

from slipway.config import parse
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import StageResult
from slipway.master.buildbot_config.master_config import Plan
from slipway.state_folder import Home

WORKERS = ["w1", "w2", "w3"]


def configuration(here: Path, port: int, widths: list[int], *, ours: bool) -> dict[str, Any]:
    """Return Buildbot's configuration.

    Args:
        here: The master's folder; what happens is written into its file "stamps".
        port: Of the web API.
        widths: How many needs the stages have that are measured.
        ours: Whether it runs ours, or Buildbot's own ways.
    """
    c: dict[str, Any] = {
        "buildbotURL": f"http://localhost:{port}/",
        "db": {"db_url": f"sqlite:///{here / 'state.sqlite'}"},
        "protocols": {"pb": {"port": "tcp:0:interface=127.0.0.1"}},
        "workers": [worker.LocalWorker(name, max_builds=4) for name in WORKERS],
        "schedulers": [schedulers.ForceScheduler("floor", builderNames=["floor"])],
        "builders": [_builder("floor", Stamp(here))],
        "services": [Recorder(here, name="recorder")],
        "www": {"port": f"tcp:{port}:interface=127.0.0.1", "plugins": {}},
        "collapseRequests": False,
        "buildbotNetUsageData": None,
    }
    for width in widths:
        parts = [f"fan{width}.p{number}" for number in range(width)]
        c["builders"] += [_builder(name, Part(here)) for name in parts]
        if ours:
            c["builders"].append(_builder(f"fan{width}.join", Part(here)))
        else:
            _stock(c, here, width, parts)
    if ours:
        plan = Plan(parse((here / "pipeline.toml").read_text()), here, Home(here / "state"))
        c["projects"], c["prioritizeBuilders"] = plan.projects(), plan.order
        c["schedulers"] += plan.schedulers()
        c["services"] += plan.services()
    return c


def _stock(c: dict[str, Any], here: Path, width: int, parts: list[str]) -> None:
    first, names = {}, ("dependent", "trigger")
    for way in names:
        name = f"{way}{width}"
        first[way] = schedulers.Triggerable(f"{name}-first", builderNames=parts)
        waits = way == "trigger"
        doings = [steps.Trigger(schedulerNames=[f"{name}-first"], waitForFinish=waits)]
        if waits:
            doings.append(steps.Trigger(schedulerNames=[f"{name}-join"], waitForFinish=True))
        c["schedulers"] += [
            first[way],
            schedulers.ForceScheduler(f"{name}-force", builderNames=[f"{name}-parent"]),
        ]
        c["builders"] += [
            _builder(f"{name}-parent", *doings),
            _builder(f"{name}-join", Stamp(here)),
        ]
    joins = [f"{way}{width}-join" for way in names]
    c["schedulers"] += [
        schedulers.Dependent(joins[0], upstream=first["dependent"], builderNames=joins[:1]),
        schedulers.Triggerable(joins[1], builderNames=joins[1:]),
    ]


def _builder(name: str, *doings: BuildStep) -> util.BuilderConfig:
    return util.BuilderConfig(name, workernames=WORKERS, factory=util.BuildFactory(list(doings)))


def _write(here: str | Path, what: str, at: float) -> None:
    with Path(here, "stamps").open("a") as out:
        out.write(json.dumps([what, at]) + "\n")


class Stamp(BuildStep):
    """Writes down when it ran; the cheapest step there is."""

    name = "stamp"

    def __init__(self, here: Path, **keys: Any) -> None:
        super().__init__(**keys)
        self.here = str(here)

    async def run(self) -> int:
        """Write it down."""
        _write(self.here, f"step of {self.build.builder.name}", time.time())
        return SUCCESS


class Part(Stamp):
    """One of those that are waited for; of ours, it claims its job and tells its end."""

    async def run(self) -> int:
        """Do as a stage's step does, but for the script."""
        stage, builder = self.getProperty("slipway_stage"), self.build.builder.name
        await super().run()
        if stage is not None:
            ledger = self.master.service_manager.namedServices["slipway"]
            await ledger.claim(stage, self.build.buildid, self.build.workername)
        _write(self.here, f"script of {builder}", time.time())
        if stage is not None:
            await ledger.record_result(stage, 0, "", {})
        return SUCCESS


class Recorder(BuildbotService):
    """Writes down when builds are asked for and end, and when the ledger has decided.

    Buildbot's tables keep whole seconds only.
    """

    def __init__(self, here: Path, **keys: Any) -> None:
        super().__init__(**keys)
        self.here = here
        self.queued: list[str] = []

    async def startService(self) -> None:  # noqa: N802  Buildbot's name
        """Listen."""
        await super().startService()
        await self.master.mq.startConsuming(self.ended, ("builds", None, "finished"))
        await self.master.mq.startConsuming(self.asked, ("buildrequests", None, "new"))
        await self.master.mq.startConsuming(self.written, ("slipway", None, "changed"))
        event.listen(LedgerSession, "after_flush", self.flushed)

    def flushed(self, session: Session, _context: Any) -> None:
        """See that a transaction queues what joins others."""
        self.queued += [
            f"{one.run.project}.join"
            for one in session.new
            if isinstance(one, StageResult) and one.name == "join"
        ]

    def written(self, _key: Any, _message: dict[str, Any]) -> None:
        """Hear that the ledger has committed a transaction."""
        now = time.time()
        while self.queued:
            _write(self.here, f"ledger of {self.queued.pop()}", now)

    def asked(self, _key: Any, message: dict[str, Any]) -> Any:
        """Hear of a request."""
        return defer.ensureDeferred(self._stamp(message, "request of", time.time()))

    def ended(self, _key: Any, message: dict[str, Any]) -> Any:
        """Hear of an end."""
        return defer.ensureDeferred(self._stamp(message, "end of", time.time()))

    async def _stamp(self, message: dict[str, Any], what: str, now: float) -> None:
        builder = await self.master.data.get(("builders", str(message["builderid"])))
        _write(self.here, f"{what} {builder['name']}", now)
