"""What `slipway check` looks at beyond the file itself, and what it finds there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slipway.model.site import Site
from slipway.state_folder import Home


@dataclass(frozen=True)
class Outlook:
    """What a look gets to see."""

    site: Site
    folder: Path
    """Where pipeline.toml lies; relative repositories count from it."""
    home: Home


@dataclass(frozen=True)
class Finding:
    """One thing that will fail, or may; and the key it is about."""

    path: tuple[str | int, ...]
    message: str
    error: bool = False
    """True: it is sure to fail. False: a warning, which --strict turns into an error."""
