"""Serve git repositories, for workers that cannot read the test's folder."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .machine import lease_ports

__all__ = ["git_daemon"]


@contextmanager
def git_daemon(folder: Path) -> Iterator[str]:
    """Serve the repositories of a folder; yield the beginning of their addresses."""
    [port] = lease_ports(1)
    words = ["git", "daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1"]
    words += [f"--port={port}", f"--base-path={folder}", str(folder)]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            yield f"git://127.0.0.1:{port}"
        finally:
            process.terminate()
