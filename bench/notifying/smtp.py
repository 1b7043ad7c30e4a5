"""An SMTP server that may be away half of the time: it writes down each mail that it has taken.

Usage: python smtp.py PORT FILE SECONDS. It listens for SECONDS, is away for SECONDS, and so on;
SECONDS 0: it is always there. A line of FILE: the time, the Message-ID, and who it is from.
"""

from __future__ import annotations

import sys
import time
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller


class Post:
    """Takes every mail."""

    def __init__(self, file: Path) -> None:
        self._taken = file.open("a", buffering=1)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Write a mail down, and say that it is taken."""
        mail = BytesHeaderParser().parsebytes(envelope.content)
        self._taken.write(f"{time.time():.4f} {mail['message-id']} {envelope.mail_from}\n")
        return "250 taken"


def main() -> None:
    """Serve until it is ended."""
    port, file, seconds = int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    post = Post(file)
    while True:
        controller = Controller(post, "127.0.0.1", port)
        controller.start()
        time.sleep(seconds or 86400.0)
        controller.stop()
        time.sleep(seconds)


if __name__ == "__main__":
    main()
