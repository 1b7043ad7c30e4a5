"""The example's whole pipeline on a Windows worker: from a commit to an installed program."""

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
from tests.support.signing import NEEDS_OSSLSIGNCODE, signer, verify

from .conftest import WindowsSite
from .installation import fresh
from .wine import Windows

pytestmark = [pytest.mark.windows, pytest.mark.timeout(1800), NEEDS_OSSLSIGNCODE]

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

[project.demo.stages.sign]
uses = "sign"
needs = ["freeze"]
timestamp = false
runs-on = ["linux"]

[project.demo.stages.sign.secrets]
SIGNING_CERTIFICATE = { file = "chain.pem" }
SIGNING_KEY = { file = "key.pem" }

[project.demo.stages.installer]
uses = "installer"
needs = ["sign"]
formats = ["nsis", "msi"]
publisher = "The almanac"
runs-on = ["linux"]

[project.demo.stages.archive]
uses = "archive"
needs = ["tests", "sign", "databases"]
runs-on = ["windows"]

[project.demo.stages.features]
uses = "features"
needs = ["databases"]
profile = "seeded"
tags = ["not @javascript"]
runs-on = ["windows"]

[project.demo.stages.publish]
uses = "publish"
if-unchanged = "release"
needs = ["archive", "installer", "features"]
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


def test_a_commit_becomes_a_program_that_starts(
    windows: Windows, site: WindowsSite, tmp_path: Path
) -> None:
    began = time.monotonic()
    for name, text in (("chain", signer().pem), ("key", signer().key_pem())):
        (site.folder / f"{name}.pem").write_text(text)
        (site.folder / f"{name}.pem").chmod(0o600)
    # Else no key would be given to a worker that freezes, too.
    site.isolated = True
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
        **dict.fromkeys(("sign", "installer", "publish"), ("passed", "local")),
    }, site.said()
    print(f"the run took {time.monotonic() - began:.0f} s")
    release = site.state / "releases" / "demo" / "1.4.0+1"
    with fresh(tmp_path / "another machine") as computer:
        _is_installed(computer, release, tmp_path)
        _is_unpacked(computer, release)


def _is_installed(computer: Windows, release: Path, folder: Path) -> None:
    """Install a release on a Windows without any Python, have it do its work, and remove it."""
    for pattern, words in (
        ("*-setup.exe", ("/S", "/CurrentUser")),
        ("*.msi", ("msiexec", "/qn", "/i")),
    ):
        [file] = release.glob(pattern)
        given = f"Z:{file}".replace("/", "\\")
        computer.done(*((*words, given) if words[0] == "msiexec" else (given, *words)))
        [program] = computer.disk.rglob("demo.exe")
        verify(program, folder)
        _works(computer, program)
        if words[0] == "msiexec":
            computer.done("msiexec", "/qn", "/x", given)
        else:
            computer.done(str(program.with_name("uninstall.exe")), "/S")
        wait_for(lambda: not list(computer.disk.rglob("demo.exe")), lambda what=pattern: what)


def _is_unpacked(computer: Windows, release: Path) -> None:
    """Unpack a release on a Windows without any Python, and have the program do its work."""
    programs = computer.path(r"C:\Programs\almanac")
    [archive] = release.glob("*.zip")
    with zipfile.ZipFile(archive) as files:
        files.extractall(programs)
    [program] = programs.rglob("demo.exe")
    _works(computer, program)


def _works(computer: Windows, program: Path) -> None:
    assert computer.done(str(program), "--version").split()[0] == "almanac"
    file = computer.disk / "book.db"
    file.unlink(missing_ok=True)
    database = f"sqlite:///C:/{file.name}"
    computer.done(str(program), "--database", database, "add-person", "Zoë", "zoe@example.org")
    assert "Zoë" in computer.done(str(program), "--database", database, "history")
