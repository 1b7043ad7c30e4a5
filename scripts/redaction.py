"""A report that never says a secret, whoever printed it."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from slipway.model.errors import StageFailed
from slipway.model.protocol.event import AnyEvent, ArtefactLeft, Role
from slipway.model.secrets.masking import MaskedStream, Masker, masked_event
from slipway.scripts.report import Report
from slipway.scripts.secret_scan import SecretSearch

#: What a report for people may be written in; the bytes of anything else are what they are.
_TEXTS = frozenset({".xml", ".json", ".html", ".htm", ".txt", ".log", ".csv", ".md", ".yaml"})
_BLOCK = 1 << 20


class MaskedReport(Report):
    """Passes on to another report, with `****` in the place of each secret."""

    def __init__(self, inner: Report, secrets: Iterable[str]) -> None:
        """Make it.

        Args:
            inner: Gets the rest.
            secrets: The values.
        """
        self._inner = inner
        values = tuple(secrets)
        self._masker, self._search = Masker(values), SecretSearch(values)
        self._output = MaskedStream(self._masker)
        self.sends = inner.sends

    def emit(self, event: AnyEvent) -> None:
        """Pass one event on, masked.

        Raises:
            StageFailed: An artefact's name holds a secret; it would be shown everywhere.
        """
        try:
            masked = masked_event(event, self._masker)
        except ValueError as error:
            raise StageFailed(str(error)) from None
        self._inner.emit(masked)

    def log(self, text: str) -> None:
        """Pass lines on, masked; one that may go on as a secret waits for the next."""
        said = self._output.take(text if text.endswith("\n") else f"{text}\n")
        if said:
            self._inner.log(said)

    def end(self) -> None:
        """Pass on what was held back."""
        self.settle()
        self._inner.end()

    def settle(self) -> None:
        """Pass on what was held back, to one that goes on."""
        if said := self._output.end():
            self._inner.log(said)

    def artefact(
        self, path: Path, *, name: str | None = None, role: Role = "product"
    ) -> ArtefactLeft:
        """Leave a file; of a report for people the secrets in it are masked first.

        Raises:
            StageFailed: It holds a secret, and is no such text.
        """
        if role == "report" and path.suffix.lower() in _TEXTS and not path.is_symlink():
            self._mask_file(path)
        return super().artefact(path, name=name, role=role)

    def examine(self, stream: BinaryIO, called: str) -> None:
        """Raise `StageFailed` where a file holds a secret."""
        place = self._search.place(stream)
        if place is not None:
            where = f' in "{place[:200]}"' if place else ""
            msg = (
                f'the artefact "{called}" holds a secret of this stage{where} and is not kept; '
                "have the stage leave the secret out of it"
            )
            raise StageFailed(msg)

    def shown(self, data: bytes, media_type: str) -> bytes:
        """Return what is shown of a document or a picture: texts are masked.

        Nothing is shown of a picture that holds a secret: it is none, or says where it was made.
        """
        if media_type.startswith("image/"):
            if self._search.place(io.BytesIO(data)) is None:
                return data
            self.notice("a picture holds a secret of this stage and is not shown", level="warning")
            return b""
        text = data.decode("utf-8", errors="surrogateescape")
        return _bytes(self.mask(text))

    def mask(self, text: str) -> str:
        """Return a text without the secrets."""
        return self._masker.mask(text)

    def _mask_file(self, path: Path) -> None:
        """Write a file anew without the secrets."""
        stream = MaskedStream(self._masker)
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=".masked-")
        try:
            with (
                path.open(encoding="utf-8", errors="surrogateescape", newline="") as before,
                os.fdopen(handle, "wb") as after,
            ):
                # By lines: a stream holds back those that may go on as a secret.
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
