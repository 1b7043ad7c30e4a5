"""The program of somebody hostile: tries to get at what is not its worker's, and says what it got.

    python hostile.py STATE OWN OTHER

It is committed into a repository and run by a site, on the worker OWN. Exit code 1: it
got something.
"""

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

ATTACH, DETACH = 16, 17
STATE, OWN, OTHER = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
got = []


def attempt(what, action, *words):
    """Try something that must be refused."""
    try:
        action(*words)
    except (OSError, ValueError):
        return
    got.append(what)


def read(path):
    with Path(path).open("rb") as stream:
        stream.read(64)


def write(path):
    with Path(path).open("ab"):
        pass


def attach(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(ATTACH, pid, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, 0)
    libc.ptrace(DETACH, pid, None, None)


def text(path):
    with contextlib.suppress(OSError):
        return Path(path).read_text("utf-8", "replace")
    return ""


def try_files():
    names = ["admin-password", "session-key", "state.sqlite", "ended-sessions", "lock"]
    names += ["people/ann-password", "people/ann-hash", "master/twistd.log", "master/buildbot.tac"]
    names += [f"worker-{OWN}-password", f"worker-{OTHER}-password"]
    names += [f"workers/{OTHER}/twistd.log", f"workers/{OTHER}/buildbot.tac"]
    beside = (STATE.parent / "far-password", STATE.parent / "stage-secret")
    for path in (*(STATE / name for name in names), *beside):
        attempt(f"read {path}", read, path)
    shown = {"mirrors", "workers", "releases", "deployed"}
    for folder in (STATE, STATE / "people", STATE / "store", STATE / "workers" / OTHER):
        with contextlib.suppress(OSError):
            # An empty folder stands where the state folder is: only what is the worker's is in it.
            more = {one.name for one in folder.iterdir()} - shown
            if more:
                got.append(f"list {folder}: {sorted(more)}")
    for path in (STATE / "new", STATE / "admin-password", Path(sys.prefix, "new")):
        attempt(f"write {path}", write, path)
    for mirror in STATE.glob("mirrors/*"):
        attempt(f"write {mirror}", write, mirror / "config")


def try_processes():
    for pid in [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]:
        words = text(f"/proc/{pid}/cmdline").replace("\0", " ")
        if "buildbot.tac" not in words and "slipway.cli up" not in words:
            continue
        for name in ("environ", "mem", "maps", "root/etc/hostname", "fd/0", "cwd/twistd.log"):
            attempt(f"read {name} of {words}", read, f"/proc/{pid}/{name}")
        attempt(f"ptrace {words}", attach, pid)
        if f"workers/{OWN}/" not in words:
            for number in (signal.SIGSTOP, signal.SIGKILL):
                attempt(f"signal {number} to {words}", os.kill, pid, number)


def try_every_number():
    """Send nothing to every process there could be: whoever can be sent something is one's own."""
    for pid in range(1, min(50_000, int(text("/proc/sys/kernel/pid_max")))):
        with contextlib.suppress(OSError):
            os.kill(pid, 0)
            status = text(f"/proc/{pid}/status")
            if not status:
                # It is hidden, or it has just ended: then this raises.
                os.kill(pid, 0)
            if f"\nUid:\t{os.getuid()}\t" not in status:
                got.append(f"signal to {pid}")


try_files()
try_processes()
try_every_number()
if "hunter2" in str(os.environ):
    got.append("a secret in the environment")
print(f"as user {os.getuid()}: {got}")
sys.exit(1 if got else 0)
