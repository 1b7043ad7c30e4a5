"""The start of a frozen program, on shell scripts that stand in for one."""

import os
import shutil
import sys
from pathlib import Path

import psutil
import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.archives.pack import pack_tree
from slipway.scripts.stages.freeze import smoke_test
from slipway.scripts.stages.freeze.smoke_runs import Start

posix = pytest.mark.skipif(os.name != "posix", reason="stands in with shell scripts")


@pytest.fixture
def start(tmp_path):
    def begin(text, timeout=20, mode=0o755, *, gui=False, **more):
        tree = tmp_path / "tree"
        tree.mkdir()
        (tree / "app").write_text(text)
        (tree / "app").chmod(mode)
        pack_tree(tree, tmp_path / "app.tar.zst", epoch=0, level=3, root="app")
        lines = []
        asked = Start("app", **({"arguments": ("-v",)} | more))
        packed = tmp_path / "app.tar.zst"
        (done,) = smoke_test.start(packed, [(asked, "app/app")], timeout, lines.append, gui=gui)
        return done

    return begin


@posix
def test_the_environment_is_empty_and_the_folder_another(start):
    done = start('#!/bin/sh\n/usr/bin/env\npwd\necho "$@"\n')
    lines = done.output.splitlines()
    assert lines[-1] == "-v"
    assert "slipway-smoke-" in lines[-2]
    assert not Path(lines[-2]).exists()
    assert not [line for line in lines if line.startswith(("PATH=", "HOME=", "VIRTUAL_ENV="))]


@posix
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#!/bin/sh\necho one; echo two; exit 3\n", r"ended with exit code 3; it said: one \| two"),
        ("#!/bin/sh\nkill -SEGV $$\n", "died of SIGSEGV; it said: nothing"),
        ("#!/no/such/interpreter\n", "the frozen app does not start"),
        ("\x7fELF nonsense", "the frozen app does not start"),
        ("#!/bin/sh\necho NoSuchModuleError; exit 1", "name the dialect in the stage's dialects"),
        ("#!/bin/sh\necho No such file; exit 1", "name data files in include-files"),
        ("#!/bin/sh\necho relative import; exit 1", "freeze it as a module of its package"),
    ],
)
def test_what_does_not_start_says_why(start, text, said):
    with pytest.raises(StageFailed, match=said):
        start(text)


WINDOWED = """#!/bin/sh
test "$QT_QPA_PLATFORM" = offscreen || { echo "qt.qpa.xcb: could not connect to display"; exit 1; }
echo "display $DISPLAY"
"""


@posix
def test_a_windowed_program_draws_where_nobody_looks(start):
    assert start(WINDOWED, gui=True).output.startswith("display")


@posix
def test_without_gui_it_is_told_what_to_write(start):
    with pytest.raises(StageFailed, match=r"write gui = true for a program with windows"):
        start(WINDOWED)


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="no Xvfb here: apt install xvfb")
def test_a_program_that_is_not_qt_gets_a_display_of_its_own(start):
    """Asked by a program that speaks X: the greeting of its protocol, and the server's answer."""
    code = """
import os, socket, struct
number = os.environ["DISPLAY"].lstrip(":")
link = socket.socket(socket.AF_UNIX)
link.connect("/tmp/.X11-unix/X" + number)
link.sendall(struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0))
print("answer", link.recv(1)[0], "pid", os.getpid())
"""
    done = start(f"#!{sys.executable}\n{code}", gui=True)
    assert done.output.startswith("answer 1 ")
    left = [one for one in psutil.process_iter(["name", "ppid"]) if one.info["name"] == "Xvfb"]
    assert not [one for one in left if one.info["ppid"] == os.getpid()]


@posix
def test_what_may_not_be_executed(start):
    with pytest.raises(StageFailed, match=r"the frozen app does not start: .*may not be run"):
        start("#!/bin/sh\n", mode=0o644)


@pytest.mark.slow
@posix
def test_what_does_not_end_is_stopped(start):
    with pytest.raises(StageFailed, match=r"the frozen app did not end within .*was stopped"):
        start("#!/bin/sh\necho waiting\nexec /bin/sleep 60\n", timeout=0.5)


#: Each starts the next one and stays; the two hundredth is the last, should nobody stop them.
SWARM = """#!/bin/sh
export SHELL='%s' N=200
export NEXT='N=$((N-1)); test $N = 0 || "$SHELL" -c "$NEXT" & sleep 30'
eval "$NEXT"
"""


@posix
@pytest.mark.parametrize("code", [0, None])
def test_what_starts_itself_again_and_again_is_stopped(start, monkeypatch, tmp_path, code):
    monkeypatch.setattr(smoke_test, "_MOST_PROCESSES", 30)
    shell = shutil.copy("/bin/sh", tmp_path / "swarm")
    with pytest.raises(smoke_test.NotStarted, match=r"more than 30 processes and was stopped; in"):
        start(SWARM % shell, code=code)
    words = (" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"]))
    assert not [one for one in words if str(shell) in one]


@posix
@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        ("echo one", {"expect": "two"}, 'did not print "two"; it said: one'),
        ("exit 0", {"code": 3}, "ended with exit code 0; it has to end with exit code 3"),
        ("exit 1", {"as_unfrozen": True}, "code 1; unfrozen it ends with exit code 0"),
        (
            "echo \"No module named 'x'\"; exit 2",
            {"code": 2, "as_unfrozen": True},
            "exit code 2, for another reason than unfrozen",
        ),
        ("exit 1", {"code": None}, "ended with exit code 1; unfrozen it goes on"),
        (
            "exit 0",
            {"code": None, "arguments": ()},
            "ended with exit code 0; unfrozen it goes on",
        ),
        ("exit 255", {"code": 1}, "ended with exit code 255; it has to end with exit code 1"),
    ],
)
def test_it_ends_otherwise_than_it_has_to(start, text, more, said):
    with pytest.raises(smoke_test.NotStarted, match=said):
        start(f"#!/bin/sh\n{text}\n", **more)


@posix
@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("echo one two", {"expect": "two"}),
        ("exit 3", {"code": 3}),
        ("echo usage; exit 2", {"code": 2, "as_unfrozen": True}),
        (
            "echo \"No module named 'x'\"; exit 2",
            {"code": 2, "as_unfrozen": True, "lacks_nothing": False},
        ),
        ("echo ValueError; exit 255", {"code": 1, "as_unfrozen": True}),
        # Asked for --help on a busy machine, it did not end in time unfrozen.
        ("echo usage", {"code": None, "as_unfrozen": True}),
    ],
)
def test_it_ends_as_it_has_to(start, text, more):
    assert start(f"#!/bin/sh\n{text}\n", **more).program == "app"


@pytest.mark.slow
@posix
def test_what_goes_on_unfrozen_has_started_when_it_goes_on(start, monkeypatch):
    monkeypatch.setattr(smoke_test, "GOES_ON", 0.5)
    assert start("#!/bin/sh\necho serving\nexec /bin/sleep 60\n", code=None).output == "serving\n"


@pytest.mark.slow
@posix
def test_a_program_that_prints_without_end_fills_no_memory(start):
    done = start(
        "#!/bin/sh\nhead -c 300000000 /dev/zero | tr '\\0' 'x' | fold -w 100\n", timeout=120
    )
    assert len(done.output) < 20_000
