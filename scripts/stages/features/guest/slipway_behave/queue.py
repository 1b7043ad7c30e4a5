"""Distribute feature files to processes: claims in a shared folder, without a server.

For each feature the folder holds `claims/NAME.json` (pid, process, feature), created atomically by
the first process, and `done/NAME.json` (seconds, counts) once it has finished. A claim without its
done file, whose process has ended, is a lost feature.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["Queue", "deal", "estimates", "key", "longest_first", "lost", "seconds"]

_NAME = 60


def estimates(sizes: Mapping[str, int], history: Mapping[str, float]) -> dict[str, float]:
    """Estimate the seconds that each feature file takes.

    Args:
        sizes: Number of selected scenarios by feature file.
        history: Seconds of the last run; may lack files, and name deleted ones.
    """
    known = [file for file in sizes if history.get(file, 0) > 0 and sizes[file] > 0]
    seconds = sum(history[file] for file in known)
    each = seconds / sum(sizes[file] for file in known) if known else 1.0
    return {file: history.get(file) or size * each for file, size in sizes.items()}


def longest_first(weights: Mapping[str, float]) -> list[str]:
    """Return feature files, the slowest first."""
    return sorted(weights, key=lambda file: (-weights[file], file))


def deal(
    weights: Mapping[str, float], shard: int, shards: int, *, by_seconds: bool = True
) -> list[str]:
    """Return the feature files of one shard; all shards together have each once.

    Args:
        weights: Seconds by feature file; the same for all shards.
        shard: The shard's number, from 1.
        shards: The number of shards.
        by_seconds: True: balance seconds. False: distribute by name.
    """
    if not by_seconds:
        return sorted(weights)[shard - 1 :: shards]
    loads = [0.0] * shards
    mine: list[str] = []
    for file in longest_first(weights):
        least = loads.index(min(loads))
        loads[least] += weights[file]
        if least == shard - 1:
            mine.append(file)
    return mine


def key(feature: str) -> str:
    """Return the name of a feature's claim: readable, and unique for each feature."""
    digest = hashlib.sha256(feature.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', feature)[-_NAME:]}-{digest}"


class Queue:
    """The shared folder of one run."""

    def __init__(self, folder: str, index: int = 0) -> None:
        """Use a folder, which is created if missing."""
        self.folder = Path(folder)
        self.index = index
        self._failed = 0
        for name in ("claims", "done", "failures", "stopped"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def claim(self, feature: str) -> bool:
        """Claim a feature; return False if another process has it."""
        record = {"pid": os.getpid(), "process": self.index, "feature": feature}
        return self._create("claims", key(feature), {**record, "time": time.time()})

    def done(self, feature: str, seconds: float, counts: Mapping[str, int]) -> None:
        """Mark a claimed feature as finished."""
        record = {"feature": feature, "seconds": round(seconds, 4), "counts": dict(counts)}
        path = self.folder / "done" / f"{key(feature)}.json"
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps({**record, "process": self.index}), encoding="ascii")
        fresh.replace(path)

    def fail(self) -> None:
        """Count one failed scenario for all processes."""
        self._failed += 1
        self._create("failures", f"{self.index}-{os.getpid()}-{self._failed}", {})

    def failures(self) -> int:
        """Return the number of failed scenarios in all processes."""
        return self._count("failures")

    def stop(self) -> int:
        """Mark this process as unable to run, and return the number of such processes."""
        self._create("stopped", str(self.index), {})
        return self._count("stopped")

    def _count(self, kind: str) -> int:
        return sum(1 for _ in (self.folder / kind).iterdir())

    def _create(self, kind: str, name: str, record: Mapping[str, Any]) -> bool:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            file = os.open(self.folder / kind / f"{name}.json", flags, 0o644)
        except FileExistsError:
            return False
        with os.fdopen(file, "w", encoding="ascii") as stream:
            json.dump(record, stream)
        return True


def lost(folder: str) -> list[dict[str, Any]]:
    """Return the claims that were never finished; call it after all processes have ended."""
    claims, done = Path(folder, "claims"), Path(folder, "done")
    return [_read(one) for one in sorted(claims.glob("*.json")) if not (done / one.name).exists()]


def seconds(folder: str) -> dict[str, float]:
    """Return the seconds of each finished feature: the history for the next run."""
    return {one["feature"]: one["seconds"] for one in map(_read, _files(Path(folder, "done")))}


def _files(folder: Path) -> Iterable[Path]:
    return sorted(folder.glob("*.json"))


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    except ValueError:  # the process was killed between creating and writing it
        found = {"feature": path.stem, "pid": 0, "process": 0}
    return found
