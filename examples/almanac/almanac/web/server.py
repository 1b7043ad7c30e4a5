"""Serving the web pages."""

from __future__ import annotations

from waitress import create_server

from almanac.database import Sessions
from almanac.errors import AlmanacError, InvalidInputError
from almanac.web import create_app
from almanac.web.files import require


def serve(sessions: Sessions, host: str, port: int) -> None:
    """Serve until interrupted; port 0 takes a free one."""
    if not 0 <= port <= 65535:
        raise InvalidInputError({"port": "Must be between 0 and 65535."})
    require()
    try:
        server = create_server(create_app(sessions), host=host, port=port, threads=4)
    except OSError as error:
        reason = error.strerror or error
        raise AlmanacError(f"Cannot listen on {host}, port {port}: {reason}.") from None
    shown = getattr(server, "effective_port", port)
    print(f"Serving on http://{host}:{shown}/ (Ctrl+C ends it).", flush=True)
    try:
        server.run()
    finally:
        server.close()
