"""A build of an application, for the orphans' bench: `build.py old|new ends|waits|shares PORT`."""

from __future__ import annotations

import http.server
import os
import socket
import sys
import time


class Page(http.server.BaseHTTPRequestHandler):
    """Prints which build it is."""

    def do_GET(self) -> None:
        """Answer everything alike."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(sys.argv[1].encode())

    def log_message(self, *_: object) -> None:
        """No-op: no log."""


def main() -> None:
    """Serve; on a taken port end at once, or wait as if nothing were wrong."""
    way, port = sys.argv[2], int(sys.argv[3])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Page, bind_and_activate=False)
    if way == "shares":
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        server.server_bind()
        server.server_activate()
    except OSError as error:
        print(error, flush=True)
        if way == "waits":
            time.sleep(600)
        os._exit(1)
    server.serve_forever()


if __name__ == "__main__":
    main()
