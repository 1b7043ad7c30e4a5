"""Kill a publisher at random moments, while a reader polls what it publishes."""

from __future__ import annotations

import hashlib
import multiprocessing
import random
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from slipway.model.kinds.stage import STAGES
from slipway.model.protocol.job import Job, RunFacts
from slipway.scripts.releases.outgoing import OutgoingRelease, Pointers
from slipway.scripts.stages.publish.delivery.one_target import Destination
from slipway.scripts.stages.publish.delivery.side_by_side import deliver
from slipway.scripts.stages.publish.targets.folder.settings import FolderTarget
from slipway.scripts.stages.publish.targets.folder.target import FolderCopy

from .release_targets import Told, make_release

__all__ = ["Counted", "kill_publishers"]

#: Seconds between two looks of the reader.
_PAUSE = 0.01
#: How many publishers of one release are killed at most, before one may complete it.
_IN_TURN = 3


@dataclass
class Counted:
    """What was seen."""

    kills: int = 0
    published: int = 0
    looks: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)


class _Reader(threading.Thread):
    """A reader of a release's folder: it must see nothing, or all of it."""

    def __init__(self, folder: Path, release: OutgoingRelease, counted: Counted) -> None:
        super().__init__(daemon=True)
        self._folder, self._counted = folder, counted
        self._sizes = {file.name: file.size for file in release.files}
        self._ended = threading.Event()

    def run(self) -> None:
        """Look, until `end` is called."""
        while not self._ended.wait(_PAUSE):
            self._counted.looks += 1
            try:
                sizes = {path.name: path.stat().st_size for path in self._folder.iterdir()}
            except FileNotFoundError:
                continue
            if sizes != self._sizes:
                seen = len(sizes.items() & self._sizes.items())
                self._counted.half.append(f"{seen} of {len(self._sizes)} files")

    def end(self) -> None:
        """End it."""
        self._ended.set()
        self.join()


def kill_publishers(scratch: Path, files: int, kills: int, seed: int = 7) -> Counted:
    """Publish to a folder, killed with SIGKILL again and again, until so many were killed.

    Args:
        scratch: An empty folder.
        files: How many small files a release has.
        kills: How many publishers are killed.
        seed: Of the random moments.
    """
    data = {f"file-{one:04}.bin": one.to_bytes(8, "big") * (one % 500) for one in range(files)}
    release = make_release(scratch / "release", "1.0.0", data)
    some, counted = random.Random(seed), Counted()
    begun = time.monotonic()
    _one(release, scratch / "first").join()
    whole = time.monotonic() - begun
    for number in range(kills * 10):
        if counted.kills >= kills:
            break
        root = scratch / f"there{number}"
        reader = _Reader(root / release.project / release.version, release, counted)
        reader.start()
        # Several in turn: each goes on where the one before was killed.
        for _ in range(min(_IN_TURN, kills - counted.kills)):
            process = _one(release, root)
            process.join(some.uniform(0, whole))
            if process.exitcode is not None:
                break
            process.kill()
            process.join()
            counted.kills += 1
        _one(release, root).join()
        reader.end()
        _count(release, root / release.project, counted)
        shutil.rmtree(root)
    return counted


def _one(release: OutgoingRelease, root: Path) -> multiprocessing.context.ForkProcess:
    process = multiprocessing.get_context("fork").Process(target=_publish, args=(release, root))
    process.start()
    return process


def _publish(release: OutgoingRelease, root: Path) -> None:
    job = Job(
        project=release.project,
        name="publish",
        stage=STAGES.members["publish"].model_validate({"uses": "publish"}),
        run=RunFacts(number=7, revision="", branch="", committed_at=1, version=release.version),
        output=str(root),
        cache=str(root),
        state=str(root),
    )
    told = Told()
    target = FolderCopy(FolderTarget(kind="folder", path=str(root)), job, told)
    deliver([Destination("there", target)], release, Pointers(release.version, {}), told)


def _count(release: OutgoingRelease, project: Path, counted: Counted) -> None:
    """Count what is lost and what is there twice, when the last publisher has ended."""
    there = project / release.version
    for file in release.files:
        path = there / file.name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != file.sha256:
            counted.lost.append(file.name)
    known = {file.name for file in release.files}
    counted.doubled += [path.name for path in there.iterdir() if path.name not in known]
    counted.doubled += [
        path.name for path in project.iterdir() if path.suffix == ".part" and path.is_dir()
    ]
    counted.published += 1
