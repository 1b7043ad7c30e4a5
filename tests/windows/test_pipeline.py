"""The example's whole pipeline on a Windows worker: from a commit to a program that starts."""

from __future__ import annotations

import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.far import fingerprint
from tests.support.machine import wait_for

from .conftest import WindowsSite
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
"""


@contextmanager
def worker(windows: Windows, site: WindowsSite, folder: str) -> Iterator[Path]:
    """Set up and run the site's worker on Windows; yield its log."""
    shutil.rmtree(windows.path(folder), ignore_errors=True)
    password = windows.path(f"{folder}-password")
    password.parent.mkdir(parents=True, exist_ok=True)
    password.write_text(site.env["SLIPWAY_TEST_WIN1"])
    master = f"127.0.0.1:{site.worker_port}"
    windows.done(
        r"C:\Python311\Scripts\slipway.exe",
        *("worker", "setup", folder, "--name", "win1", "--master", master),
        *("--password-file", f"{folder}-password", "--fingerprint", fingerprint(site)),
    )
    argv = (r"C:\Python311\Scripts\twistd.exe", "--nodaemon", "-y", "buildbot.tac")
    with windows.started(*argv, cwd=folder, output=site.folder / "win1.log"):
        yield windows.path(folder) / "twistd.log"


def test_a_commit_becomes_a_program_that_starts(windows: Windows, site: WindowsSite) -> None:
    began = time.monotonic()
    site.expect(_STAGES)
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
    [program] = windows.path(folder).rglob("demo.exe")
    python = windows.path(r"C:\Python311")
    python.rename(python.with_name("away"))
    try:
        assert windows.done(str(program), "--version").split()[0] == "almanac"
        database = r"sqlite:///C:/Programs/book.db"
        windows.done(str(program), "--database", database, "add-person", "Zoë", "zoe@example.org")
        assert "Zoë" in windows.done(str(program), "--database", database, "history")
    finally:
        python.with_name("away").rename(python)
