"""Slipway as people install it: the wheel, in an environment of its own, beside one file."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.machine import kill, processes_of
from tests.support.site import ROOT, command

from .conftest import LiveSite

pytestmark = [pytest.mark.live, pytest.mark.slow]
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built by way of the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(UV, "build", "--quiet", "--out-dir", folder, ROOT)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `slipway` of a fresh environment that holds the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("wheel")
    run(UV, "venv", "--quiet", "--python", sys.executable, folder / "venv")
    python = folder / "venv" / "bin" / "python"
    run(UV, "pip", "install", "--quiet", "--python", python, f"{wheel}[master,worker]")
    return python.with_name("slipway")


def run(*words: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=540, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def once(installed: Path, site: LiveSite) -> subprocess.CompletedProcess[str]:
    """Run `slipway up --once` of the wheel, with nothing of this environment in sight."""
    env = {name: value for name, value in site.env.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [installed, "up", "--once"],
        cwd=site.folder,
        env={**env, "PATH": os.defpath},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    kill(left := processes_of(site.folder))
    assert not left
    return done


def test_the_wheel_holds_the_modules_that_lint_has_checked(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        shipped = {name for name in opened.namelist() if name.endswith(".py")}
    links = ROOT / ".venv" / "editable"
    packages = [folder for folder, *_ in os.walk(links / "slipway", followlinks=True)]
    checked = {
        path.relative_to(links).as_posix()
        for folder in map(Path, packages)
        if (folder / "__init__.py").exists()
        for path in folder.glob("*.py")
    }
    assert shipped == checked


def test_a_site_is_one_file_beside_the_wheel(installed: Path, site: LiveSite) -> None:
    site.write(command("greet", "print('hello')"))
    (site.folder / "master.cfg").unlink()
    before = {path.name for path in site.folder.iterdir()}
    done = once(installed, site)
    assert done.returncode == 0, done.stdout + done.stderr + site.said()
    assert "demo run 1" in done.stdout
    assert site.run(1)["state"] == "passed"
    assert {path.name for path in site.folder.iterdir()} == before | {"state"}


def test_a_master_cfg_of_one_s_own_wins(installed: Path, site: LiveSite) -> None:
    site.write(command("greet", "print('hello')"))
    own = site.folder / "master.cfg"
    own.write_text(own.read_text() + 'c["title"] = None.mine\n')
    done = once(installed, site)
    assert done.returncode != 0
    assert "attribute 'mine'" in done.stderr
    assert "Traceback" not in done.stderr
