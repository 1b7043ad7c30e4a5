"""Evidence: the state of pages at the moment of a failure."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

from slipway.sessions.session import Evidence

__all__ = [
    "VARIABLE",
    "EvidenceFolder",
    "Named",
    "evidence_folder",
    "keep",
    "slug",
    "write_evidence",
]

#: Environment variable with the evidence folder; without it no files are written, and only reports
#: get evidence.
VARIABLE = "SLIPWAY_EVIDENCE"
_LONGEST = 80


class Named(bytes):
    """The bytes of a piece of evidence, with its name: behave's attachments have no name."""

    name: str

    def __new__(cls, evidence: Evidence) -> Self:
        """Create it from a piece's bytes and its name."""
        made = super().__new__(cls, evidence.data)
        made.name = evidence.title or evidence.name
        return made


class EvidenceFolder:
    """The evidence files of one scenario or test; the folder is created with the first file."""

    def __init__(self, title: str, parent: Path | None) -> None:
        """Initialize; nothing is written yet.

        Args:
            title: The name of the scenario or test.
            parent: The folder for all scenarios; None: nothing is written.
        """
        self.title = title
        self.files: list[Path] = []
        self._parent = parent
        self._folder: Path | None = None

    def write(self, evidence: Evidence) -> Path | None:
        """Write one piece; return its file, or None if no folder is set.

        Raises:
            OSError: The file cannot be written.
        """
        if self._parent is None:
            return None
        if self._folder is None:
            self._folder = _new_folder(self._parent, slug(self.title))
        name = Path(slug(Path(evidence.name).stem) + Path(evidence.name).suffix)
        file, number = self._folder / name, 1
        while file.exists():
            number += 1
            file = self._folder / f"{name.stem}-{number}{name.suffix}"
        file.write_bytes(evidence.data)
        self.files.append(file)
        return file


def slug(text: str) -> str:
    """Return a text as a file name that is valid on every system."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[:_LONGEST].strip("-").lower() or "page"


def _new_folder(parent: Path, name: str) -> Path:
    """Create a unique folder: two scenarios may have the same name."""
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


def evidence_folder(title: str) -> EvidenceFolder:
    """Return the folder of one scenario or test, inside $SLIPWAY_EVIDENCE."""
    named = os.environ.get(VARIABLE)
    return EvidenceFolder(title, Path(named) if named else None)


def write_evidence(title: str, found: Iterable[Evidence]) -> list[Path]:
    """Write the evidence of a test; return the files, empty if no folder is set.

    Write errors are printed and never raised: the test has failed already.
    """
    folder = evidence_folder(title)
    for one in found:
        _kept(one, lambda one=one: folder.write(one))  # type: ignore[misc]
    return folder.files


def keep(context: Any, found: Iterable[Evidence]) -> None:
    """Attach evidence to behave's report and write its files; errors are printed, never raised.

    Args:
        context: behave's context in a scenario.
        found: The evidence.
    """
    folder: EvidenceFolder | None = getattr(context, "evidence_folder", None)
    for one in found:
        if folder is not None:
            _kept(one, lambda one=one: folder.write(one))  # type: ignore[misc]
        # Some formatters fail on bytes, and would turn a passed step into an error.
        _kept(one, lambda one=one: context.attach(one.media_type, Named(one)))  # type: ignore[misc]


def _kept(one: Evidence, action: Callable[[], object]) -> None:
    try:
        action()
    except Exception as error:  # noqa: BLE001
        out = sys.__stderr__ or sys.stderr
        out.write(f"{one.name} is not kept: {type(error).__name__}: {error}\n")
