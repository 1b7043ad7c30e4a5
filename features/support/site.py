"""A site for one feature, in a temporary folder; nothing of it is left when it has ended."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.support.site import Site, command

#: What the table of a Background may say that a stage does: its code, and its other keys.
DEEDS = {
    "passes": ("print('done')", {}),
    "fails until it is mended": (
        "import pathlib, sys; sys.exit(not pathlib.Path({mended!r}).exists())",
        {},
    ),
    "passes when a person starts it": ("print('handed over')", {"manual": "true"}),
}


class FeatureSite(Site):
    """One site for one feature."""

    def __init__(self) -> None:
        super().__init__(Path(tempfile.mkdtemp(prefix="slipway-feature-")))
        self.mended = self.folder / "mended"
        self.stages: list[dict[str, str]] = []

    def start(self, stages: list[dict[str, str]]) -> None:
        """Start it with these stages."""
        self.stages = stages
        self.try_to_start(lambda: self.write("\n".join(map(self._text, stages))))

    def try_to_start(self, write: Callable[[], None]) -> None:
        """Have pipeline.toml written and start the site; on other ports where one was taken."""
        for _ in range(3):
            write()
            with suppress(AssertionError):
                self.up()
                return
            self.end_processes()
            self.lease_ports()
        raise RuntimeError(f"the site did not start:\n{self.said()}")

    def _text(self, stage: dict[str, str]) -> str:
        code, keys = DEEDS[stage["does"]]
        needs = [name.strip() for name in stage["waits for"].split(",") if name.strip()]
        return command(stage["stage"], code.format(mended=str(self.mended)), *needs, **keys)

    def slipway(self, *words: str) -> str:
        """Run a command of Slipway that must succeed, and return what it said."""
        done = self.run_slipway(*words)
        assert done.returncode == 0, f"slipway {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def end(self) -> None:
        """End it with everything it started, and remove its folder."""
        try:
            self.end_processes()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
