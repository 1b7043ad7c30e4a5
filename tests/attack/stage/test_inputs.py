"""Inputs come by their hashes and get their names from the script, through no link."""

from __future__ import annotations

import hashlib
import os

import pytest

from slipway.model.errors import StageFailed
from slipway.model.protocol.job import Input
from slipway.scripts.inputs import place_inputs

DATA = b"what the stage before left"
SHA = hashlib.sha256(DATA).hexdigest()


def given(path, **changes):
    keys = {"stage": "before", "uses": "command", "name": "a.zip", "sha256": SHA, "size": len(DATA)}
    return Input(path=str(path), **(keys | changes))


def test_one_file_gets_all_its_names(tmp_path):
    (tmp_path / SHA).write_bytes(DATA)
    paths = [tmp_path / "input" / "one" / "a.zip", tmp_path / "input" / "two" / "evidence" / "b"]
    place_inputs([given(path) for path in paths], tmp_path)
    assert [path.read_bytes() for path in paths] == [DATA, DATA]


@pytest.mark.parametrize("what", ["missing", "short", "altered", "link", "pipe", "folder"])
def test_what_is_not_the_file_gets_no_name(tmp_path, what):
    file = tmp_path / SHA
    if what == "short":
        file.write_bytes(DATA[:-1])
    elif what == "altered":
        file.write_bytes(DATA.replace(b"left", b"lift"))
    elif what == "link":
        (tmp_path / "other").write_bytes(DATA)
        file.symlink_to(tmp_path / "other")
    elif what == "pipe":
        os.mkfifo(file)
    elif what == "folder":
        file.mkdir()
    with pytest.raises(StageFailed, match=r"was altered or truncated: .*; re-run before"):
        place_inputs([given(tmp_path / "input" / "a.zip")], tmp_path)
    assert not (tmp_path / "input" / "a.zip").exists()


def test_what_lies_at_its_path_is_replaced_and_no_link_is_followed(tmp_path):
    (tmp_path / SHA).write_bytes(DATA)
    victim = tmp_path / "victim"
    victim.write_text("kept")
    target = tmp_path / "input" / "a.zip"
    target.parent.mkdir()
    target.symlink_to(victim)
    place_inputs([given(target)], tmp_path)
    assert target.read_bytes() == DATA
    assert not target.is_symlink()
    assert victim.read_text() == "kept"
