"""Provide stages' places: as the worker's own user, or by the launcher as the tenants' users."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

from twisted.internet import defer, protocol, threads
from twisted.internet import reactor as installed
from twisted.internet.error import ReactorNotRunning
from twisted.python import log
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from slipway.scripts import removal
from slipway.workers.launcher import handover
from slipway.workers.places.place import NoPlace, Places, clear_way, new_file, open_output_file

__all__ = ["AreaPlaces", "Begun", "Ground", "HandedPlaces", "OwnPlaces", "places_here", "reactor"]

_THREADS = 64
#: Limits of concurrent removals, in total and of one tenant: a stage can make its own take long.
_CLEARING, _CLEARING_OF_ONE = 32, 4
#: Buildbot types this module as if it were an interface; it is the object that provides it.
reactor: Any = installed


@dataclass
class Begun:
    """A fresh place, as a worker command reports it."""

    work: Path
    """The folder in which Buildbot starts the script."""
    given: str
    """The name of the folder for fetched files, beside the script's folder."""
    problem: str
    """The reason why it does not lie in its builder's usual folder; empty if it does."""


class Ground(Protocol):
    """Interface for creating and removing places and for opening files in them."""

    def begin(self, builder: Path, run: str, tenant: str) -> defer.Deferred[Begun]:
        """Create a fresh place; see `Places.begin`."""

    def new_file(self, builder: Path, name: str) -> defer.Deferred[int]:
        """Open a new file in the folder for fetched files."""

    def open_output_file(self, builder: Path, path: str, size: int) -> defer.Deferred[int]:
        """Open a file that a stage has left."""

    def clear(self, builder: Path) -> defer.Deferred[list[str]]:
        """Remove what former places of a builder have left; return one sentence per failure."""

    def end(self, builder: Path) -> defer.Deferred[list[str]]:
        """Remove a builder's place; return one sentence per failure."""


def places_here() -> Ground:
    """Return the provider of places for this worker."""
    folder = os.environ.get(handover.VARIABLE)
    if not folder:
        return OwnPlaces()
    if handover.ROOMS in os.environ:
        return AreaPlaces(Path(folder))
    return HandedPlaces(Path(folder))


class OwnPlaces:
    """Places of the worker's own user."""

    def __init__(self) -> None:
        self._places = Places()

    def begin(self, builder: Path, run: str, _tenant: str) -> defer.Deferred[Begun]:
        """Create a fresh place."""

        def make() -> Begun:
            place = self._places.begin(builder, run)
            return Begun(place.work, place.given.name, place.problem)

        return defer.execute(make)

    def new_file(self, builder: Path, name: str) -> defer.Deferred[int]:
        """Open a new file."""
        return defer.execute(lambda: new_file(self._places.of(builder), name))

    def open_output_file(self, builder: Path, path: str, size: int) -> defer.Deferred[int]:
        """Open a file that a stage has left."""
        return defer.execute(lambda: open_output_file(self._places.of(builder), path, size))

    def clear(self, builder: Path) -> defer.Deferred[list[str]]:
        """Remove what former places have left, in a separate process."""
        return _clear(self._places.leftovers(builder))

    def end(self, builder: Path) -> defer.Deferred[list[str]]:
        """Remove a place."""
        self._places.leave(builder)
        return self.clear(builder)


