"""The notifier `file`: a line for each notice at the end of a file."""

from pathlib import Path
from typing import ClassVar, Literal

from slipway.plugins import Context, Notice, Notifier


class FileNotifier(Notifier):
    """Add a line to a file of the master's machine for each notice."""

    runner: ClassVar[str] = "slipway_example.file_notifier:send"

    kind: Literal["file"]
    path: str
    """The file."""


def send(settings: FileNotifier, notice: Notice, context: Context) -> str:
    """Add the line, once: what was tried before is looked for. To have it tried again, raise."""
    file = Path(settings.path)
    if context.attempt > 1 and file.exists() and context.key in file.read_text("utf-8"):
        return "it was there"
    line = f"{notice.event} {notice.project} run {notice.run} ({notice.version}) {notice.text}"
    with file.open("a", encoding="utf-8") as stream:
        stream.write(f"{context.key} {line}\n")
    return "added"
