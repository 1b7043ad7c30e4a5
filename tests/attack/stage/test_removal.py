"""A stage leaves a folder that nobody could remove, or that leads elsewhere."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.scripts import removal

#: As root without its rights: modes count as they do for a worker's own user.
_PLAIN = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] if os.getuid() == 0 else []


def clear(*paths: Path, plain: bool = True) -> tuple[int, str]:
    """Remove folders as a worker does."""
    done = subprocess.run(
        [*(_PLAIN if plain else []), sys.executable, "-I", "-S", removal.__file__, *paths],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_what_is_not_there_is_removed(tmp_path):
    assert clear(tmp_path / "nothing") == (0, "")
    assert clear(tmp_path / "nothing" / "below it") == (0, "")


def test_files_links_pipes_and_sockets_are_removed_and_no_link_is_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    left = tmp_path / "left"
    (left / "a" / "b").mkdir(parents=True)
    (left / "a" / "file").write_text("x")
    os.link(outside / "kept", left / "a" / "second name")
    (left / "link").symlink_to(outside)
    (left / "a" / "link").symlink_to(outside / "kept")
    (left / "a" / "dangling").symlink_to("nowhere")
    os.mkfifo(left / "a" / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        before = Path.cwd()
        os.chdir(left)
        listening.bind("socket")
        os.chdir(before)
    assert clear(left) == (0, "")
    assert not os.path.lexists(left)
    assert (outside / "kept").read_text() == "kept"


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    assert clear(tmp_path / "link") == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("mode", [0o000, 0o500, 0o200])
def test_folders_without_rights_are_removed(tmp_path, mode):
    left = tmp_path / "left"
    (left / "a" / "b").mkdir(parents=True)
    for name in ("a/b/file", "a/file"):
        (left / name).write_text("x")
        (left / name).chmod(mode)
    for name in ("a/b", "a", ""):
        (left / name).chmod(mode)
    assert clear(left) == (0, "")
    assert not left.exists()


@pytest.mark.slow
def test_a_folder_deeper_than_any_path_is_removed(tmp_path):
    left = tmp_path / "left"
    left.mkdir()
    here = os.open(left, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d" * 20, dir_fd=here)
        inner = os.open("d" * 20, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    assert clear(left) == (0, "")
    assert not left.exists()


def _chattr(flag: str, path: Path) -> bool:
    done = subprocess.run(["chattr", flag, path], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.slow
def test_what_is_immutable_is_removed_or_told(tmp_path):
    left = tmp_path / "left"
    (left / "inner").mkdir(parents=True)
    (left / "inner" / "file").write_text("x")
    (left / "log").write_text("x")
    if not (_chattr("+i", left / "inner" / "file") and _chattr("+a", left / "log")):
        pytest.skip("this user or file system has no chattr")
    assert _chattr("+i", left / "inner")
    assert _chattr("+i", left)
    try:
        # Without the right to, it is told, and the rest is removed.
        code, told = clear(left)
        assert (code, f"{left}: Operation not permitted\n" in told) == (1, True)
        assert clear(left, plain=False) == (0, "")
        assert not left.exists()
    finally:
        subprocess.run(["chattr", "-R", "-ia", left], capture_output=True, check=False)


def test_what_it_tells_is_one_plain_line(tmp_path):
    parent = tmp_path / "parent"
    left = parent / "a\nb\x1e\x1b[31m"
    left.mkdir(parents=True)
    if not _chattr("+i", left):
        pytest.skip("this user or file system has no chattr")
    try:
        code, told = clear(left)
        assert code == 1
        assert told.count("\n") == 1
        assert told.strip().isprintable()
    finally:
        _chattr("-i", left)
