"""Measure ways to bring a release somewhere: seconds, processor, memory."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from slipway.model.kinds.stage import STAGES
from slipway.model.protocol.job import Job, RunFacts
from slipway.scripts.releases.outgoing import OutgoingRelease, Pointers
from slipway.scripts.releases.target import ReleaseTarget
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.delivery.one_target import Destination
from slipway.scripts.stages.publish.delivery.side_by_side import deliver

__all__ = ["Measured", "Quiet", "Way", "bring", "job_of", "measure"]


@dataclass(frozen=True)
class Way:
    """One way to bring a release somewhere."""

    name: str
    do: Callable[[], None]
    """Brings it; `begin` has been called before each time."""
    begin: Callable[[], None]
    """Makes the place empty; not measured."""
    rival: str | None = None
    """The way it is compared with."""
    aim: float | None = None
    """At least so much of the rival's speed."""
    only_told: bool = False
    """True: its ratio is shown, and no aim depends on it."""


@dataclass
class Measured:
    """What the rounds of one way took."""

    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    """Bytes above what the interpreter had with all modules loaded, or of the largest program."""


class Quiet(Report):
    """A report that says nothing."""

    def emit(self, event: Any) -> None:
        """Forget it."""

    def log(self, text: str) -> None:
        """Forget it."""


def job_of(state: Path, version: str = "1.0.0", **secrets: str) -> Job:
    """Return a job of a publish stage, with secrets as a worker has them."""
    return Job(
        project="bench",
        name="publish",
        stage=STAGES.members["publish"].model_validate({"uses": "publish", "env": secrets}),
        run=RunFacts(number=1, revision="ab" * 20, branch="main", committed_at=1, version=version),
        output=str(state / "output"),
        cache=str(state / "cache"),
        state=str(state),
    )


def bring(target: ReleaseTarget, release: OutgoingRelease) -> None:
    """Bring a release to a target as the stage does."""
    deliver([Destination("there", target)], release, Pointers(release.version, {}), Quiet())


def measure(way: Way, measured: Measured) -> None:
    """Do it once, in a process of its own that has loaded everything."""
    way.begin()
    os.sync()  # what the one before left to write must not be paid by this one
    reader, writer = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_child, args=(way, writer))
    process.start()
    writer.close()
    try:
        seconds, processor, memory = reader.recv()
    except EOFError:
        sys.exit(f"{way.name} failed")
    process.join()
    measured.seconds.append(seconds)
    measured.processor.append(processor)
    measured.memory.append(memory)


def _child(way: Way, writer: Connection) -> None:
    # From now on, VmHWM counts anew.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before, used = _kilobytes("VmRSS"), _processor()
    begun = time.perf_counter()
    way.do()
    seconds = time.perf_counter() - begun
    programs = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    most = max(_kilobytes("VmHWM") - before, programs)
    writer.send((seconds, _processor() - used, most * 1024))


def _kilobytes(key: str) -> int:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(key))


def _processor() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)
