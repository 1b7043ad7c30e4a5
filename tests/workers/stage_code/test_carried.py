"""What the master packs: the code as it runs there, the same each time, and its plugins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from importlib import metadata

import pytest

from slipway.workers.bundle.own_wheel import pack_own_wheel
from slipway.workers.stage_code.carried import pack_code
from slipway.workers.stage_code.form import read_code
from slipway.workers.stage_code.pieces import pieces_here
from slipway.workers.stage_code.versions import pinned_versions
from tests.plugins.conftest import Installed
from tests.support.older import installed, older_wheel

pytestmark = pytest.mark.slow

PACK = """
import json, sys
from pathlib import Path
from slipway.workers.stage_code.carried import pack_code
found = pack_code(Path(sys.argv[1]))
print(json.dumps([str(found.path), found.records, found.left_out]))
"""


def own(python):
    """Return what a worker with that Python says of its own code."""
    done = subprocess.run(
        [python, "-I", "-X", "utf8", "-m", "slipway.workers.stage_code.installing"],
        input='{"do": "own"}',
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_same_code_is_known_wherever_it_was_installed_from(tmp_path):
    here = pieces_here()
    found = own(installed(tmp_path / "same", pack_own_wheel(tmp_path)))
    assert set(found["records"]) == set(here.records)
    (tmp_path / "older").mkdir()
    other = own(installed(tmp_path / "other", older_wheel(tmp_path / "older")))
    assert other["version"] == "0.0.9"
    assert not set(other["records"]) & set(here.records)


def test_it_is_packed_the_same_each_time_and_older_files_go(tmp_path):
    folder = tmp_path / "code"
    first = pack_code(folder)
    (folder / f"{'0' * 64}.zip").write_bytes(b"of an older version")
    again = pack_code(folder)
    assert again == first
    assert list(folder.iterdir()) == [first.path]
    content = read_code(first.path.read_bytes(), first.key)
    assert list(content.wheels) == [f"slipway-{first.version}-py3-none-any.whl"]
    assert first.size < 5_000_000
    assert f"pydantic=={metadata.version('pydantic')}" in content.versions


def test_versions_are_those_that_run_here_and_that_an_index_has(monkeypatch):
    found = pinned_versions(["slipway"])
    assert {f"{name}=={metadata.version(name)}" for name in ("uv", "rich", "jinja2")} <= set(found)
    assert not [one for one in found if one.startswith(("slipway", "ruff", "pywin32"))]
    real = metadata.PathDistribution.read_text

    def from_a_folder(dist, name):
        if name == "direct_url.json" and dist.name == "rich":
            return '{"url": "file:///src/rich"}'
        return real(dist, name)

    monkeypatch.setattr(metadata.PathDistribution, "read_text", from_a_folder)
    assert "rich" not in {one.partition("==")[0] for one in pinned_versions(["slipway"])}


@pytest.fixture
def plugin(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    made = Installed(folder)
    made.lint("slipway-lint")
    return made


def packed(plugin, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PACK, str(tmp_path / "packed")],
        env={**os.environ, "PYTHONPATH": str(plugin.folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    path, records, left_out = json.loads(done.stdout)
    with zipfile.ZipFile(path) as opened:
        index = json.loads(opened.read("code.json"))
        wheels = [name for name in opened.namelist() if name.endswith(".whl")]
        opened.extractall(tmp_path / "content")
    return wheels, index["requirements"], records, left_out


def test_a_plugin_travels_whole(plugin, tmp_path):
    (plugin.folder / "slipway_lint" / "data.txt").write_text("of the plugin")
    wheels, requirements, records, left_out = packed(plugin, tmp_path)
    assert [one.partition("-")[0] for one in wheels] == ["slipway", "slipway_lint"]
    assert (requirements, left_out, len(records)) == ([], [], 2)
    with zipfile.ZipFile(tmp_path / "content" / wheels[1]) as wheel:
        names = set(wheel.namelist())
    assert {"slipway_lint/stage.py", "slipway_lint/run.py", "slipway_lint/data.txt"} <= names
    assert not [one for one in names if "__pycache__" in one]
    # Other code is another code.
    (plugin.folder / "slipway_lint" / "data.txt").write_text("changed")
    assert packed(plugin, tmp_path)[2] != records


def test_one_that_cannot_be_used_does_not_travel(plugin, tmp_path):
    (plugin.folder / "slipway_lint" / "stage.py").write_text("import not_there")
    assert len(packed(plugin, tmp_path)[0]) == 1


def test_compiled_parts_come_from_an_index_or_not_at_all(plugin, tmp_path):
    (plugin.folder / "slipway_lint" / "fast.so").write_bytes(b"\x7fELF")
    assert packed(plugin, tmp_path)[1] == ["slipway-lint==1.2"]
    info = plugin.folder / "slipway_lint-1.2.dist-info"
    (info / "direct_url.json").write_text('{"url": "https://example.org/x.whl"}')
    wheels, requirements, _, [told] = packed(plugin, tmp_path)
    assert (len(wheels), requirements) == (1, [])
    assert told.startswith("slipway-lint 1.2 has compiled parts and is from no index: install it")
