"""Input and output types of the checks of `slipway check`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slipway.model.site import Site
from slipway.state_folder import Home

__all__ = ["Finding", "Outlook"]


@dataclass(frozen=True)
class Outlook:
    """The input of a check."""

    site: Site
    folder: Path
    """The folder of pipeline.toml; relative repositories are resolved in it."""
    home: Home


@dataclass(frozen=True)
class Finding:
    """A problem that will or may occur later, and the key that it concerns."""

    path: tuple[str | int, ...]
    message: str
    error: bool = False
    """True: it is sure to fail. False: a warning, which --strict turns into an error."""