class AreaPlaces:
    """Places of the worker's own user, each in its tenant's folder; see `rooms`."""

    def __init__(self, launcher: Path) -> None:
        """Initialize.

        Args:
            launcher: The folder of the launcher's socket.
        """
        self._launcher = launcher
        self._places = Places()
        self._now: dict[Path, Path] = {}

    def begin(self, builder: Path, run: str, tenant: str) -> defer.Deferred[Begun]:
        """Create a fresh place in the tenant's folder."""
        order = {"do": "where", "tenant": tenant}
        done: defer.Deferred[Any] = _asked(self._launcher, order, reactor.getThreadPool())
        return done.addCallback(
            lambda found: threads.deferToThread(
                self._begun, builder, run, tenant, Path(found[0]["area"])
            )
        )

    def _begun(self, builder: Path, run: str, tenant: str, area: Path) -> Begun:
        inside = area / builder.name
        before = self._now.pop(builder, inside)
        if before != inside:
            # The old place belongs to another tenant: its rest is removed when that tenant's next
            # stage begins.
            self._places.leave(before)
        _have_home(area)
        place = self._places.begin(inside, run)
        self._now[builder] = inside
        given = place.given.name
        handover.note(builder, {"tenant": tenant, "folder": str(place.folder), "given": given})
        return Begun(builder / "build", given, place.problem)

    def new_file(self, builder: Path, name: str) -> defer.Deferred[int]:
        """Open a new file."""
        return defer.execute(lambda: new_file(self._places.of(self._inside(builder)), name))

    def open_output_file(self, builder: Path, path: str, size: int) -> defer.Deferred[int]:
        """Open a file that a stage has left."""
        inside = self._inside(builder)
        return defer.execute(lambda: open_output_file(self._places.of(inside), path, size))

    def clear(self, builder: Path) -> defer.Deferred[list[str]]:
        """Remove what former places have left, in a separate process."""
        return self._cleared(self._places.leftovers, self._inside(builder))

    def end(self, builder: Path) -> defer.Deferred[list[str]]:
        """Remove a place."""

        def leftovers(inside: Path) -> list[Path]:
            self._places.leave(inside)
            return self._places.leftovers(inside)

        return self._cleared(leftovers, self._inside(builder))

    @staticmethod
    def _cleared(
        leftovers: Callable[[Path], list[Path]], inside: Path
    ) -> defer.Deferred[list[str]]:
        # In a thread: a stage may have left millions of files to scan.
        found: defer.Deferred[Any] = threads.deferToThread(leftovers, inside)
        return found.addCallback(_clear)

    def _inside(self, builder: Path) -> Path:
        # Without an area no place was begun; `Places` raises the error for that.
        return self._now.get(builder, builder)


def _have_home(area: Path) -> None:
    """Create the home folder of a tenant's stages if it is missing."""
    clear_way(area / "home")
    (area / "home").mkdir(mode=0o700, exist_ok=True)


