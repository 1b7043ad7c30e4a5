"""Run one process of a features run: the guest, its events, and its own application."""

from __future__ import annotations

import json
import secrets
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from slipway.scripts.output_blocks import read_blocks
from slipway.scripts.stages.features.early_start import (
    Process,
    Started,
    hand_settings,
    start_process,
)

if TYPE_CHECKING:
    import io

    from slipway.scripts.report import Report
    from slipway.scripts.stages.features.application.external import UnderTest

__all__ = ["FeatureProcess", "Launch"]

_TAIL = 30
#: Characters of one scenario's output that may wait for its end.
_MOST_HELD = 1_000_000


@dataclass(frozen=True)
class Launch:
    """The launch settings of a process."""

    python: Path
    source: Path
    env: Mapping[str, str]
    settings: Mapping[str, Any]
    """The settings that guest/slipway_behave/main.py describes, without `events`."""
    folder: Path
    """The folder for its settings and events."""


class FeatureProcess:
    """A running guest; its events can be read while it runs."""

    def __init__(
        self, launch: Launch, index: int, report: Report, started: Started | None = None
    ) -> None:
        """Start the guest.

        Args:
            launch: The launch settings.
            index: The index of this process in the run, from 0.
            report: Receives its output as log.
            started: Processes that wait for their settings.
        """
        self.index = index
        self.application: UnderTest | None = None
        self.tail: deque[str] = deque(maxlen=_TAIL)
        self._events = launch.folder / f"events-{index}.ndjson"
        self._events.touch()
        self._offset = 0
        place = (launch.python, launch.source, launch.env)
        taken = started.take(*place) if started is not None else None
        process: Process
        process, variables = taken or (start_process(*place), {})
        self._process = process
        # Lines of two processes are never mixed: those of a scenario are logged together.
        together = launch.settings.get("jobs", 1) > 1
        self._mark = f"\x1escenario {secrets.token_hex(8)}\n" if together else ""
        settings = launch.folder / f"settings-{index}.json"
        facts = {
            **launch.settings,
            "index": index,
            "events": str(self._events),
            "environment": variables,
            "mark": self._mark.rstrip("\n"),
        }
        settings.write_text(json.dumps(facts), "utf-8")
        hand_settings(self._process, settings)
        self._reader = threading.Thread(target=self._read, args=(report,), daemon=True)
        self._reader.start()

    def _read(self, report: Report) -> None:
        stream = cast("io.TextIOWrapper", self._process.stdout)
        held: list[str] = []
        try:
            for block in read_blocks(cast("io.BufferedReader", stream.buffer)):
                *ended, rest = block.split(self._mark) if self._mark else (block, "")
                for text in ended:
                    _log(report, [*held, text])
                    held.clear()
                held.append(rest)
                self.tail.extend("".join((*ended, rest)).rstrip().split("\n")[-_TAIL:])
                if sum(map(len, held)) > _MOST_HELD:
                    _log(report, held)
                    held.clear()
        finally:
            _log(report, held)

    @property
    def code(self) -> int | None:
        """The exit code; None while it is running."""
        return self._process.poll()

    def wait(self, patience: float) -> None:
        """Wait until it has ended, at most about `patience` seconds."""
        self._reader.join(patience)
        if not self._reader.is_alive():
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)

    @property
    def ending(self) -> str:
        """The exit code and the last lines of output."""
        last = " | ".join(line for line in tuple(self.tail)[-5:] if line.strip())
        return f"ended with exit code {self.code}: {last}"

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the events written since the last call."""
        with self._events.open("rb") as stream:
            stream.seek(self._offset)
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                yield json.loads(line)

    def end(self) -> None:
        """End the guest with its process tree. Idempotent."""
        if self._process.poll() is None:
            # Imported late: most processes end by themselves.
            from slipway.scripts.process_tree import end_tree

            end_tree(self._process.pid)
        self._process.wait()
        self._reader.join(timeout=5)
        if self._process.stdout is not None:
            self._process.stdout.close()


def _log(report: Report, texts: list[str]) -> None:
    if text := "".join(texts):
        report.log(text)
