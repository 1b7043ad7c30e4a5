"""The clean room, entered by programs that look around, fail and do not end."""

import contextlib
import os
import socket
import tempfile
from pathlib import Path

import psutil
import pytest

from slipway.scripts.stages.freeze import smoke_test
from slipway.scripts.stages.freeze.clean_room.room import Room
from slipway.scripts.stages.freeze.smoke_test import NotStarted


def running(word):
    """Return the processes that have a word on their command line."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if word in one.cmdline():
                found.append(one)
    return found


def test_nothing_of_this_machine_is_in_sight(start):
    here = Path(__file__)
    done = start(f"""
for path in /usr/share /usr/lib/python3 /etc/ssl /etc/fonts /var/lib /sys {here} {os.sys.executable}
do test -e $path && echo "there is $path"
done
command -v python3 bwrap git perl
ls /etc /opt ~user
""")
    assert done.output.split("\n") == [
        "/etc:",
        *("group", "hostname", "hosts", "nsswitch.conf", "os-release", "passwd", ""),
        "/home/user:",
        "",
        "/opt:",
        "app",
    ]


def test_it_is_an_ordinary_user_with_a_home_of_its_own(start):
    said = start("""
id -un; pwd; hostname
echo mine > file; echo mine > /tmp/file; cat /home/user/file /var/tmp/file
touch /file 2>/dev/null || echo may not
grep -c : /proc/net/dev
env
""").output
    assert said.split("\n") == [
        *("user", "/home/user", "clean-room", "mine", "mine", "may not", "1", "PWD=/home/user")
    ]


def test_it_gets_its_arguments_and_none_is_taken_for_one_of_bubblewraps(start):
    words = ("--bind", "/", "/host", "a b", "$(id)", "line\nline", "")
    said = start(
        'for word; do echo "[$word]"; done; if test -e /host; then echo open; fi', *words
    ).output
    assert said == "\n".join(f"[{word}]" for word in words)


def test_it_cannot_end_processes_outside(start):
    assert start("kill -9 -1 2>/dev/null; kill -9 1 2>/dev/null; echo alive").output == "alive"
    assert psutil.Process().parent() is not None


def test_a_library_that_not_every_linux_has_is_missed(start):
    """The machine's own ls needs libselinux on Debian; the room's ls works without showing it."""
    needs_more = Path("/usr/bin/ls")
    if not any("selinux" in one.path for one in _maps(needs_more)):
        pytest.skip("this machine's ls needs nothing that not every Linux has")
    with pytest.raises(NotStarted) as caught:
        start(needs_more, "/opt")
    said = str(caught.value)
    assert "was started as `app /opt` in a clean room and ended with exit code 127" in said
    assert "in the clean room libselinux.so.1 is not there: not every Linux has it" in said
    assert said.endswith(
        "outside of the room, where this machine's files are, it ends as it has to"
    )


def _maps(program):
    """Return what a program has loaded, with `sleep`, which is of the same package."""
    process = psutil.Popen([program, "-R", "/proc"], stdout=-1)
    try:
        process.stdout.read(1)
        return process.memory_maps()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("cat /usr/share/zoneinfo/UTC >/dev/null", "zoneinfo is not there; add tzdata to the dep"),
        ("cat /etc/ssl/openssl.cnf", "/etc/ssl has no certificates; add certifi"),
        ("git status", "there is no program git: there are a shell and the tools of POSIX"),
        ("echo \"No module named 'x'\"; exit 1", "name the module in the stage's includes"),
    ],
)
def test_what_is_missed_is_told(start, program, said):
    with pytest.raises(NotStarted, match=said):
        start(program)


@pytest.mark.parametrize(
    ("program", "more", "said"),
    [
        ("kill -SEGV $$", {}, "died of SIGSEGV"),
        ("exit 139", {"code": 0}, "died of SIGSEGV"),
        ("exit 7", {"code": 139}, "ended with exit code 7; it has to end with exit code 139"),
        ("exit 200", {}, "ended with exit code 200"),
    ],
)
def test_how_it_ends_is_told(start, program, more, said):
    with pytest.raises(NotStarted, match=said):
        start(program, **more)


def test_an_exit_code_that_is_asked_for_is_no_signal(start):
    start("exit 139", code=139)
    # As the unfrozen one died.


def test_it_dies_as_it_does_unfrozen(start):
    start("kill -ABRT $$", code=-6, as_unfrozen=True)


def test_what_cannot_be_executed(start, tmp_path):
    (tmp_path / "bad").write_text("#!/no/such/interpreter\n")
    with pytest.raises(NotStarted, match=r"the frozen app does not start: execvp /opt/app/app: No"):
        start(tmp_path / "bad")


@pytest.mark.slow
def test_what_never_returns_is_stopped_with_all_that_it_started(start):
    mark = f"{os.getpid()}.125"
    with pytest.raises(NotStarted, match=r"the frozen app did not end within .*was stopped"):
        start(f"trap '' TERM HUP\nsleep {mark} &\nsleep {mark}", timeout=2)
    assert running(mark) == []


def test_what_forks_and_leaves_is_ended_with_the_room(start):
    mark = f"{os.getpid()}.25"
    done = start(f"(trap '' TERM HUP; sleep {mark} >/dev/null 2>&1 &)\necho left it")
    assert done.output == "left it"
    for one in running(mark):
        # The kernel ends it at once, but not before this process sees the end of the first one.
        one.wait(30)
    assert running(mark) == []


@pytest.mark.slow
def test_a_gigabyte_that_is_printed_fills_no_memory(start):
    # Without a single line's end.
    done = start("exec head -c 1000000000 /dev/zero", timeout=300)
    assert len(done.output) < 20_000


@pytest.mark.slow
def test_a_gigabyte_that_is_written_is_gone_afterwards(start, tmp_path, monkeypatch):
    """Its folders are on the disk, not in memory, and the root cannot be written at all."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    done = start("head -c 1000000000 /dev/zero > big && wc -c < big")
    assert done.output == "1000000000"
    assert not list(tmp_path.glob("slipway-smoke-*"))


