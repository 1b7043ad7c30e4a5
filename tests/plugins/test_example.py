"""The plugin of examples/, installed and used: a kind of stage, a target and a notifier."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.conftest import LiveSite
from tests.support.machine import wait_for
from tests.support.site import ROOT, command

pytestmark = pytest.mark.live
GOOD = "# SPDX-License-Identifier: MIT\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[LiveSite]:
    (tmp_path / "site").mkdir()
    made = LiveSite(tmp_path / "site")
    made.make_repository()
    source = tmp_path / "plugin"
    shutil.copytree(ROOT / "examples" / "plugin", source)
    folder = tmp_path / "site-packages"
    words = ["uv", "pip", "install", "--quiet", "--no-deps", "--offline", "--no-build-isolation"]
    words = [str(Path(sys.executable).with_name("uv")), *words[1:]]
    words += ["--python", sys.executable, "--target", str(folder), str(source)]
    subprocess.run(words, check=True)
    made.env["PYTHONPATH"] = str(folder)
    yield made
    left = made.end_processes()
    assert not left, f"left running: {left}\n{made.said()}"


def lines(file: Path) -> list[str]:
    """Return the notices in the file, without their keys."""
    found = file.read_text().splitlines() if file.exists() else []
    return [line.split(" ", 1)[1].strip() for line in found]


def test_a_plugin_is_used_from_the_commit_to_the_notice(site):
    told = site.folder / "notices.txt"
    (site.repository / "good.py").write_text(GOOD)
    site.commit("Licensed")
    site.write(
        '[project.demo.stages.look]\nuses = "licences"\n'
        + command("make", "open('out.txt', 'w').write('made')", "look", artefacts='["out.txt"]')
        + '[project.demo.stages.publish]\nuses = "publish"\nneeds = ["make"]\n'
        'targets = [{ kind = "zip", path = "zips" }]\n'
        f'[notify.diary]\nkind = "file"\npath = "{told}"\nevents = ["run-passed", "run-failed"]\n'
    )
    site.up()
    run = site.wait_for_run(1)
    assert run["state"] == "passed", site.said()
    assert run["stages"]["look"]["summary"] == "1 files name the licence MIT"
    (made,) = (site.state / "zips" / "demo").iterdir()
    with zipfile.ZipFile(made) as opened:
        names = set(opened.namelist())
    assert {"SHA256SUMS", "index.html", "out.txt", "release.json", "keys.json"} <= names
    wait_for(lambda: lines(told), site.said)
    assert lines(told) == [f"run-passed demo run 1 ({run['version']})"]

    (site.repository / "bad.py").write_text("# nobody's\n")
    site.commit("Forgotten")
    assert site.run_slipway("trigger", "--no-wait").returncode == 0
    run = site.wait_for_run(2)
    assert run["state"] == "failed"
    why = '1 of 2 files lack "SPDX-License-Identifier: MIT": bad.py'
    assert run["stages"]["look"]["summary"] == why
    wait_for(lambda: len(lines(told)) > 1, site.said)
    assert lines(told)[1:] == [f"run-failed demo run 2 ({run['version']}) {why}"]


def test_a_plugin_that_is_gone_leaves_the_site_as_it_is_with_a_sentence(site):
    site.write('[project.demo.stages.look]\nuses = "licences"\n')
    shutil.rmtree(site.env["PYTHONPATH"])
    done = site.run_slipway("up", "--once")
    assert done.returncode == 2
    assert 'unknown kind of stage: "licences" is not allowed' in done.stderr
    assert "Traceback" not in done.stderr
