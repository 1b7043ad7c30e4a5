"""A session at a real Qt window, with one of everything in it."""

from __future__ import annotations

import ctypes.util
import json
import shutil
import struct
import sys
from pathlib import Path

import pytest

from slipway.scripts.python_env.environment import prepare
from slipway.scripts.report import ConsoleReport
from slipway.scripts.stages.features.injected_package import importable
from slipway.scripts.stages.tests.stage import TestsStage
from slipway.sessions import NotThere, SessionError, SessionLost, Unsupported
from slipway.sessions.desktop import link as desktop_link
from slipway.sessions.desktop.program import DesktopSettings
from slipway.sessions.desktop.session import DesktopSession

ROOT = Path(__file__).parents[3]
WINDOW = ROOT / "tests" / "data" / "desktop" / "window.py"
PNG = b"\x89PNG\r\n\x1a\n"
_WANTED = ("EGL", "GL", "xkbcommon", "dbus-1", "fontconfig", "glib-2.0")
_MISSING = [one for one in _WANTED if sys.platform == "linux" and not ctypes.util.find_library(one)]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(_MISSING), reason=f"Qt lacks {', '.join(_MISSING)} on this machine: make desktop"
    ),
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """The window's program, in the environment of the example."""
    folder = tmp_path_factory.mktemp("desktop")
    for name in ("pyproject.toml", "uv.lock", "README.md"):
        shutil.copy(ROOT / "examples" / "pantry" / name, folder)
    (folder / "pantry").mkdir()
    (folder / "pantry" / "__init__.py").touch()
    made = prepare(folder, TestsStage(uses="tests"), folder / "cache", ConsoleReport())
    package = importable(made, folder / "cache")
    return DesktopSettings((str(made.python), str(WINDOW)), {"PYTHONPATH": str(package)})


@pytest.fixture(scope="module")
def shared(settings):
    session = DesktopSession(settings, patience=30)
    yield session
    session.close()


@pytest.fixture
def session(shared):
    yield shared
    shared._inside = []
    shared.patience = 30


@pytest.fixture
def fresh(settings):
    session = DesktopSession(settings, patience=30)
    yield session
    session.close()


def test_an_order_that_comes_together_with_the_greeting_is_done(settings, monkeypatch):
    """On a busy machine the program reads both at once, and no more comes until it answers."""
    held = []

    def send(link, line):
        held.append(json.dumps(line).encode() + b"\n")
        if set(line) != {"proof"}:
            link._socket.sendall(b"".join(held))
            held.clear()

    monkeypatch.setattr(desktop_link.Link, "send", send)
    session = DesktopSession(settings, patience=30)
    try:
        session.see("page one")
    finally:
        session.close()


def told(session):
    """Return what the program itself says its fields hold."""
    before = session.find("id", "said").text
    session.press("Tell")
    session.wait(lambda: session.find("id", "said").text != before, lambda: "it tells nothing")
    return session.find("id", "said").text.split("|")


def test_every_kind_of_field(fresh):
    fresh.fill("Name", "Zoë 李 O'Neill")
    fresh.fill("Secret", "s3cret")
    fresh.fill("Day", "2024-02-29")
    fresh.fill("Number", "42")
    fresh.fill("Volume", "7")
    fresh.choose("Blue", "Colour")
    fresh.fill("Own", "mine")
    fresh.check("News")
    fresh.choose_radio("Large")
    fresh.fill("About", "two\nlines")
    fresh.choose("first", "Items")
    fresh.choose("third", "Items", add=True)
    fresh.click("Thing 39")
    fresh.check("Thing 0")
    fresh.press("Two")
    fresh.uncheck("Extras")
    expected = "Zoë 李 O'Neill|s3cret|2024-02-29|42|7|Blue|mine|1010|two/lines|first,third|Thing 39"
    assert told(fresh) == [*expected.split("|"), "Checked", "1"]
    assert fresh.value("Name") == "Zoë 李 O'Neill"
    assert fresh.value("Day") == "2024-02-29"
    assert fresh.value("Colour") == "Blue"
    assert fresh.value("About") == "two\nlines"
    assert fresh.find("checkbox", "News").checked
    fresh.fill("your name", "")
    assert fresh.value("Name") == ""


