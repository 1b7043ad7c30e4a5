"""The running Slipway as a wheel: whole, the same each time, and pip installs it."""

import subprocess
import sys
import zipfile

import pytest

from slipway.workers.bundle import own_wheel
from slipway.workers.bundle.own_wheel import pack_own_wheel

pytestmark = pytest.mark.slow


def test_the_same_code_gives_the_same_bytes(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = pack_own_wheel(tmp_path / "a"), pack_own_wheel(tmp_path / "b")
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_it_holds_what_runs_here_and_no_sources_of_the_web_pages(tmp_path):
    with zipfile.ZipFile(pack_own_wheel(tmp_path)) as wheel:
        names = set(wheel.namelist())
        record = wheel.read(next(name for name in names if name.endswith("/RECORD"))).decode()
    wanted = ["cli/main.py", "scripts/guard.py", "workers/bundle/setup.ps1", "master/master.cfg"]
    assert {f"slipway/{one}" for one in wanted} <= names
    assert not [one for one in names if "node_modules" in one or "__pycache__" in one]
    assert {line.split(",")[0] for line in record.splitlines()} == names


def test_pip_installs_it_and_it_runs(tmp_path):
    wheel = pack_own_wheel(tmp_path)
    target = tmp_path / "there"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target)]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    code = (
        f"import sys; sys.path.insert(0, {str(target)!r}); import slipway.cli; print(slipway.cli)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert str(target) in done.stdout


def test_half_a_slipway_is_not_packed(tmp_path, monkeypatch):
    (tmp_path / "__init__.py").touch()
    monkeypatch.setattr(own_wheel.slipway, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(own_wheel.MissingTool, match="holds no whole Slipway to pack"):
        pack_own_wheel(tmp_path)
