"""A notifier for tests that tells persons: `letters`, a package of its own beside Slipway."""

from __future__ import annotations

from pathlib import Path

_MODULE = '''
import json, pathlib
from typing import ClassVar, Literal

from slipway.plugins import Notifier, Refused, Retry, Sender


class Letters(Notifier):
    """Add a line to a file for each person."""

    runner: ClassVar[str] = "slipway_letters:Writer"
    to_persons: ClassVar[bool] = True

    kind: Literal["letters"]
    folder: str
    """The folder."""


class Writer(Sender):
    def send(self, notice, context):
        folder = pathlib.Path(self.settings.folder)
        if (folder / "away").exists():
            raise Retry("the server is away", channel=True)
        if context.recipient.address.startswith("refused@"):
            raise Refused(f"550 no such person: {context.recipient.address}")
        told = {
            "to": context.recipient.address, "key": context.key, "attempt": context.attempt,
            "unsubscribe": context.unsubscribe, "rules_url": context.rules_url,
            "notice": notice.model_dump(mode="json"),
        }
        with (folder / "letters.jsonl").open("a") as stream:
            stream.write(json.dumps(told) + chr(10))
        return f"250 taken for {context.recipient.person}"
'''


def install(folder: Path) -> str:
    """Write the package into a folder that is to be in PYTHONPATH; return that folder."""
    folder.mkdir(exist_ok=True)
    (folder / "slipway_letters.py").write_text(_MODULE)
    facts = folder / "slipway_letters-1.0.dist-info"
    facts.mkdir(exist_ok=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: slipway-letters\nVersion: 1.0\n")
    entry = "[slipway.notifiers]\nletters = slipway_letters:Letters\n"
    (facts / "entry_points.txt").write_text(entry)
    return str(folder)
