"""A server of lines that is away half of the time: it writes down each key that it has taken.

Usage: python server.py PORT FILE SECONDS. It listens for SECONDS, is away for SECONDS, and so on;
SECONDS 0: it is always there. What is being said when it goes is cut.
"""

from __future__ import annotations

import socket
import sys
import time
from contextlib import suppress
from pathlib import Path


def main() -> None:
    """Serve until it is ended."""
    port, file, seconds = int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    with file.open("ab", buffering=0) as taken:
        while True:
            end = time.monotonic() + seconds if seconds else float("inf")
            with socket.create_server(("127.0.0.1", port)) as listening:
                listening.settimeout(0.05)
                while time.monotonic() < end:
                    with suppress(TimeoutError), listening.accept()[0] as client:
                        _serve(client, taken, end)
            time.sleep(seconds)


def _serve(client: socket.socket, taken: object, end: float) -> None:
    client.settimeout(0.2)
    waiting = b""
    while time.monotonic() < end:
        try:
            data = client.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            return
        if not data:
            return
        waiting += data
        *lines, waiting = waiting.split(b"\n")
        for line in lines:
            taken.write(b"%.3f %s\n" % (time.time(), line))  # type: ignore[attr-defined]
            with suppress(OSError):
                client.sendall(b"250 taken\n")


if __name__ == "__main__":
    main()
