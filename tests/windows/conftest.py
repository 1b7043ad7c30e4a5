"""The Windows machine of these tests, skipped where Wine cannot be had, and a site beside it."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.git_daemon import git_daemon
from tests.support.site import ROOT, Site

from .installation import NotHere, machine
from .wine import Windows

WORKER = """
[workers.win1]
labels = ["windows"]
max-builds = 2
password = { env = "SLIPWAY_TEST_WIN1" }
"""


@pytest.fixture(scope="session")
def windows() -> Iterator[Windows]:
    """Provide the machine, with this checkout's Slipway."""
    try:
        with machine() as found:
            yield found
    except NotHere as why:
        pytest.skip(str(why))


class WindowsSite(Site):
    """A site whose example is a git repository, and that expects a worker called win1, by TLS."""

    address = ""

    def expect(self, stages: str) -> None:
        """Write pipeline.toml with these stages."""
        self.worker_tls = True
        self.write(f"{stages}{WORKER}", f"{self.address}/source")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WindowsSite]:
    """A site that is not started yet."""
    site = WindowsSite(tmp_path)
    site.env["SLIPWAY_TEST_WIN1"] = secrets.token_urlsafe(18)
    shutil.copytree(
        ROOT / "examples" / "almanac",
        site.repository,
        ignore=shutil.ignore_patterns(".*_cache", "__pycache__", ".venv"),
    )
    site.git("init", "--quiet", "--initial-branch=main")
    site.commit("The almanac")
    with git_daemon(tmp_path) as site.address:
        try:
            yield site
        finally:
            site.end_processes()
