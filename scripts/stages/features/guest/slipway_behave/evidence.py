"""Files that a scenario attaches, such as pictures of a page, in the evidence folder."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path
from typing import Any

#: What mimetypes knows by odd names, or not at all.
_ENDINGS = {"text/plain": ".txt", "image/jpeg": ".jpg", "application/json": ".json"}
_NAME = 80


def slug(text: str, length: int = _NAME) -> str:
    """Return a text as a file name that every system takes."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("._")[-length:] or "feature"


class Evidence:
    """Keeps what is attached to the scenario that runs."""

    def __init__(self, folder: str) -> None:
        """Keep files in a folder, which is made when the first one comes."""
        self.folder = Path(folder)
        self.stem = "run"
        self.kept: list[dict[str, Any]] = []
        self._numbers: dict[str, int] = {}

    def begin(self, file: str, line: int, attempt: int) -> None:
        """Keep what follows for one attempt at a scenario."""
        self.stem = f"{slug(file)}-{line}-{attempt}"
        self.kept = []

    def keep(self, media_type: str, data: Any, name: str = "") -> dict[str, Any]:
        """Write one attachment and return what an event says of it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        number = self._numbers[self.stem] = self._numbers.get(self.stem, 0) + 1
        kind = str(media_type).partition(";")[0].strip().lower()
        ending = _ENDINGS.get(kind) or mimetypes.guess_extension(kind) or ".bin"
        path = self.folder / f"{self.stem}-{number}{ending}"
        content = data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data)
        path.write_bytes(content)
        told = {
            "path": str(path.resolve()),
            "name": name or path.name,
            "media_type": str(media_type),
            "size": len(content),
        }
        self.kept.append(told)
        return told
