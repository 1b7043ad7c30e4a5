"""The program of a project's committer who wants at another project on the same worker.

    python hostile_tenant.py STATE MARK PORT

It waits until a stage of the other project runs, which listens at a port and has MARK in its
command line. Exit code 1: it got something.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

STATE, MARK, PORT = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
MINE = Path.cwd().resolve()
got = []


def attempt(what, action, *words):
    """Try something that must be refused."""
    try:
        action(*words)
    except (OSError, ValueError, subprocess.SubprocessError):
        return
    got.append(what)


def pids():
    return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]


def words_of(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def wait_for_the_other():
    """Return a connection: the other stage ends with it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            return socket.create_connection(("127.0.0.1", PORT))
        time.sleep(0.1)
    sys.exit("the other project's stage never came")


def others_in(folder):
    """Return what a folder shows besides the way to this stage's own."""
    found = {one.name for one in folder.iterdir()} - set(MINE.parts)
    if not found:
        raise OSError(0, "nothing is there")
    return found


def write(path):
    with Path(path).open("ab"):
        pass


def try_folders():
    worker = STATE / "workers" / "local"
    for path in (worker / "buildbot.tac", worker / "twistd.log", worker / "info" / "host"):
        attempt(f"read {path}", Path(path).read_bytes)
    others = [
        worker / "tenants" / "shop",
        worker / "tenants" / "demo~publish",
        worker,
        worker / "bin",
    ]
    others += [STATE / "mirrors" / "shop.git", STATE / "releases" / "shop", STATE / "deployed"]
    for folder in others:
        attempt(f"list {folder}", others_in, folder)
        for name in (".gitconfig", "home/.gitconfig", "cache/shop/environments/x.pth", "slipway"):
            attempt(f"write {folder / name}", write, folder / name)
    attempt("list the tenants", others_in, worker / "tenants")
    attempt("make a tenant", (worker / "tenants" / "new").mkdir)
    attempt(
        "rename a tenant", os.rename, worker / "tenants" / "shop", worker / "tenants" / "demo" / "x"
    )
    attempt("replace the launcher", (worker / "launcher.sock").unlink)


def try_launcher():
    def connect():
        handle = os.open(STATE / "workers" / "local", os.O_PATH)
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(f"/proc/self/fd/{handle}/launcher.sock")

    attempt("talk to the launcher", connect)


def try_processes():
    for pid in pids():
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text()
            words = words_of(pid)
            if f"\nUid:\t{os.getuid()}\t" in status:
                if MARK in words and "hostile" not in words:
                    got.append("the other stage, as the same user")
                continue
            for name in ("environ", "mem", "maps", "fd/0", "cwd/x", "root/etc/hostname"):
                attempt(f"read {name} of {pid} {words}", read_some, f"/proc/{pid}/{name}")
            attempt(f"signal to {words}", os.kill, pid, signal.SIGCONT)
            attempt(f"limit {words}", prlimit, pid)


def read_some(path):
    with Path(path).open("rb") as stream:
        # A kernel's thread has none, and lets everybody see so.
        if not stream.read(64):
            raise OSError(0, "nothing is there")


def prlimit(pid):
    subprocess.run(["prlimit", f"--pid={pid}", "--nofile=9"], check=True, capture_output=True)


def try_to_become():
    for user in range(900, 1100):
        if user != os.getuid():
            attempt(f"become {user}", os.setuid, user)


other = wait_for_the_other()
try_folders()
try_launcher()
try_processes()
try_to_become()
other.close()
if "hunter2" in str(os.environ):
    got.append("a secret in the environment")
print(f"as user {os.getuid()}: {got}")
sys.exit(1 if got else 0)
