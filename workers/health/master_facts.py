"""What a worker knows of its master: its version, and how far the clocks are apart."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slipway.scripts.opened_files import NEW_FILE_FLAGS, read_plain

__all__ = ["CLOCK_BAD", "MasterFacts", "clock_sentence", "read_time", "version_sentence"]

#: The file in a worker's folder; no stage's folder has such a name.
_FILE = ".master.json"
_MOST = 2000
#: Seconds between the clocks that are mentioned, and those that are wrong: certificates of package
#: indexes and tokens are good for a while only, and make compares times.
_CLOCK_NOTED, CLOCK_BAD = 10.0, 300.0
#: A time that no clock shows.
_LATEST = 1e12


@dataclass(frozen=True)
class MasterFacts:
    """What the master has said when this worker connected."""

    version: str
    ahead: float
    """Seconds by which this machine's clock was ahead of the master's."""
    at: float
    """When that was, by this machine's clock."""

    def write(self, folder: Path) -> None:
        """Keep it in the worker's folder.

        Raises:
            OSError: It cannot be written.
        """
        fresh = folder / f"{_FILE}.new"
        # A stage may have put anything there: a link would lead elsewhere.
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, NEW_FILE_FLAGS, 0o600), "w", encoding="utf-8") as stream:
            json.dump(asdict(self), stream)
        fresh.replace(folder / _FILE)

    @classmethod
    def read(cls, folder: Path) -> MasterFacts | None:
        """Return what was kept; None if nothing sensible was."""
        try:
            found = json.loads(read_plain(folder, _FILE, _MOST))
            return cls(str(found["version"])[:40], float(found["ahead"]), float(found["at"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def read_time(given: Any) -> float | None:
    """Return a time that the other side has told; None if it is none that a clock shows.

    Args:
        given: Whatever it has sent, in seconds since 1970.
    """
    # No number is as long as that; float would raise.
    return float(given) if isinstance(given, (int, float)) and abs(given) < _LATEST else None


def clock_sentence(ahead: float, whose: str) -> str:
    """Return a sentence about clocks that are too far apart; else an empty one.

    Args:
        ahead: Seconds by which a worker's clock is ahead of the master's.
        whose: The worker's machine in the sentence.
    """
    if abs(ahead) <= _CLOCK_NOTED:
        return ""
    side = "ahead of" if ahead > 0 else "behind"
    return (
        f"the clock of {whose} is {abs(ahead):,.0f} s {side} the master's; have both set by the "
        "network (Linux: timedatectl set-ntp true; Windows: w32tm /resync)"
    )


def version_sentence(master: str, worker: str, whose: str) -> str:
    """Return a sentence about two versions of Slipway; an empty one if there is one.

    Args:
        master: The master's version.
        worker: The worker's version.
        whose: The worker in the sentence.
    """
    if master == worker:
        return ""
    return (
        f"the master has Slipway {master}, and {whose} has {worker}; its stages run the master's, "
        "which its first stage brings"
    )
