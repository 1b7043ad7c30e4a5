"""Mask secrets in everything that a stage reports."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from slipway.model.errors import StageFailed
from slipway.model.protocol.event import AnyEvent, ArtefactLeft, Role
from slipway.model.secrets.masking import MaskedStream, Masker, masked_event
from slipway.scripts.report import Report
from slipway.scripts.secret_scan import SecretSearch

__all__ = ["MaskedReport"]

#: Formats of reports for people; files of any other format are never modified.
_TEXTS = frozenset({".xml", ".json", ".html", ".htm", ".txt", ".log", ".csv", ".md", ".yaml"})
_BLOCK = 1 << 20


class MaskedReport(Report):
    """A report that forwards to another one, with `****` in place of each secret."""

    def __init__(self, inner: Report, secrets: Iterable[str]) -> None:
        """Wrap another report.

        Args:
            inner: Receives the masked events and lines.
            secrets: The values to mask.
        """
        self._inner = inner
        # Targets of a release are brought it by several threads, and the search is not for those.
        self._lock = threading.RLock()
        values = tuple(secrets)
        self._masker, self._search = Masker(values), SecretSearch(values)
        self._output = MaskedStream(self._masker)
        self.sends = inner.sends

    def emit(self, event: AnyEvent) -> None:
        """Forward one event, masked.

        Raises:
            StageFailed: An artefact's name holds a secret, which would be shown everywhere.
        """
        with self._lock:
            try:
                masked = masked_event(event, self._masker)
            except ValueError as error:
                raise StageFailed(str(error)) from None
            self._inner.emit(masked)

    def log(self, text: str) -> None:
        """Forward lines, masked; hold one that may begin a secret until the next call."""
        with self._lock:
            masked = self._output.take(text if text.endswith("\n") else f"{text}\n")
            if masked:
                self._inner.log(masked)

    def end(self) -> None:
        """Forward held lines, and end the inner report."""
        self.flush()
        self._inner.end()

    def flush(self) -> None:
        """Forward held lines; the inner report stays open."""
        with self._lock:
            if masked := self._output.end():
                self._inner.log(masked)

    def artefact(
        self, path: Path, *, name: str | None = None, role: Role = "product"
    ) -> ArtefactLeft:
        """Leave a file; secrets in a report for people are masked in place first.

        Raises:
            StageFailed: It holds a secret and is not such a text.
        """
        if role == "report" and path.suffix.lower() in _TEXTS and not path.is_symlink():
            self._mask_file(path)
        return super().artefact(path, name=name, role=role)

    def examine(self, stream: BinaryIO, called: str) -> None:
        """Search a file for secrets.

        Raises:
            StageFailed: It holds one.
        """
        place = self._search.place(stream)
        if place is not None:
            where = f' in "{place[:200]}"' if place else ""
            msg = (
                f'the artefact "{called}" holds a secret of this stage{where} and is not kept; '
                "have the stage leave the secret out of it"
            )
            raise StageFailed(msg)

    def shown(self, data: bytes, media_type: str) -> bytes:
        """Return the bytes of a document or picture to show; texts are masked.

        A picture that holds a secret is dropped with a warning: it is not really a picture, or its
        metadata tells where it was taken.
        """
        if media_type.startswith("image/"):
            if self._search.place(io.BytesIO(data)) is None:
                return data
            self.notice("a picture holds a secret of this stage and is not shown", level="warning")
            return b""
        text = data.decode("utf-8", errors="surrogateescape")
        return _bytes(self.mask(text))

    def mask(self, text: str) -> str:
        """Return a text with its secrets masked."""
        with self._lock:
            return self._masker.mask(text)

    def _mask_file(self, path: Path) -> None:
        """Rewrite a file atomically, with its secrets masked."""
        stream = MaskedStream(self._masker)
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=".masked-")
        try:
            with (
                path.open(encoding="utf-8", errors="surrogateescape", newline="") as before,
                os.fdopen(handle, "wb") as after,
            ):
                # Line by line: the stream holds back lines that may be the start of a secret.
                while lines := before.readlines(_BLOCK):
                    after.write(_bytes(stream.take("".join(lines))))
                after.write(_bytes(stream.end()))
            shutil.copymode(path, made)
            Path(made).replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(made).unlink()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogateescape")
