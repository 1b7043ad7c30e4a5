"""The pantry, a desktop program: its features drive the source, and then what was frozen of it."""

from __future__ import annotations

import ctypes.util
import json
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.job import Input, Job, RunFacts
from slipway.scripts.archives.pack import unpack
from slipway.scripts.report import ConsoleReport, hash_file
from slipway.scripts.stages.features import run as features
from slipway.scripts.stages.freeze import run as freeze
from slipway.scripts.stages.tests import run as tests

ROOT = Path(__file__).parents[5]
SCENARIOS = (ROOT / "examples/pantry/features/pantry.feature").read_text("utf-8").count("Scenario:")
_WANTED = ("EGL", "GL", "xkbcommon", "dbus-1", "fontconfig", "glib-2.0")
_MISSING = [one for one in _WANTED if sys.platform == "linux" and not ctypes.util.find_library(one)]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(_MISSING), reason=f"Qt lacks {', '.join(_MISSING)} on this machine: make desktop"
    ),
]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pantry") / "source"
    unwanted = shutil.ignore_patterns(".venv", "__pycache__", ".*_cache", "build", "dist")
    shutil.copytree(ROOT / "examples" / "pantry", folder, ignore=unwanted)
    return folder


@pytest.fixture(scope="module")
def stage(source):
    """Run a stage of the pantry in a new output folder, and return the folder."""

    def run(script, settings, *inputs):
        output = source.parent / f"output-{len(list(source.parent.iterdir()))}"
        output.mkdir()
        facts = RunFacts(
            number=1, revision="a" * 40, branch="main", committed_at=1_700_000_000, version="0.3.0"
        )
        job = Job(
            project="pantry",
            name=settings["uses"],
            stage=settings,
            run=facts,
            output=str(output),
            cache=str(source.parent / "cache"),
            state=str(source.parent / "state"),
            inputs=inputs,
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(source)
            script.run(job, ConsoleReport())
        return output

    return run


def passed(output):
    results = json.loads((output / "tests.json").read_text("utf-8"))
    return sum(one["status"] == "passed" for one in results)


def names_in(archive, folder):
    """Return the names of all files in a frozen tree, those in its zip files, too."""
    unpack(archive, folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    names = [path.relative_to(folder).as_posix() for path in files]
    for path in files:
        if path.suffix == ".zip":
            names += zipfile.ZipFile(path).namelist()
    return names


#: What a driven program holds and a released one shall not.
AGENT = ("pantry/desktop_agent", "PySide6/QtTest.")


def agent_in(archive, folder):
    """Return the parts of the agent that are in a frozen tree."""
    names = names_in(archive, folder)
    assert any("pantry/shelf" in name for name in names)
    return {part for part in AGENT if any(part in name for name in names)}


def test_its_own_tests(stage):
    output = stage(tests, {"uses": "tests"})
    assert list(output.iterdir())


def test_its_features_drive_the_source(stage):
    assert passed(stage(features, {"uses": "features"})) == SCENARIOS > 0


def test_its_features_drive_what_was_frozen(stage, tmp_path):
    settings = {"uses": "freeze", "script": "pantry/__main__.py", "packages": ["pantry"]}
    output = stage(freeze, {**settings, "gui": True, "smoke": ["--version"]})
    (archive,) = output.glob("pantry-*.tar.zst")
    frozen = Input(
        stage="freeze",
        uses="freeze",
        name=archive.name,
        path=str(archive),
        sha256=hash_file(archive),
        size=archive.stat().st_size,
    )
    walked = stage(features, {"uses": "features", "profile": "frozen"}, frozen)
    assert passed(walked) == SCENARIOS > 0
    assert not (walked / "frozen").exists()
    assert agent_in(archive, tmp_path / "tree") == set(AGENT)


def test_what_is_released_holds_no_agent(stage, tmp_path):
    """A second stage freezes it without: docs/how-to/drive-a-desktop-program.md."""
    settings = {"uses": "freeze", "script": "pantry/__main__.py", "packages": ["pantry"]}
    without = {"excludes": ["pantry.desktop_agent", "PySide6.QtTest"]}
    output = stage(freeze, {**settings, **without, "gui": True, "smoke": ["--version"]})
    (archive,) = output.glob("pantry-*.tar.zst")
    assert agent_in(archive, tmp_path / "tree") == set()
    told = json.loads((output / "freeze.json").read_text("utf-8"))
    assert "0.3.0" in told["smoke"][0]["output"]


WINDOW = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel

application = QApplication(sys.argv)
label = QLabel("hello")
label.show()
QTimer.singleShot(0, application.quit)
code = application.exec()
print("drawn by", application.platformName())
sys.exit(code)
"""


def test_a_window_is_started_without_a_display(stage, source, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    (source / "show.py").write_text(WINDOW, "utf-8")
    output = stage(freeze, {"uses": "freeze", "script": "show.py", "gui": True, "smoke": ["-x"]})
    told = json.loads((output / "freeze.json").read_text("utf-8"))
    assert "drawn by offscreen" in told["smoke"][0]["output"]


def test_without_what_was_frozen_nothing_is_driven(stage):
    with pytest.raises(WrongInput, match="let the stage need one that uses freeze"):
        stage(features, {"uses": "features", "profile": "frozen"})


def test_a_failure_leaves_a_picture_the_windows_and_what_the_program_said(stage, source):
    wrong = source / "wrong" / "wrong.feature"
    wrong.parent.mkdir()
    steps = 'Scenario: No\n  When I press "Take two"\n'
    wrong.write_text(f"@desktop\nFeature: Wrong\n {steps}", "utf-8")
    for name in ("environment.py", "steps"):
        (wrong.parent / name).symlink_to(source / "features" / name)
    try:
        with pytest.raises(StageFailed, match=r"wrong\.feature:3 No"):
            stage(features, {"uses": "features", "paths": ["wrong"]})
    finally:
        shutil.rmtree(wrong.parent)
    (output,) = [one for one in source.parent.glob("output-*") if (one / "evidence").is_dir()]
    kept = sorted(file.suffix for file in (output / "evidence").rglob("*") if file.is_file())
    assert {".png", ".html"} <= set(kept)
    assert "Take two" in (output / "features.html").read_text("utf-8")
