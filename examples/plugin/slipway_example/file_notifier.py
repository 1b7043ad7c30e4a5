"""The notifier `file`: a line for each notice at the end of a file."""

from pathlib import Path
from typing import ClassVar, Literal

from slipway.plugins import Notice, Notifier


class FileNotifier(Notifier):
    """Add a line to a file of the master's machine for each notice."""

    runner: ClassVar[str] = "slipway_example.file_notifier:send"

    kind: Literal["file"]
    path: str
    """The file."""


def send(settings: FileNotifier, notice: Notice) -> None:
    """Add the line. What this raises has it tried again, three times."""
    line = f"{notice.event} {notice.project} run {notice.run} ({notice.version}) {notice.text}"
    with Path(settings.path).open("a", encoding="utf-8") as stream:
        stream.write(" ".join(line.split()) + "\n")
