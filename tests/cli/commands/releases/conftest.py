"""A web server of a folder, for what is checked from elsewhere."""

import functools
import http.server
import tempfile
import threading

import pytest


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A web server of a folder; it counts what is asked for."""

    asked: list[str]

    def log_message(self, *_words):
        """Say nothing."""

    def do_GET(self):
        """Note the request."""
        self.server.asked.append(self.path)
        super().do_GET()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of a folder; no temporary folder of a check may be left."""
    (tmp_path / "web").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    handler = functools.partial(Quiet, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
    assert list((tmp_path / "temporary").iterdir()) == []
