"""A relay between a client and a server that cuts the connection after so many bytes."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

_BLOCK = 16_384
#: On close, the peer gets a reset at once, as from a router that went down.
_RESET = struct.pack("ii", 1, 0)


class Relay:
    """Passes connections on to a server; see `relay`."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.sent = 0
        self._left: int | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, count: int | None) -> None:
        """Cut once after so many more bytes from clients; then connections work again.

        Args:
            count: The bytes. None: no cut.
        """
        with self._lock:
            self._left = count

    def cut(self) -> None:
        """Cut all connections now."""
        with self._lock:
            gone, self._open = self._open, set()
        for one in gone:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                one.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                one.close()

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._server, 10)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with self._lock:
                self._open |= {client, server}
            for one, other, counts in ((client, server, True), (server, client, False)):
                arguments = (one, other, counts)
                threading.Thread(target=self._pass, args=arguments, daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket, counts: bool) -> None:  # noqa: FBT001
        with contextlib.suppress(OSError):
            while data := one.recv(_BLOCK):
                is_cut = counts and self._count(len(data))
                if is_cut:
                    self.cut()
                    return
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def _count(self, count: int) -> bool:
        with self._lock:
            self.sent += count
            if self._left is None:
                return False
            self._left -= count
            if self._left > 0:
                return False
            self._left = None
            return True


@contextlib.contextmanager
def relay(host: str, port: int) -> Iterator[Relay]:
    """Have a relay to a server, on a port of its own."""
    made = Relay(host, port)
    try:
        yield made
    finally:
        made.close()
