"""What the readers of PE and ELF files return."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slipway.scripts.binaries import elf, pe
from slipway.scripts.binaries.tables import Imports

__all__ = ["Binary", "read_binary", "read_tree"]

#: Of the longest header that decides.
_MAGIC = 4


@dataclass(frozen=True)
class Binary:
    """A binary of a frozen tree."""

    path: Path
    """Relative to the tree."""
    imports: Imports

    @property
    def name(self) -> str:
        """The name that others load it by: of a DLL in lower case, else its soname."""
        if self.imports.is_windows:
            return self.path.name.lower()
        return self.imports.soname or self.path.name


def read_binary(file: Path) -> Imports | None:
    """Read the import tables of a file.

    Returns:
        None: It is no PE or ELF binary for a processor, or a damaged one.
    """
    try:
        with file.open("rb") as stream:
            magic = stream.read(_MAGIC)
            if magic[:2] != b"MZ" and magic != b"\x7fELF":
                return None
    except OSError:
        return None
    return pe.read(file) if magic[:2] == b"MZ" else elf.read(file)


def read_tree(tree: Path) -> list[Binary]:
    """Return the binaries of a frozen tree, in the order of their paths."""
    found = []
    for path in sorted(tree.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        imports = read_binary(path)
        if imports is not None:
            found.append(Binary(path.relative_to(tree), imports))
    return found
