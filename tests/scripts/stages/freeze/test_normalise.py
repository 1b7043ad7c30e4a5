"""Inspecting a frozen tree."""

import sys
import zipfile
from pathlib import Path

import pytest

from slipway.scripts.stages.freeze.normalise import inspect

RESULT = {
    "executables": ["x"],
    "platform": "linux-x86_64",
    "python": "3.11.7",
    "cx_freeze": "8.7.3",
    "dialects": [],
    "missing": [],
    "added": [],
}


@pytest.fixture
def tree(tmp_path):
    library = tmp_path / "lib"
    (library / "outside-2.0.dist-info").mkdir(parents=True)
    (library / "outside-2.0.dist-info" / "METADATA").write_text("Name: Outside\nVersion: 2.0\n")
    with zipfile.ZipFile(library / "library.zip", "w") as archive:
        archive.writestr("packed-1.0.dist-info/METADATA", "Name: packed\nVersion: 1.0\n\nName: x\n")
        archive.writestr("old.egg-info/PKG-INFO", "Name: old\nVersion: 0.1\n")
        archive.writestr("deep/other.dist-info/METADATA", "Name: other\nVersion: 9\n")
        archive.writestr("nameless.dist-info/METADATA", "")
    return tmp_path


def test_distributions_in_the_folder_and_in_the_zip(tree):
    assert inspect(tree, RESULT)["packages"] == {"old": "0.1", "Outside": "2.0", "packed": "1.0"}


@pytest.mark.skipif(sys.platform != "linux", reason="it looks at /proc")
def test_nothing_stays_open(tree):
    inspect(tree, RESULT)
    # Windows neither renames nor deletes a folder that holds an open file.
    links = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert not [link for link in links if link.startswith(str(tree))]
