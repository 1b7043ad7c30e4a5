"""Find the candidate feature files of a run, before behave reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

__all__ = ["asks_only", "count_files", "named_paths"]

#: behave's options that ask it something, or show what would run; nothing is tested.
_ASKING = (
    "--dry-run",
    "-d",
    "--steps-catalog",
    "--version",
    "--lang-list",
    "--lang-help",
    "--tags-help",
)


def asks_only(arguments: Sequence[str]) -> bool:
    """Return True if behave's arguments ask it something instead of running scenarios."""
    return any(one.partition("=")[0] in _ASKING for one in arguments)


def named_paths(source: Path, arguments: Sequence[str]) -> list[Path]:
    """Return the files and folders among behave's arguments."""
    typed = (one for one in arguments if not one.startswith("-"))
    paths = [source / one.removeprefix("@").partition(":")[0] for one in typed]
    return [path for path in paths if path.exists()]


def count_files(source: Path, arguments: Sequence[str], *, most: int) -> int:
    """Count the candidate feature files, at most `most`; a list file may name any of the project.

    Args:
        source: The project.
        arguments: behave's own arguments.
        most: Where to stop counting.
    """
    return sum(1 for _ in islice(_files(source, arguments), most))


def _files(source: Path, arguments: Sequence[str]) -> Iterator[Path]:
    named = named_paths(source, arguments) or [source / "features"]
    if not all(path.is_dir() or path.suffix == ".feature" for path in named):
        named = [source]
    yield from dict.fromkeys(
        file for path in named for file in (path.rglob("*.feature") if path.is_dir() else (path,))
    )