WINDOWED = 'test "$QT_QPA_PLATFORM" = offscreen || exit 1; echo drawn; '


@pytest.mark.slow
def test_what_opens_a_window_and_waits(start, monkeypatch):
    monkeypatch.setattr(smoke_test, "GOES_ON", 1.0)
    assert start(f"{WINDOWED} exec sleep 60.5", gui=True, code=None).output == "drawn\n"
    assert running("60.5") == []


@pytest.mark.slow
def test_what_opens_a_window_and_waits_where_it_has_to_end(start):
    with pytest.raises(NotStarted, match=r"did not end within .*Its last line: drawn"):
        start(f"{WINDOWED} exec sleep 60.75", gui=True, timeout=2)
    assert running("60.75") == []


def test_windowed_programs_find_the_graphics_libraries_and_others_do_not(tmp_path, bubblewrap):
    def libraries(*, gui):
        root = tmp_path / f"root-{gui}"
        (tmp_path / "place").mkdir(exist_ok=True)
        Room(bubblewrap, root, tmp_path / "place", gui=gui)
        return {path.name for path in (root / "lib").rglob("*.so*")}

    plain, windowed = libraries(gui=False), libraries(gui=True)
    assert {"libc.so.6", "libstdc++.so.6", "libz.so.1"} <= plain < windowed
    # They are what libX11 and glib load, by other names on each Linux.
    assert not plain & {"libX11.so.6", "libxcb.so.1", "libglib-2.0.so.0", "libpcre2-8.so.0"}


def test_the_socket_of_a_display_is_there_and_nothing_else_of_its_folder(
    tmp_path, bubblewrap, monkeypatch
):
    place = tmp_path / "place"
    place.mkdir()
    (place / "app").write_text("#!/bin/sh\ntest -S /tmp/.X11-unix/X4711 && ls /tmp/.X11-unix\n")
    (place / "app").chmod(0o755)
    room = Room(bubblewrap, tmp_path / "root", place, gui=True)
    sockets = Path("/tmp/.X11-unix")  # noqa: S108  where X servers listen
    made = not sockets.exists()
    sockets.mkdir(exist_ok=True)
    path = sockets / "X4711"
    path.unlink(missing_ok=True)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            for number, display in enumerate((":4711", ":4711.0", ":../../etc", "host:1")):
                folder = tmp_path / f"folder-{number}"
                folder.mkdir()
                words = room.command("app", [], folder, {"DISPLAY": display})
                done = psutil.Popen(words, stdout=-1, env={})
                said = done.communicate()[0]
                assert said == (b"X4711\n" if number < 2 else b"")
    finally:
        path.unlink()
        if made:
            sockets.rmdir()
