"""The thing under test tries to speak for the script that runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from slipway.model.protocol.event_codes import made_key
from slipway.model.protocol.script_input import Dispatched
from slipway.scripts import guard
from tests.attack.keyed import begin, finish, job, run_stage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="Linux keeps processes apart so"),
]

FORGED = '{"event":"artefact","path":"/etc/passwd","name":"x","sha256":"' + "0" * 64 + '","size":1}'
#: Runs as the stage's program: finds its parents, and tries each way to their descriptors.
REACH = textwrap.dedent(
    """
    import ctypes, glob, os
    forged = "\\x1e" + FORGED + "\\n"
    pid, parents = os.getppid(), []
    for _ in range(3):
        if "--keyed" not in open(f"/proc/{pid}/cmdline").read():
            break
        parents.append(pid)
        pid = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
    assert len(parents) >= 2, parents
    def quickly(place, flags):
        return os.open(place, flags | os.O_NONBLOCK)

    for parent in parents:
        for number in range(64):
            for one in (parent, f"{parent}/task/{parent}"):
                place = f"/proc/{one}/fd/{number}"
                for how in ("w", "r"):
                    try:
                        with open(place, how, opener=quickly) as s:
                            print("OPENED", place, how)
                            how == "w" and s.write(forged)
                    except (OSError, BlockingIOError):
                        pass
        for name in ("mem", "environ", "maps", "syscall", "stack", "root", "cwd", "exe"):
            try:
                os.stat(f"/proc/{parent}/{name}/.") if name in ("root", "cwd") else open(
                    f"/proc/{parent}/{name}", "rb").read(1)
                print("OPENED", name)
            except OSError:
                pass
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.ptrace(16, parent, 0, 0) == 0:
            print("TRACED", parent)
        pidfd = libc.syscall(434, parent, 0)
        if pidfd >= 0:
            for number in range(16):
                got = libc.syscall(438, pidfd, number, 0)
                if got >= 0:
                    print("STOLEN", number)
                    os.write(got, forged.encode())
    for number in range(16):
        try:
            os.write(number, forged.encode())
        except OSError:
            pass
    print("DONE")
    """
).replace("FORGED", repr(FORGED))


def test_a_program_reaches_nothing_of_its_script(tmp_path):
    told = run_stage(tmp_path, REACH)
    assert told.code == 0, (told.complaints, told.errors)
    assert re.findall("OPENED|TRACED|STOLEN", told.log) == [], told.log
    assert "DONE" in told.log
    # It wrote to its own output, which is log.
    assert (told.artefacts, told.forged) == ([], [])
    assert "/etc/passwd" in told.log


def test_neither_key_nor_secret_is_where_a_program_looks(tmp_path):
    key, secret = made_key(), "hush-hush-hush"
    look = textwrap.dedent(
        """
        import glob, os, sys
        print("INPUT", repr(sys.stdin.read()))
        found = []
        for place in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
            try:
                found.append(open(place, "rb").read())
            except OSError:
                pass
        for folder, _, files in os.walk(".."):
            found += [open(os.path.join(folder, name), "rb").read() for name in files]
        open("seen", "wb").write(b"".join(found))
        own = os.environ.get("TOKEN")
        open("own", "w").write(str(own))
        print("my token is", own)
        """
    )
    handed = Dispatched(job=job(tmp_path, look), key=key, secrets={"TOKEN": secret})
    assert key not in repr(handed)
    assert secret not in repr(handed)
    told = finish(begin(tmp_path, handed), key)
    assert told.code == 0, (told.complaints, told.errors)
    seen = (tmp_path / "work" / "seen").read_bytes()
    assert key.encode() not in seen
    # Of its own secret it sees its own environment alone: one process has it.
    assert (tmp_path / "work" / "own").read_text() == secret
    assert "INPUT ''" in told.log
    assert "my token is ****" in told.log


def test_a_process_that_traces_the_script_is_noticed(tmp_path):
    tracer = textwrap.dedent(
        """
        import ctypes, os, signal, sys
        libc = ctypes.CDLL(None)
        child = os.fork()
        if not child:
            libc.ptrace(0, 0, 0, 0)  # PTRACE_TRACEME
            os.execv(sys.argv[1], sys.argv[1:])
        while True:
            pid, status = os.waitpid(child, 0)
            if os.WIFEXITED(status):
                sys.exit(os.WEXITSTATUS(status))
            stop = os.WSTOPSIG(status)
            libc.ptrace(7, pid, 0, 0 if stop == signal.SIGTRAP else stop)  # PTRACE_CONT
        """
    )
    words = [sys.executable, "-m", "slipway.cli", "stage", "command", "--keyed"]
    done = subprocess.run(
        [sys.executable, "-c", tracer, *words],
        cwd=tmp_path,
        input="",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert "another process traces this one" in done.stderr


def test_a_script_that_is_not_dumpable_can_still_be_read_by_itself():
    code = "from slipway.scripts import guard; guard.protect(); print(guard.is_traced())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert guard.READY


SURVIVE = textwrap.dedent(
    """
    import os, sys, time
    os.environ["SLIPWAY_DEPLOYED"] = "demo/staging"
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve(sys.executable, [sys.executable, "-c",
                "import signal, time; signal.signal(15, signal.SIG_IGN); "
                "open('survivor', 'w').write(str(__import__('os').getpid())); time.sleep(300)"],
                os.environ)
        os._exit(0)
    while not os.path.exists("survivor") or not open("survivor").read():
        time.sleep(0.02)
    """
)


def _ended(pid: int) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_a_daemon_does_not_survive_its_stage(tmp_path):
    told = run_stage(tmp_path, SURVIVE)
    assert told.code == 0, (told.complaints, told.errors)
    assert _ended(int((tmp_path / "work" / "survivor").read_text()))


def test_a_daemon_does_not_survive_where_its_program_kills_the_script(tmp_path):
    kill = f"{SURVIVE}\nos.kill(os.getppid(), 9)\ntime.sleep(300)\n"
    told = run_stage(tmp_path, kill)
    assert told.code == 128 + signal.SIGKILL
    assert (told.artefacts, told.forged) == ([], [])
    assert _ended(int((tmp_path / "work" / "survivor").read_text()))


def test_what_breeds_is_ended(tmp_path):
    breed = textwrap.dedent(
        """
        import os, signal, time
        signal.signal(15, signal.SIG_IGN)
        end = time.time() + 60
        for _ in range(2):
            if os.fork() == 0:
                os.setsid()
                while time.time() < end:
                    if os.fork():
                        os._exit(0)
                    time.sleep(0.03)
        open("bred", "w").write("")
        """
    )
    told = run_stage(tmp_path, breed)
    assert told.code == 0, (told.complaints, told.errors)
    mark = str(tmp_path)
    left = [p.pid for p in psutil.process_iter() if mark in _folder(p)]
    assert left == []


def _folder(process: psutil.Process) -> str:
    try:
        return process.cwd()
    except psutil.Error:
        return ""


def test_200_processes_are_ended(tmp_path):
    many = textwrap.dedent(
        """
        import os, time
        for _ in range(200):
            if os.fork() == 0:
                os.setsid()
                time.sleep(300)
                os._exit(0)
        """
    )
    told = run_stage(tmp_path, many)
    assert told.code == 0, (told.complaints, told.errors)
    assert [p.pid for p in psutil.process_iter() if str(tmp_path) in _folder(p)] == []


def test_a_stage_that_is_stopped_says_so_once(tmp_path):
    key = made_key()
    program = "open('begun', 'w').write('x'); import time; time.sleep(300)"
    process = begin(tmp_path, Dispatched(job=job(tmp_path, program), key=key))
    begun = Path(tmp_path / "work" / "begun")
    deadline = time.monotonic() + 60
    while not begun.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    # As a worker does it: the whole group.
    os.killpg(process.pid, signal.SIGTERM)
    told = finish(process, key)
    assert told.code == 1
    assert told.complaints == ["the stage was stopped from outside (SIGTERM)"]


@pytest.mark.parametrize(
    "text", ["", "{}", "zlib:x", "zlib:" + "A" * 8, '{"key": "x"}', "[" * 9999]
)
def test_what_is_no_job_is_refused_in_one_sentence(tmp_path, text):
    words = [sys.executable, "-m", "slipway.cli", "stage", "command", "--keyed"]
    done = subprocess.run(
        words, cwd=tmp_path, input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("standard input: this is no job from a worker's step: ")
    assert done.stderr.count("\n") == 1
