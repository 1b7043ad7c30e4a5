"""A report that remembers what was left and said, for the report page and the next freeze."""

from __future__ import annotations

from pathlib import Path

from slipway.model.protocol.event import AnyEvent, ArtefactLeft, Notice, Role, Summary
from slipway.scripts.report import Report

__all__ = ["Remarks"]


class Remarks(Report):
    """A report that forwards to another one."""

    def __init__(self, inner: Report) -> None:
        """Wrap another report."""
        self._inner = inner
        self.warnings: list[str] = []
        self.artefacts: list[ArtefactLeft] = []
        self.closing: Summary | None = None

    def emit(self, event: AnyEvent) -> None:
        """Forward one event; remember a warning and the summary."""
        if isinstance(event, Notice) and event.level == "warning":
            self.warnings.append(self._inner.mask(event.text))
        if isinstance(event, Summary):
            self.closing = event
        self._inner.emit(event)

    def log(self, text: str) -> None:
        """Forward lines."""
        self._inner.log(text)

    def artefact(
        self, path: Path, *, name: str | None = None, role: Role = "product"
    ) -> ArtefactLeft:
        """Leave a file, as the other does."""
        left = self._inner.artefact(path, name=name, role=role)
        self.artefacts.append(left)
        return left
