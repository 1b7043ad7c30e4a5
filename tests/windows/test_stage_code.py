"""The master's code on a Windows worker: the same is known as such, other is installed."""

from __future__ import annotations

import json
import shutil

import pytest

from slipway.workers.stage_code.pieces import pieces_here
from tests.workers.stage_code.test_installing import make_code

from .wine import PYTHON

pytestmark = [pytest.mark.windows, pytest.mark.slow]

FOLDER = r"C:\slipway worker\code"
ASK = """
import subprocess, sys
words = [sys.executable, "-I", "-X", "utf8", "-m", "slipway.workers.stage_code.installing"]
done = subprocess.run(words, input=sys.argv[1].encode(), capture_output=True)
print(done.stdout.decode() or done.stderr.decode())
"""
#: Each stage starts the program by its name alone, as Buildbot does.
USE = """
import subprocess, sys
from pathlib import Path
from slipway.workers.stage_code.shelf import Shelf
shelf = Shelf(Path(sys.argv[1]))
path = shelf.path_with(shelf.find(sys.argv[2]))
print(subprocess.run("slipway", env={"PATH": path, "SYSTEMROOT": r"C:\\windows"}, shell=True,
                     capture_output=True, text=True).stdout.strip())
"""
#: What a worker's process does before a stage, and when a file has come.
WORKER = """
import json, sys
from pathlib import Path
from twisted.internet import defer, reactor
from slipway.workers.stage_code.here import CodeHere

@defer.inlineCallbacks
def work():
    folder, key, records = json.loads(sys.argv[1])
    here = CodeHere(Path(folder).parent)
    states = []
    found = yield here.find(key, records)
    states.append(found.state)
    found = yield here.find(key, ["f" * 64])
    states.append(found.state)
    first, second = here.make(key, Path(folder, "coming.zip")), here.make(key, None)
    found = yield first
    found = yield second
    states.append(found.state)
    found = yield here.find(key, ["f" * 64])
    states.append(found.path.split(";")[0])
    print(json.dumps(states))

reactor.callWhenRunning(lambda: work().addErrback(print).addBoth(lambda _: reactor.stop()))
reactor.run()
"""


@pytest.fixture
def shelf(windows):
    shutil.rmtree(windows.path(FOLDER).parent, ignore_errors=True)
    windows.path(FOLDER).mkdir(parents=True)
    yield windows.path(FOLDER)
    shutil.rmtree(windows.path(FOLDER).parent, ignore_errors=True)


def ask(windows, order):
    return json.loads(windows.done(PYTHON, "-X", "utf8", "-c", ASK, json.dumps(order)))


def test_the_same_code_is_known_and_other_code_is_installed(windows, shelf, tmp_path):
    told = ask(windows, {"do": "own"})
    assert set(told["records"]) == set(pieces_here().records)

    file = make_code(tmp_path)
    shutil.copy(file, shelf / "coming.zip")
    order = {"do": "make", "folder": FOLDER, "file": rf"{FOLDER}\coming.zip", "key": file.stem}
    made = ask(windows, order)
    assert ask(windows, order) == {"name": made["name"]}
    assert windows.done(PYTHON, "-c", USE, FOLDER, file.stem).strip() == "9.9"
    site = shelf / made["name"] / "env" / "Lib" / "site-packages" / "slipway"
    (site / "said.py").write_text("print('mine')")
    again = ask(windows, order)
    assert again["name"] != made["name"]
    assert windows.done(PYTHON, "-c", USE, FOLDER, file.stem).strip() == "9.9"


def test_a_worker_s_process_finds_and_makes_it(windows, shelf, tmp_path):
    file = make_code(tmp_path)
    shutil.copy(file, shelf / "coming.zip")
    given = json.dumps([FOLDER, file.stem, sorted(pieces_here().records)])
    *states, path = json.loads(windows.done(PYTHON, "-X", "utf8", "-c", WORKER, given))
    assert states == ["own", "wanted", "ready"]
    [made] = [one.name for one in shelf.iterdir() if "-" in one.name]
    assert path == rf"{FOLDER}\{made}\env\Scripts"
    assert not (shelf / "coming.zip").exists()
