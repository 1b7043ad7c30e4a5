"""Stage places on a worker: a fresh folder for each attempt, whatever the previous one did to it.

A stage's program leaves files under names of its choice, and the next stage on this worker may
belong to another project. So each attempt gets a new folder: the old one is renamed and removed in
the background. Files in a place are opened relative to a folder descriptor, component by component,
without following links (on systems with such descriptors; on Windows by name). Nothing here blocks
on what a stage put there: pipes, devices and sockets are refused, not opened.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from slipway.scripts.opened_files import (
    NEW_FILE_FLAGS,
    no_link,
    open_folder,
    open_plain,
    parts_below,
)
from slipway.scripts.removal import FOLDER_FLAGS, SAFE, allow

__all__ = ["NoPlace", "Place", "Places", "clear_way", "new_file", "open_output_file"]

#: Separator inside our own names; no builder's name contains it.
_MARK = "~"
_LEFTOVER = ".left"
#: Limit of leftovers that are reported and removed at once: a stage can make any number.
_MOST_LEFTOVERS = 1000


class NoPlace(Exception):
    """A file or folder of a place is not available. The message is a sentence for users."""


@dataclass
class Place:
    """The folders in which one attempt works."""

    folder: Path
    given: Path
    """The folder of fetched files, named by their hashes; its own name cannot be guessed."""
    run: str
    """The run it belongs to, for the error sentence if the place cannot be removed."""
    problem: str = ""
    """The reason why it does not lie in its builder's usual folder; empty if it does."""
    descriptor: int | None = None

    @property
    def work(self) -> Path:
        """The folder the script runs in."""
        return self.folder / "build"

    @property
    def output(self) -> Path:
        """The folder for the stage's output files."""
        return self.folder / "output"

    def close(self) -> None:
        """Close the folder's descriptor."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


class Places:
    """Registry of one worker's places, by builder folder."""

    def __init__(self) -> None:
        self._now: dict[Path, Place] = {}

    def remember(self, builder: Path, place: Place) -> None:
        """Register a place that another process has created for a builder."""
        self._now[builder] = place

    def begin(self, builder: Path, run: str) -> Place:
        """Create a fresh place.

        Args:
            builder: The builder's folder, which becomes the place; an existing one is renamed.
            run: The run, for messages.

        Raises:
            NoPlace: The worker's own folder can no longer be written to.
        """
        problem = self.leave(builder)
        with contextlib.suppress(OSError):
            clear_way(builder.parent / "cache")
        folder = builder
        if os.path.lexists(builder):
            folder = builder.with_name(f"{builder.name}{_MARK}{secrets.token_hex(8)}")
        try:
            folder.mkdir(mode=0o700)
            place = Place(folder, folder / f"given-{secrets.token_hex(16)}", run, problem)
            for inner in (place.work, place.output, place.given):
                inner.mkdir(mode=0o700)
            if SAFE:
                place.descriptor = os.open(folder, FOLDER_FLAGS)
        except OSError as error:
            msg = f"{folder} cannot be made: {error.strerror}; {_blamed(problem, folder.parent)}"
            raise NoPlace(msg) from None
        self._now[builder] = place
        return place

    def leave(self, builder: Path) -> str:
        """Rename a builder's place so that it can be removed.

        Returns:
            The reason why it cannot be renamed; empty if it was.
        """
        before = self._now.pop(builder, None)
        if before is not None:
            before.close()
        folder = before.folder if before is not None else builder
        run = before.run if before is not None else "an earlier run"
        if not os.path.lexists(folder):
            return ""
        aside = builder.with_name(f"{_LEFTOVER}{_MARK}{secrets.token_hex(8)}{_MARK}{builder.name}")
        try:
            folder.rename(aside)
        except OSError:
            allow(folder)
            try:
                folder.rename(aside)
            except OSError as error:
                return f"{folder}, which {run} left, cannot be renamed: {error.strerror}"
        return ""

    def leftovers(self, builder: Path) -> list[Path]:
        """Return the leftovers of a builder's former places that are to be removed."""
        now = self._now.get(builder)
        found: list[Path] = []
        with contextlib.suppress(OSError):
            for path in builder.parent.iterdir():
                if len(found) == _MOST_LEFTOVERS:
                    break
                parts = path.name.split(_MARK)
                was_aside = len(parts) == 3 and parts[0] == _LEFTOVER  # noqa: PLR2004
                was_aside = was_aside and parts[2] in {builder.name, "cache", "code"}
                was_beside = len(parts) == 2 and parts[0] == builder.name  # noqa: PLR2004
                in_the_way = path == builder and now is not None
                if (was_aside or was_beside or in_the_way) and (now is None or path != now.folder):
                    found.append(path)
        return found

    def of(self, builder: Path) -> Place:
        """Return the place of a builder.

        Raises:
            NoPlace: No place was begun, as after a restart of the worker.
        """
        if builder not in self._now:
            msg = f"{builder.name} has no place on this worker; it was restarted"
            raise NoPlace(msg)
        return self._now[builder]


def _blamed(problem: str, parent: Path) -> str:
    return problem or f"see what {parent} looks like"


def new_file(place: Place, name: str) -> int:
    """Create and open a new file in the folder for fetched files.

    Raises:
        NoPlace: The file cannot be created; existing files are never overwritten.
    """
    try:
        if place.descriptor is None:
            no_link(place.given)
            return os.open(place.given / name, NEW_FILE_FLAGS, 0o600)
        folder = open_folder(place.descriptor, (place.given.name,))
        try:
            return os.open(name, NEW_FILE_FLAGS, 0o600, dir_fd=folder)
        finally:
            os.close(folder)
    except OSError as error:
        msg = f"{place.given.name}/{name} cannot be made: {error.strerror}"
        raise NoPlace(msg) from None


def open_output_file(place: Place, path: str, size: int) -> int:
    """Open a file that the stage left in its output folder.

    Args:
        place: The place.
        path: The absolute path that the script has reported.
        size: The announced size in bytes.

    Raises:
        NoPlace: It is no regular file, or has another size.
    """
    parts = parts_below(Path(path), place.output)
    if parts is None:
        msg = f"{path!a} is not in the stage's output folder"
        raise NoPlace(msg)
    root = place.folder if place.descriptor is None else place.descriptor
    try:
        opened = open_plain(root, (place.output.name, *parts))
    except OSError as error:
        msg = f"{path!a} cannot be opened: {error.strerror}"
        raise NoPlace(msg) from None
    found = os.fstat(opened).st_size
    if found != size:
        os.close(opened)
        msg = f"{path!a} has {found} bytes now, not {size}"
        raise NoPlace(msg)
    return opened


def clear_way(path: Path) -> None:
    """Rename a file or link that stands where a folder is needed.

    Raises:
        OSError: It cannot be renamed.
    """
    if os.path.lexists(path) and (path.is_symlink() or not path.is_dir()):
        aside = path.with_name(f"{_LEFTOVER}{_MARK}{secrets.token_hex(8)}{_MARK}{path.name}")
        try:
            path.rename(aside)
        except OSError:
            allow(path)
            path.rename(aside)
