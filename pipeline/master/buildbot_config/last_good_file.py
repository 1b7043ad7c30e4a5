"""The pipeline.toml that a master runs by, kept for commands when a newer one is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from buildbot.util.service import BuildbotService


class KeptSite(BuildbotService):
    """Writes the file down at the start, and again when the master has taken up another."""

    compare_attrs: ClassVar[tuple[str, ...]] = ("text", "place")

    def checkConfig(self, *, text: str, place: str) -> None:
        """Check the arguments; pipeline.toml's own check has been there before."""
        super().checkConfig()

    async def reconfigService(self, *, text: str, place: str) -> None:
        """Take up what the master runs by now."""
        self.text, self.place = text, place
        await super().reconfigService()
        if self.running:
            self._write()

    async def startService(self) -> None:
        """Write down what the master was started with."""
        await super().startService()
        self._write()

    def _write(self) -> None:
        place = Path(self.place)
        part = place.with_name(f".{place.name}.part")
        part.unlink(missing_ok=True)
        # People's addresses and hashes of passwords are in it.
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(self.text.encode())
        part.replace(place)
