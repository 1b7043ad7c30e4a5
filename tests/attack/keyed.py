"""A stage as a worker runs it, whose program is hostile: the script itself, for real."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.model.protocol.event import AnyEvent, ArtefactLeft, Notice, read_event
from slipway.model.protocol.event_codes import CodeReader, made_key
from slipway.model.protocol.job import Job, RunFacts
from slipway.model.protocol.script_input import Dispatched

KEYED = [sys.executable, "-m", "slipway.cli", "stage", "command", "--keyed"]
#: As root the kernel lets a process open what it likes: a worker should not be root, and here the
#: script and its program go without the right.
_PLAIN = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] if os.getuid() == 0 else []


@dataclass
class Told:
    """What a script said, and what else came out of it."""

    code: int
    events: list[AnyEvent]
    forged: list[str]
    log: str
    errors: str
    key: str

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def complaints(self) -> list[str]:
        return [event.text for event in self.of(Notice) if event.level == "error"]

    @property
    def artefacts(self) -> list[str]:
        return [event.name for event in self.of(ArtefactLeft)]


def job(folder: Path, program: str, *artefacts: str, **keys: Any) -> Job:
    """Return a job whose program is Python code."""
    stage = {
        "uses": "command",
        "argv": [sys.executable, "-c", program],
        "artefacts": artefacts,
        "timeout": keys.pop("timeout", 60),
    }
    return Job(
        project="demo",
        name="hostile",
        stage=stage,
        run=RunFacts(number=7, revision="", branch="main", committed_at=1, version="1+7"),
        output=str(folder / "output"),
        cache=str(folder / "cache"),
        state=str(folder / "state"),
        **keys,
    )


def begin(folder: Path, handed: Dispatched, **options: Any) -> subprocess.Popen[bytes]:
    """Start the script in a folder of its own; what it is handed has been written."""
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [*_PLAIN, *KEYED],
        cwd=work,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        **options,
    )
    process.stdin.write(handed.packed().encode())
    process.stdin.close()
    process.stdin = None
    return process


def finish(process: subprocess.Popen[bytes], key: str) -> Told:
    """Wait for the script's end and listen to it as its step does."""
    output, errors = process.communicate(timeout=90)
    codes = CodeReader(key)
    events, forged, lines = [], [], []
    for line in re.findall(r"[^\n]*\n|[^\n]+", output.decode(errors="replace")):
        log, mark, record = line.partition("\x1e")
        lines.append(log)
        if mark:
            json = codes.plain(record.rstrip("\n"))
            if json is None:
                forged.append(record)
            else:
                events.append(read_event(json))
    return Told(
        process.returncode, events, forged, "".join(lines), errors.decode(errors="replace"), key
    )


def run_stage(folder: Path, program: str, *artefacts: str, **keys: Any) -> Told:
    """Run a stage of Python code to its end."""
    key = made_key()
    handed = Dispatched(job=job(folder, program, *artefacts, **keys), key=key)
    return finish(begin(folder, handed), key)
