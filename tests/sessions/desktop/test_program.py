"""Starting and ending a desktop program, whatever happens to it; none of these needs Qt."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from slipway.sessions import SessionError
from slipway.sessions.desktop import link as desktop_link
from slipway.sessions.desktop.link import Link, greet, proof
from slipway.sessions.desktop.page import Windows
from slipway.sessions.desktop.program import DesktopSettings, Program
from slipway.sessions.drivers import Choice, driver_of
from slipway.sessions.settings import Settings, WrongSetting, read_settings
from slipway.sessions.visitors import Visitors, sessions_of
from tests.support.processes import alive

#: Greets as an agent does, starts a child, and waits.
AGENT = """
import json, os, socket, subprocess, sys, time
from slipway.sessions.desktop.link import proof
port, _, token = os.environ["SLIPWAY_DESKTOP_AGENT"].partition(":")
line = socket.create_connection(("127.0.0.1", int(port))).makefile("rw")
nonce = json.loads(line.readline())["nonce"]
print(json.dumps({"proof": proof(token, "agent", nonce), "nonce": "n", "version": 1}), file=line)
line.flush()
assert json.loads(line.readline())["proof"] == proof(token, "driver", "n")
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("child", child.pid, sys.argv[1:], os.environ.get("HERE"), flush=True)
time.sleep(60)
"""
HOLDER = f"""
import time
from slipway.sessions.desktop.program import DesktopSettings, Program
program = Program(DesktopSettings(("python", "-c", {AGENT!r})))
while "child" not in program.tail():
    time.sleep(0.01)
