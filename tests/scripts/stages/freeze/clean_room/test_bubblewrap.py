"""Where the clean room can be made, and what is said where it cannot."""

import shutil
import subprocess
import sys

import pytest

from slipway.model.errors import MissingTool
from slipway.scripts.stages.freeze.clean_room.room import find_room, room_name
from slipway.scripts.stages.freeze.stage import FreezeStage


def stage(wanted):
    return FreezeStage(uses="freeze", script="x.py", clean_room=wanted)


@pytest.fixture
def without(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is never there")
@pytest.mark.usefixtures("without")
class TestWithoutBubblewrap:
    def test_a_notice_says_once_how_to_get_it(self, recorder):
        assert find_room(stage(True), recorder) is None  # noqa: FBT003
        (said,) = recorder.notices
        assert said == (
            "started in an empty environment, where this machine's libraries and files can be "
            "seen, not in a clean room: bubblewrap is not on this machine; install it: apt-get "
            "install bubblewrap"
        )

    def test_it_may_be_required(self, recorder):
        with pytest.raises(MissingTool, match=r'clean-room = "required": bubblewrap is not on'):
            find_room(stage("required"), recorder)
        assert recorder.notices == []

    def test_it_may_be_unwanted(self, recorder):
        assert find_room(stage(False), recorder) is None  # noqa: FBT003
        assert recorder.notices == []


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="clean_room"):
        stage("always")


def test_what_freeze_json_calls_it(bubblewrap):
    assert room_name(bubblewrap) == "clean room (bubblewrap)"
    assert room_name(None) == "empty environment"


INSIDE = """
import subprocess, sys
from pathlib import Path
from slipway.scripts.stages.freeze.clean_room.bubblewrap import find_bubblewrap
from slipway.scripts.stages.freeze.clean_room.room import Room
found = find_bubblewrap()
folder = Path(sys.argv[1])
for name in ("place", "empty"):
    (folder / name).mkdir()
(folder / "place" / "app").write_text("#!/bin/sh\\nid -un; ls /opt; exit 5\\n")
(folder / "place" / "app").chmod(0o755)
room = Room(found, folder / "root", folder / "place", gui=False)
print(found.proc[0], flush=True)
sys.exit(subprocess.run(room.command("app", [], folder / "empty", {}), env={}).returncode)
"""


def enclosed(tmp_path, *more):
    """Run the search inside of namespaces, as those in which a local worker's stages run."""
    words = [
        *(
            shutil.which("bwrap"),
            "--unshare-user",
            "--unshare-pid",
            "--unshare-ipc",
            "--new-session",
        ),
        *("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--bind", tmp_path, tmp_path),
        *(*more, "--", sys.executable, "-c", INSIDE, tmp_path),
    ]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.usefixtures("bubblewrap")
def test_it_is_made_inside_of_another(tmp_path):
    done = enclosed(tmp_path)
    if "may not make namespaces here" in done.stderr:
        pytest.skip("this machine forbids namespaces in namespaces")
    assert done.returncode == 5, done.stderr
    # Its own /proc, or, where that is forbidden, the outer room's.
    assert done.stdout.splitlines()[0] in {"--proc", "--ro-bind"}
    assert done.stdout.splitlines()[1:] == ["user", "app"]


@pytest.mark.usefixtures("bubblewrap")
def test_where_namespaces_are_forbidden_the_reason_is_told(tmp_path):
    known = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, check=True).stdout
    if "--disable-userns" not in known:
        pytest.skip("this bubblewrap cannot forbid them")
    done = enclosed(tmp_path, "--disable-userns")
    assert done.returncode == 1
    assert "bubblewrap may not make namespaces here (bwrap: " in done.stderr
    assert "allow them to the worker's user" in done.stderr
    assert list(tmp_path.iterdir()) == []
