"""The example's whole pipeline on a Windows worker: from a commit to a program that starts."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.far import fingerprint
from tests.support.machine import lease_ports, wait_for
from tests.support.site import ROOT, Site

from .wine import Windows

pytestmark = [pytest.mark.windows, pytest.mark.timeout(1800)]

#: Seconds for a run on a Windows worker, on a machine with other work.
_PATIENCE = 1500
_STAGES = """
[project.demo.stages.tests]
uses = "tests"
runs-on = ["windows"]

[project.demo.stages.freeze]
uses = "freeze"
script = "almanac/__main__.py"
packages = ["almanac"]
smoke = ["--version"]
runs-on = ["windows"]

[project.demo.stages.databases]
uses = "databases"
metadata = "almanac.models:Base.metadata"
fixtures = ["seed/*"]
targets = ["sqlite"]
runs-on = ["windows"]

[project.demo.stages.archive]
uses = "archive"
needs = ["tests", "freeze", "databases"]
runs-on = ["windows"]

[project.demo.stages.features]
uses = "features"
needs = ["databases"]
profile = "seeded"
tags = ["not @javascript"]
runs-on = ["windows"]

[project.demo.stages.publish]
uses = "publish"
needs = ["archive", "features"]
runs-on = ["linux"]

[workers.win1]
labels = ["windows"]
max-builds = 2
password = { env = "SLIPWAY_TEST_WIN1" }
"""


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


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site whose example is a git repository, and that expects a worker called win1."""
    site = Site(tmp_path)
    site.env["SLIPWAY_TEST_WIN1"] = secrets.token_urlsafe(18)
    shutil.copytree(
        ROOT / "examples" / "almanac",
        site.repository,
        ignore=shutil.ignore_patterns(".*_cache", "__pycache__", ".venv"),
    )
    site.git("init", "--quiet", "--initial-branch=main")
    site.commit("The almanac")
    with git_daemon(tmp_path) as address:
        site.write(_STAGES, f"{address}/source")
        file = tmp_path / "pipeline.toml"
        file.write_text(file.read_text().replace("[site]", "[site]\nworker-tls = true", 1))
        try:
            yield site
        finally:
            site.end_processes()


@contextmanager
def worker(windows: Windows, site: Site, folder: str) -> Iterator[Path]:
    """Set up and run the site's worker on Windows; yield its log."""
    shutil.rmtree(windows.path(folder), ignore_errors=True)
    password = windows.path(f"{folder}-password")
    password.parent.mkdir(parents=True, exist_ok=True)
    password.write_text(site.env["SLIPWAY_TEST_WIN1"])
    master = f"127.0.0.1:{site.worker_port}"
    windows.done(
        r"C:\Python311\Scripts\slipway.exe",
        *("worker", folder, "--name", "win1", "--master", master),
        *("--password-file", f"{folder}-password", "--fingerprint", fingerprint(site)),
    )
    argv = (r"C:\Python311\Scripts\twistd.exe", "--nodaemon", "-y", "buildbot.tac")
    with windows.started(*argv, cwd=folder, output=site.folder / "win1.log"):
        yield windows.path(folder) / "twistd.log"


def test_a_commit_becomes_a_program_that_starts(windows: Windows, site: Site) -> None:
    began = time.monotonic()
    site.up()
    with worker(windows, site, r"C:\slipway\win1") as log:
        run = wait_for(
            lambda: (found := site.run(1)).get("state", "running") != "running" and found,
            lambda: f"{site.run(1)}\n{site.said()}\n{log.read_text()[-3000:]}",
            _PATIENCE,
        )
    stages = {name: (one["state"], one["worker"]) for name, one in run["stages"].items()}
    on_windows = ("tests", "freeze", "databases", "archive", "features")
    assert stages == {
        **dict.fromkeys(on_windows, ("passed", "win1")),
        "publish": ("passed", "local"),
    }, site.said()
    print(f"the run took {time.monotonic() - began:.0f} s")
    [archive] = (site.state / "releases").glob("demo/1.4.0+1/*.zip")
    _starts(windows, archive)


def _starts(windows: Windows, archive: Path) -> None:
    """Unpack a release on Windows, away from Python, and have the program do its work."""
    folder = r"C:\Programs\almanac"
    shutil.rmtree(windows.path(folder), ignore_errors=True)
    with zipfile.ZipFile(archive) as files:
        files.extractall(windows.path(folder))
    [program] = windows.path(folder).rglob("almanac.exe")
    python = windows.path(r"C:\Python311")
    python.rename(python.with_name("away"))
    try:
        assert windows.done(str(program), "--version").split()[0] == "almanac"
        database = r"sqlite:///C:/Programs/book.db"
        windows.done(str(program), "--database", database, "add-person", "Zoë", "zoe@example.org")
        assert "Zoë" in windows.done(str(program), "--database", database, "history")
    finally:
        python.with_name("away").rename(python)