print(program.folder, program.tail().split()[1], flush=True)
time.sleep(60)
"""


def wait_until(look, seconds=60):
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def start(*command, **more):
    return Program(DesktopSettings(command, **{"patience": 60, **more}))


@pytest.mark.slow
def test_a_program_is_started_in_a_folder_of_its_own_and_ended_whole(tmp_path):
    seed = tmp_path / "shop.sqlite"
    seed.write_bytes(b"rows")
    env = {"HERE": "{database}"}
    program = start("python", "-c", AGENT, "{folder}", env=env, seeds={"shop": seed})
    wait_until(lambda: "child" in program.tail())
    copy = program.folder / "own" / "shop.sqlite"
    assert copy.read_bytes() == b"rows"
    assert program.tail().endswith(f"['{program.folder / 'own'}'] {copy}")
    child = int(program.tail().split()[1])
    program.end()
    program.end()
    wait_until(lambda: not alive(child))
    assert not program.folder.exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
def test_nothing_is_left_when_the_runner_is_killed():
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    folder, child = holder.stdout.readline().split()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    wait_until(lambda: not alive(int(child)) and not Path(folder).exists())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("raise SystemExit('no shelf here')", "ended with exit code 1 before .*: no shelf here"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9 before its window was there"),
        (
            "raise ModuleNotFoundError(\"No module named 'PySide6'\")",
            "PySide6 is not in the environment it runs in; add pyside6-essentials",
        ),
        (
            "raise ImportError('libEGL.so.1: cannot open shared object file: No such file')",
            r"libEGL.so.1 is missing on this machine \(Debian: apt install libegl1",
        ),
    ],
)
def test_a_program_that_ends_at_once_says_why(code, sentence):
    with pytest.raises(SessionError, match=sentence):
        start("python", "-c", code)


@pytest.mark.slow
def test_a_program_without_the_agent_says_how_to_put_it_in():
    with pytest.raises(SessionError, match="slipway features --desktop-agent FILE"):
        start("python", "-c", "import time; time.sleep(60)", patience=0.5)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("dist/nothing",), 'the program "dist/nothing" is not in '),
        (("no-such-program",), 'the program "no-such-program" is not on PATH'),
        (("python", "{database:shop}"), r"\{database:shop\} is no seed database; there are: none"),
    ],
)
def test_a_wrong_command_is_refused(command, sentence):
    with pytest.raises(WrongSetting, match=sentence):
        start(*command)


@pytest.mark.parametrize("token", ["wrong", "right"])
def test_only_the_program_that_was_started_is_listened_to(token):
    here, there = socket.socketpair()
    answers = []

    def call():
        link = Link(there)
        nonce = link.receive()["nonce"]
        link.send({"proof": proof(token, "agent", nonce), "nonce": "n", "version": 1})
        try:
            answers.append(link.receive())
        except OSError:
            answers.append(None)
        link.close()

    caller = threading.Thread(target=call)
    caller.start()
    greeted = greet(here, "right")
    caller.join()
    assert (greeted is not None) == (token == "right")
    # Whoever does not know the token gets nothing that could be used elsewhere.
    assert answers == [{"proof": proof("right", "driver", "n")} if token == "right" else None]
    here.close()


def test_an_agent_of_another_version_is_refused():
    here, there = socket.socketpair()
    far = Link(there)
    threading.Timer(
        0.1,
        lambda: far.send({"proof": proof("t", "agent", far.receive()["nonce"]), "nonce": "n"}),
    ).start()
    with pytest.raises(SessionError, match="is of another version"):
        greet(here, "t")
    far.close()
    here.close()


def test_the_agent_proves_as_the_driver_does():
    text = Path(desktop_link.__file__).with_name("agent.py").read_text("utf-8")
    said = Path(desktop_link.__file__).read_text("utf-8")
    begin = "def proof("
    assert (
        text.partition(begin)[2].partition("\n\n")[0]
        == said.partition(begin)[2].partition("\n\n")[0]
    )
    assert f"\nVERSION = {desktop_link.VERSION}\n" in text


def test_the_agent_in_the_example_is_the_one_that_ships():
    shipped = Path(desktop_link.__file__).with_name("agent.py")
    copy = Path(__file__).parents[3] / "examples" / "pantry" / "pantry" / "desktop_agent.py"
    assert copy.read_bytes() == shipped.read_bytes(), (
        "take it anew: slipway features --desktop-agent examples/pantry/pantry/desktop_agent.py"
    )


def test_texts_that_no_page_can_hold_are_shown_all_the_same():
    tree = {"windows": [["section", {"aria-label": "a\0b"}, ["x\x1fy", ["p", {}, ["z"]], "w"]]]}
    shown = Windows(tree | {"order": ["1"]})
    assert shown.title == "a\ufffdb"
    assert "x\ufffdy" in shown.html


def test_tags_ask_for_a_desktop():
    assert driver_of(["desktop"]) == Choice("desktop")
    assert driver_of(["desktop", "session:desktop", "insulated"]) == Choice(
        "desktop", insulated=True
    )
    for other in ("javascript", "session:http"):
        with pytest.raises(SessionError, match="contradict each other"):
            driver_of(["desktop", other])


def test_settings_name_the_program(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.slipway.features]\ndesktop = ["python", "-m", "app"]\n'
        'desktop-env = { FILE = "{folder}/a" }\n'
        '[tool.slipway.features.profiles.frozen]\ndesktop = ["dist/app"]\n'
    )
    found = read_settings({}, {}, tmp_path)
    assert (found.desktop, found.desktop_env) == (("python", "-m", "app"), {"FILE": "{folder}/a"})
    assert read_settings({"profile": "frozen"}, {}, tmp_path).desktop == ("dist/app",)
    assert read_settings({"desktop": '["a b", "c"]'}, {}, tmp_path).desktop == ("a b", "c")
    assert read_settings({}, {"SLIPWAY_DESKTOP": r"C:\a b.exe"}, tmp_path).desktop == (
        r"C:\a b.exe",
    )
    for wrong in ("", "[]", "[1]", "[", '[""]'):
        with pytest.raises(WrongSetting, match=r"-D desktop: .* is not allowed; write the program"):
            read_settings({"desktop": wrong}, {}, tmp_path)


def test_without_a_command_there_is_no_desktop_and_without_an_address_no_page():
    sessions = sessions_of(Settings(base_url="http://127.0.0.1:9/"))
    with pytest.raises(WrongSetting, match="nothing says how the desktop program is started"):
        _ = Visitors(sessions, ["desktop"]).first
    sessions = sessions_of(Settings(desktop=("app",)))
    with pytest.raises(WrongSetting, match="nothing says where the application runs"):
        _ = Visitors(sessions, []).first
