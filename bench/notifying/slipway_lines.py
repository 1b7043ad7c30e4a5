"""A notifier for the bench: a line for each notice over one connection that is kept."""

from __future__ import annotations

import socket
from typing import Any, ClassVar, Literal

from slipway.plugins import Context, Notice, Notifier, Retry, Sender


class Lines(Notifier):
    """Say each notice's key to a server of lines."""

    runner: ClassVar[str] = "slipway_lines:LineSender"

    kind: Literal["lines"]
    port: int
    """The server's port on this machine."""


class LineSender(Sender):
    """Keeps its connection."""

    _file: Any = None

    def send(self, notice: Notice, context: Context) -> str:
        """Send the key; return the server's line."""
        if self._file is None:
            connection = socket.create_connection(("127.0.0.1", self.settings.port), 5)
            self._file = connection.makefile("rwb")
            connection.close()
        self._file.write(f"{context.key} {notice.id}\n".encode())
        self._file.flush()
        answer = self._file.readline()
        if not answer:
            msg = "the server has gone"
            raise Retry(msg, channel=True)
        return str(answer.decode().strip())

    def close(self) -> None:
        """Close the connection."""
        if self._file is not None:
            self._file.close()
            self._file = None
