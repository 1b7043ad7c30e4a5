"""Folders that are kept by key: complete or not there, few, and of two at once one."""

import json
import os
import threading

import pytest

from slipway.scripts.stages.freeze.reuse.shelf import KEPT, NOTES, Shelf


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "shelf")


def filling(text="x"):
    def fill(folder):
        (folder / "file").write_text(text)
        return {"text": text}

    return fill


def test_what_was_put_is_found(shelf):
    assert shelf.find("a") is None
    shelf.put("a", filling("one"))
    shelf.put("a", filling("two"))
    folder, notes = shelf.find("a")
    assert notes == {"text": "two"}
    assert (folder / "file").read_text() == "two"
    shelf.drop("a")
    assert shelf.find("a") is None


def test_only_the_last_are_kept(shelf, tmp_path):
    for number in range(KEPT + 2):
        shelf.put(str(number), filling())
        # Used in this order, however coarse the file system's times are.
        os.utime(tmp_path / "shelf" / str(number), (number, number))
    shelf.put("last", filling())
    assert sorted(path.name for path in (tmp_path / "shelf").iterdir()) == ["3", "4", "last"]


def test_what_was_filled_in_part_is_not_there(shelf, tmp_path):
    def fill(folder):
        (folder / "file").write_text("half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        shelf.put("a", fill)
    assert shelf.find("a") is None
    assert list((tmp_path / "shelf").iterdir()) == []


def test_what_a_killed_process_left_is_removed(shelf, tmp_path):
    left = tmp_path / "shelf" / ".0123.part"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    shelf.put("a", filling())
    assert not left.exists()


@pytest.mark.parametrize("notes", ["", "[]", "{", "null", "7"])
def test_notes_that_are_none(shelf, notes):
    shelf.put("a", filling())
    folder, _ = shelf.find("a")
    (folder / NOTES).write_text(notes)
    assert shelf.find("a") is None


def test_two_at_once(shelf, tmp_path):
    both = threading.Barrier(4)

    def put(text):
        both.wait()
        shelf.put("a", filling(text))

    threads = [threading.Thread(target=put, args=(str(number),)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    folder, notes = shelf.find("a")
    assert json.loads((folder / NOTES).read_text()) == notes
    assert (folder / "file").read_text() == notes["text"]
    assert [path.name for path in (tmp_path / "shelf").iterdir()] == ["a"]
