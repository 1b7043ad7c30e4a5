"""Pack the code that the master's stages run, once, for workers on other machines."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from slipway.workers.stage_code.form import write_code
from slipway.workers.stage_code.pieces import pieces_here
from slipway.workers.stage_code.versions import pinned_versions

__all__ = ["CarriedCode", "pack_code"]


@dataclass(frozen=True)
class CarriedCode:
    """The code, as a file of the master's."""

    path: Path
    size: int
    version: str
    """The master's version of Slipway."""
    records: tuple[str, ...]
    """The hashes of what a worker has to have installed, to need nothing of the file."""
    left_out: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The file's SHA-256."""
        return self.path.stem


def pack_code(folder: Path) -> CarriedCode:
    """Write the file of the running code into a folder of its own; older ones are removed.

    Raises:
        MissingTool: The running Slipway cannot be packed.
        OSError: The file cannot be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pieces = pieces_here()
    with tempfile.TemporaryDirectory() as aside:
        wheels = [one.write(Path(aside)) for one in pieces.carried]
        path = write_code(
            folder,
            pieces.carried[0].version,
            wheels,
            [one.requirement for one in pieces.named],
            pinned_versions(one.name for one in pieces.carried),
        )
    for old in folder.iterdir():
        if old != path:
            with contextlib.suppress(OSError):
                old.unlink()
    records = tuple(sorted(pieces.records))
    return CarriedCode(
        path, path.stat().st_size, pieces.carried[0].version, records, pieces.left_out
    )