def test_what_is_not_to_be_seen_is_not_there(session):
    session.see("page one")
    session.see_not("page two")
    session.see_element("table", "Prices")
    session.see_element("row", "Oak")
    session.see_no_element("row", "Leaf")
    with session.within("table", "Prices"):
        session.see("39.50")
        session.see_not("Oak")
    with session.within("row", "Thing 1"):
        session.press("Buy it")
    session.see("bought")
    session.patience = 0
    with pytest.raises(NotThere, match='no button "Nowhere" on the window "Everything"'):
        session.press("Nowhere")


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (lambda s: s.fill("Fixed", "x"), 'the input "Fixed" is read-only'),
        (lambda s: s.fill("Off", "x"), 'the input "Off" cannot be used: it is disabled'),
        (lambda s: s.fill("Day", "tomorrow"), '"tomorrow" cannot be in it; write it as 2026-11-21'),
        (lambda s: s.fill("Volume", "loud"), '"loud" is no whole number'),
        (lambda s: s.choose("Pink", "Colour"), 'has no option "Pink"; it has "Red", "Green"'),
        (lambda s: s.choose("Green", "Colour"), 'the option "Green" of .* is disabled'),
        (lambda s: s.choose("Red", "Colour", add=True), "takes one option only"),
        (lambda s: s.alert, "no message is open"),
        (lambda s: s.press_key("RETRUN"), 'there is no key "RETRUN"; did you mean RETURN?'),
        (lambda s: s.visit("/login"), 'the driver "desktop" cannot open /login: windows have no'),
        (lambda s: s.back(), "cannot go back"),
        (lambda s: s.status, "cannot tell the HTTP status"),
        (lambda s: s.cookie("a"), "cannot read cookies"),
        (lambda s: s.execute("1"), "cannot run JavaScript"),
        (lambda s: s.find("button", "Tell").attach([]), "has no file fields"),
    ],
)
def test_what_cannot_be_done_says_so(session, operation, sentence):
    session.patience = 0
    with pytest.raises(SessionError, match=sentence):
        operation(session)


def test_a_dialog_that_waits_is_answered(session):
    session.press("Edit")
    session.press("Delete")
    assert session.alert == "Sure? Really delete it? Yes No"
    assert session.title == "Sure?"
    session.patience = 0
    with pytest.raises(SessionError, match='the dialog "Sure\\?" is open over it'):
        session.fill("Name", "x")
    session.patience = 30
    session.answer_alert(accept=False)
    session.see("answered No")
    session.press_key("CONTROL+D")
    session.press("Yes")
    session.see("answered Yes")
    session.press("Prompt")
    session.answer_alert(text="Ann")
    session.see("('Ann', True)")


def test_a_file_dialog_is_a_dialog_as_any(session, tmp_path):
    file = tmp_path / "note.txt"
    file.write_text("a note")
    session.press("File ...")
    session.fill("File name", str(file))
    session.press("Open")
    session.see(str(file))


def test_an_entry_that_is_disabled_is_not_chosen(session):
    session.press("Edit")
    session.patience = 0
    entry = session.find("button", "Never")
    assert entry.attribute("disabled") is not None
    session.press_key("ESCAPE")
    session.patience = 30
    session.see_no_element("button", "Never")


def test_windows_come_to_the_front_and_close(session):
    session.press("Other window")
    session.wait(lambda: len(session.windows) == 2, lambda: "no other window opens")
    session.switch_window(session.windows[-1])
    assert session.title == "Other"
    first, second = session.windows
    session.switch_window(first)
    assert session.title == "Everything"
    session.switch_window(second)
    session.fill("Note", "here")
    assert session.value("Note") == "here"
    session.close_window()
    session.wait(lambda: session.title == "Everything", lambda: f"in front is {session.title}")
    session.visit("/")
    with pytest.raises(NotThere):
        session.switch_window(second)
    session.resize(640, 480)
    assert struct.unpack(">II", session.screenshot()[16:24]) == (640, 480)


def test_evidence_is_a_picture_the_windows_and_what_was_said(fresh):
    kept = {one.name: one.data for one in fresh.evidence()}
    assert kept["screenshot.png"].startswith(PNG)
    assert b"<label" in kept["page.html"]
    assert kept["program.txt"] == b"the window is open\n"
    assert fresh._program._token not in fresh.html


def test_a_program_that_ends_is_told(fresh):
    with pytest.raises(SessionLost, match="the desktop program has ended with exit code 7"):
        fresh.press("Crash")
    kept = {one.name: one.data.decode() for one in fresh.evidence()}
    assert "the desktop program has ended with exit code 7" in kept["program.txt"]


def test_a_program_may_be_asked_to_quit(fresh):
    fresh.press("Quit")
    with pytest.raises(SessionLost, match="has ended with exit code 0"):
        fresh.see("Ready.")


def test_without_a_reset_of_its_own_a_program_starts_anew(fresh):
    with pytest.raises(SessionLost, match="no reset of its own"):
        fresh.reset()


def test_a_desktop_has_no_pages(session):
    for operation in (session.forward, session.reload):
        with pytest.raises(Unsupported):
            operation()