class HandedPlaces:
    """Places of tenants' users, created and opened by the launcher.

    The worker's user cannot enter them.
    """

    def __init__(self, launcher: Path) -> None:
        """Initialize.

        Args:
            launcher: The folder of the launcher's socket.
        """
        self._launcher = launcher
        reactor.suggestThreadPoolSize(_THREADS)
        # An own thread pool: long removals must not delay other calls, nor the end of this worker.
        removers: Any = ThreadPool(0, _CLEARING, "clearing")
        removers.threadFactory = partial(Thread, daemon=True)
        removers.start()
        self._removers: ThreadPool = removers
        self._removing: Counter[str] = Counter()
        self._now: dict[Path, dict[str, Any]] = {}
        self._leftovers: dict[Path, list[str]] = {}

    def begin(self, builder: Path, run: str, tenant: str) -> defer.Deferred[Begun]:
        """Create a fresh place in the tenant's folder."""
        before = self._now.pop(builder, {})
        if before.get("tenant") != tenant:
            before = {}
        order = {**before, "do": "begin", "tenant": tenant, "builder": builder.name, "run": run}
        done: defer.Deferred[Any] = self._asked(order)
        return done.addCallback(partial(self._begun, builder, tenant, run))

    def _begun(
        self, builder: Path, tenant: str, run: str, answer: tuple[dict[str, Any], int | None]
    ) -> Begun:
        found, _ = answer
        self._leftovers[builder] = list(found["left"])
        place = {"tenant": tenant, "folder": found["folder"], "given": found["given"]}
        self._now[builder] = {**place, "before": run}
        # Buildbot starts the script there; the stand-in for `slipway` reads the real place from it.
        work = handover.note(builder, place)
        return Begun(work, str(found["given"]), str(found["problem_before"]))

    def new_file(self, builder: Path, name: str) -> defer.Deferred[int]:
        """Open a new file."""
        return self._opened(builder, {"do": "new", "name": name})

    def open_output_file(self, builder: Path, path: str, size: int) -> defer.Deferred[int]:
        """Open a file that a stage has left."""
        return self._opened(builder, {"do": "left", "path": path, "size": size})

    def _opened(self, builder: Path, order: dict[str, Any]) -> defer.Deferred[int]:
        def opened(answer: tuple[dict[str, Any], int | None]) -> int:
            if answer[1] is None:
                msg = "the launcher gave no file"
                raise NoPlace(msg)
            return answer[1]

        if builder not in self._now:
            msg = f"{builder.name} has no place on this worker; it was restarted"
            return defer.fail(NoPlace(msg))
        return self._asked({**self._now[builder], **order}).addCallback(opened)

    def clear(self, builder: Path) -> defer.Deferred[list[str]]:
        """Remove what former places have left."""
        leftovers, now = self._leftovers.pop(builder, []), self._now.get(builder)
        if not leftovers or now is None:
            return defer.succeed([])
        return self._cleared(now["tenant"], leftovers)

    def end(self, builder: Path) -> defer.Deferred[list[str]]:
        """Remove a place."""
        before = self._now.pop(builder, None)
        if before is None:
            return defer.succeed([])
        done: defer.Deferred[Any] = self._asked({**before, "do": "end", "builder": builder.name})
        return done.addCallback(lambda found: self._cleared(before["tenant"], found[0]["left"]))

    def _cleared(self, tenant: str, leftovers: list[str]) -> defer.Deferred[list[str]]:
        if self._removing[tenant] >= _CLEARING_OF_ONE:
            # The rest is found again when the next stage begins.
            return defer.succeed([f"what earlier runs of {tenant} left is still being removed"])
        self._removing[tenant] += 1
        order = {"do": "clear", "tenant": tenant, "left": leftovers}
        done: defer.Deferred[Any] = self._asked(order, self._removers)

        def ended(found: Any) -> Any:
            self._removing[tenant] -= 1
            return found

        return done.addBoth(ended).addCallback(lambda found: list(found[0]["said"]))

    def _asked(
        self, order: dict[str, Any], pool: ThreadPool | None = None
    ) -> defer.Deferred[tuple[dict[str, Any], int | None]]:
        return _asked(self._launcher, order, pool or reactor.getThreadPool())


def _asked(
    launcher: Path, order: dict[str, Any], pool: ThreadPool
) -> defer.Deferred[tuple[dict[str, Any], int | None]]:
    # In a thread: what a stage has put there may block the launcher's process for a while.
    done = threads.deferToThreadPool(reactor, pool, handover.ask, launcher, order)
    return done.addErrback(_end_without_launcher)


def _end_without_launcher(failure: Failure) -> Any:
    """End this worker if its launcher has ended.

    It can run nothing without one, and is started again.
    """
    failure.trap(ConnectionRefusedError, FileNotFoundError)
    log.msg("the launcher of this worker has ended; so does the worker, to be started again")
    with contextlib.suppress(ReactorNotRunning):
        reactor.stop()
    # Never fired: the master then regards the worker as lost and retries the stage.
    return defer.Deferred()


class _Clearing(protocol.ProcessProtocol):
    """Remove folders in a separate process: a mount that hangs blocks only that process."""

    def __init__(self) -> None:
        self.output = b""
        self.done: defer.Deferred[list[str]] = defer.Deferred()

    def outReceived(self, data: bytes) -> None:
        self.output = (self.output + data)[-20_000:]

    def processEnded(self, _reason: Any) -> None:
        self.done.callback(self.output.decode(errors="replace").splitlines())


def _clear(folders: list[Path]) -> defer.Deferred[list[str]]:
    """Remove folders; return one sentence per folder that could not be removed, with the reason."""
    if not folders:
        return defer.succeed([])
    clearing_ = _Clearing()
    # Isolated mode, no site packages: no code that a stage could have prepared is loaded.
    words = [sys.executable, "-I", "-S", removal.__file__, *map(str, folders)]
    env: dict[str, str] | None = None if os.name == "nt" else {}
    reactor.spawnProcess(clearing_, sys.executable, words, env=env)
    return clearing_.done
