"""Save files that scenarios attach, such as screenshots, in the evidence folder."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path
from typing import Any

__all__ = ["Evidence", "slug"]

#: Types for which mimetypes knows unusual suffixes or none.
_ENDINGS = {"text/plain": ".txt", "image/jpeg": ".jpg", "application/json": ".json"}
_NAME = 80


def slug(text: str, length: int = _NAME) -> str:
    """Convert a text to a file name that is valid on every system."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("._")[-length:] or "feature"


class Evidence:
    """The attachments of the current scenario."""

    def __init__(self, folder: str) -> None:
        """Use a folder, which is created with the first attachment."""
        self.folder = Path(folder)
        self.stem = "run"
        self.kept: list[dict[str, Any]] = []
        self._numbers: dict[str, int] = {}

    def begin(self, file: str, line: int, attempt: int) -> None:
        """Start the attachments of one attempt at a scenario."""
        self.stem = f"{slug(file)}-{line}-{attempt}"
        self.kept = []

    def keep(self, media_type: str, data: Any, name: str = "") -> dict[str, Any]:
        """Write one attachment and return its description for events."""
        self.folder.mkdir(parents=True, exist_ok=True)
        number = self._numbers[self.stem] = self._numbers.get(self.stem, 0) + 1
        kind = str(media_type).partition(";")[0].strip().lower()
        ending = _ENDINGS.get(kind) or mimetypes.guess_extension(kind) or ".bin"
        path = self.folder / f"{self.stem}-{number}{ending}"
        content = data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data)
        path.write_bytes(content)
        attachment = {
            "path": str(path.resolve()),
            "name": name or path.name,
            "media_type": str(media_type),
            "size": len(content),
        }
        self.kept.append(attachment)
        return attachment
