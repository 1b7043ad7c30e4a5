"""Keep the master's valid pipeline.toml for commands to use while a newer one is invalid."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from buildbot.util.service import BuildbotService

__all__ = ["KeptSite"]


class KeptSite(BuildbotService):
    """Writes the file at the start, and after each reconfiguration."""

    compare_attrs: ClassVar[tuple[str, ...]] = ("text", "place")

    def checkConfig(self, *, text: str, place: str) -> None:
        """Accept the arguments; pipeline.toml was validated before."""
        super().checkConfig()

    async def reconfigService(self, *, text: str, place: str) -> None:
        """Write the new configuration, if the service runs."""
        self.text, self.place = text, place
        await super().reconfigService()
        if self.running:
            self._write()

    async def startService(self) -> None:
        """Write the initial configuration."""
        await super().startService()
        self._write()

    def _write(self) -> None:
        place = Path(self.place)
        part = place.with_name(f".{place.name}.part")
        part.unlink(missing_ok=True)
        # Mode 0600: it contains addresses of people and password hashes.
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(self.text.encode())
        part.replace(place)
