"""The processes of `slipway up`: what they see, and what is said when one ends."""

import time

import pytest

from slipway.cli.children import Children
from slipway.model.errors import MissingTool

TELLS = """
import json, os, pathlib
from twisted.application import service
pathlib.Path("seen.part").write_text(json.dumps(dict(os.environ)))
pathlib.Path("seen.part").rename("seen.json")
application = service.Application("tells")
"""


@pytest.fixture
def children():
    made = Children()
    yield made
    made.end()


def wait_for(file):
    end = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    return file.read_text()


def test_a_child_does_not_see_what_is_kept_from_it(children, tmp_path, monkeypatch):
    monkeypatch.setenv("FAR_PASSWORD", "hunter2")
    tac = tmp_path / "buildbot.tac"
    tac.write_text(TELLS)
    children.start("worker", tac, {"EXTRA": "here"}, without={"FAR_PASSWORD"})
    seen = wait_for(tmp_path / "seen.json")
    assert '"EXTRA": "here"' in seen
    assert "hunter2" not in seen
    children.check()


def test_a_child_that_ends_is_told_with_its_last_words(children, tmp_path):
    tac = tmp_path / "buildbot.tac"
    tac.write_text("raise ValueError('no such thing')\n")
    children.start("master", tac, {})
    with pytest.raises(MissingTool, match=r"the master ended .*ValueError: no such thing"):
        children.wait_for_master(tmp_path, 0)
