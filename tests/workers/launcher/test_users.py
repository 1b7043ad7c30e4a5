"""The launcher: whom it obeys, what it opens, and what is left of a stage it has started."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from slipway.workers.launcher import handover, serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0, reason="only root becomes somebody else"
    ),
]
#: Nobody's numbers, and no other test's: the worker's user, two tenants', and a stranger's.
WORKER = 60_000 + 4 * (os.getpid() % 1300)
TENANT, OTHER, STRANGER = WORKER + 1, WORKER + 2, WORKER + 3
#: Beside a worker that has become its user, as `enclose` does it.
BEGIN = """import ctypes, json, os, sys, time
from slipway.workers.isolation import enclose, needs
from slipway.workers.launcher import users as launcher
order = json.loads(sys.argv[1]) | {"parent": os.getppid()}
reads = [str(one) for one in needs._python()]
# As far as this machine lets root mount anything: the Python may lie in root's home.
if ctypes.CDLL(None).unshare(0x00020000) == 0:
    enclose._enclose(order | {"reads": reads, "writes": [order["folder"]], "keys": {}})
launcher.start(order)
enclose._become(order)
print("ready", flush=True)
time.sleep(120)
"""
#: Becomes the worker's user where the worker is: `PID USER FOLDER ARGV`.
ENTER = """import ctypes, os, sys
pid, user, folder, *argv = sys.argv[1:]
# With the table of mounts comes its own root, which is another where this runs in a chroot.
root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY)
ctypes.CDLL(None).setns(os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY), 0x00020000)
os.fchdir(root)
os.chroot(".")
os.setgroups([])
os.setgid(int(user))
os.setuid(int(user))
os.chdir(folder)
os.execv(argv[0], argv)
"""
#: Asks as the worker's process does: `FOLDER ORDER [text]`.
ASK = """import json, os, sys
from pathlib import Path
from slipway.workers.launcher import handover
try:
    told, opened = handover.ask(Path(sys.argv[1]), json.loads(sys.argv[2]))
    if opened is not None and "text" in sys.argv:
        os.write(opened, b"given")
    told["read"] = None if opened is None or "text" in sys.argv else os.read(opened, 99).decode()
except OSError as error:
    told = {"refused": str(error.strerror)}
print(json.dumps(told))
"""


class Launched:
    """A launcher with two tenants, and its worker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        tenants = {}
        for name, user in (("demo", TENANT), ("shop", OTHER)):
            area = folder / "tenants" / name
            area.mkdir(parents=True, mode=0o700)
            os.chown(area, user, user)
            tenants[name] = {
                "name": f"user-{name}",
                "user": user,
                "group": user,
                "groups": [],
                "area": str(area),
                "variables": [f"{name.upper()}_URL"],
            }
        os.chown(folder, WORKER, WORKER)
        told = {"folder": str(folder), "user": WORKER, "group": WORKER, "tenants": tenants}
        self.worker = subprocess.Popen(
            [sys.executable, "-c", BEGIN, json.dumps(told)], stdout=subprocess.PIPE, text=True
        )
        assert self.worker.stdout is not None
        assert self.worker.stdout.readline() == "ready\n"

    def ask(self, *, user: int = WORKER, text: bool = False, **order: object) -> dict[str, object]:
        words = [sys.executable, "-c", ASK, str(self.folder), json.dumps(order), *["text"] * text]
        done = subprocess.run(
            self.entered(user, "/", *words),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, object] = json.loads(done.stdout)
        return found

    def entered(self, user: int, folder: Path | str, *words: str) -> list[str]:
        """Return what starts a program where the worker is."""
        return [sys.executable, "-c", ENTER, str(self.worker.pid), str(user), str(folder), *words]

    def begin(self, tenant: str = "demo", **order: object) -> dict[str, object]:
        made = self.ask(do="begin", tenant=tenant, builder="demo_test", run="run 1", **order)
        work = self.folder / "demo_test" / "build"
        work.mkdir(parents=True, exist_ok=True)
        told = {"tenant": tenant, "folder": made["folder"], "given": made["given"]}
        (work.parent / handover.PLACE).write_text(json.dumps(told))
        for path in (work.parent, work):
            os.chown(path, WORKER, WORKER)
        return told

    def stage(self, *argv: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Start what stands for `slipway`, as Buildbot does."""
        return subprocess.Popen(
            self.entered(
                WORKER,
                self.folder / "demo_test" / "build",
                *(sys.executable, "-I", "-S", handover.__file__, *argv),
            ),
            env={**os.environ, handover.VARIABLE: str(self.folder), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


@pytest.fixture
def launched(tmp_path):
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | stat.S_IXOTH)
    folder = tmp_path / "worker"
    folder.mkdir(mode=0o711)
    made = Launched(folder)
    yield made
    made.worker.kill()
    made.worker.wait()
    assert made.worker.stdout is not None
    made.worker.stdout.close()
    wait_until(lambda: not of_users())


def of_users(*users: int) -> list[psutil.Process]:
    found = []
    for one in psutil.process_iter():
        try:
            mine = one.uids().real in (users or (WORKER, TENANT, OTHER))
            if mine and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
        except psutil.Error:
            continue
    return found


def wait_until(look):
    deadline = time.monotonic() + 60
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# ---- whom it obeys


def test_it_obeys_the_workers_user_alone(launched):
    order = {"do": "begin", "tenant": "demo", "builder": "b", "run": ""}
    assert "folder" in launched.ask(**order)
    for user in (TENANT, OTHER, STRANGER):
        assert "refused" in launched.ask(user=user, **order)
    # Whoever may write to the socket all the same is asked who it is.
    (launched.folder / handover.SOCKET).chmod(0o666)
    for user in (TENANT, STRANGER):
        assert "ended while it was asked" in str(launched.ask(user=user, **order)["refused"])


@pytest.mark.parametrize("tenant", ["", "nobody", None, "../demo", ["demo"]])
def test_a_tenant_it_does_not_know_is_refused(launched, tenant):
    told = launched.ask(do="begin", tenant=tenant, builder="b", run="")
    assert "refused" in told


@pytest.mark.parametrize("builder", ["", ".", "..", "../shop", "a/b", "a~b", "a\0b"])
def test_a_builder_that_leads_out_is_refused(launched, builder):
    told = launched.ask(do="begin", tenant="demo", builder=builder, run="")
    assert "is no builder's name" in str(told["refused"])
    assert not list((launched.folder / "tenants" / "shop").iterdir())


def test_what_is_no_order_ends_its_own_process_alone(launched):
    for order in ({"do": "begin"}, {"do": "dance", "tenant": "demo"}, {"tenant": "demo"}):
        with pytest.raises((AssertionError, KeyError)):
            assert "refused" not in launched.ask(**{"do": "x", **order})
    assert launched.begin()


# ---- a tenant's folder


def test_places_are_their_tenants_own(launched):
    place = launched.begin()
    folder = Path(str(place["folder"]))
    assert {path.stat().st_uid for path in (folder, *folder.iterdir())} == {TENANT}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    name = "a" * 64
    launched.ask(do="new", name=name, text=True, **place)
    given = folder / str(place["given"]) / name
    assert given.read_text() == "given"
    assert given.stat().st_uid == TENANT
    # Never over what is there.
    assert "cannot be made" in str(launched.ask(do="new", name=name, **place)["refused"])


def test_what_is_opened_is_what_the_tenant_could_open(launched):
    place = launched.begin()
    output = Path(str(place["folder"])) / "output"
    (output / "good").write_text("good")
    os.chown(output / "good", TENANT, TENANT)
    (output / "secret").write_text("secret")
    (output / "secret").chmod(0o600)
    (output / "link").symlink_to("/etc/shadow")
    os.mkfifo(output / "pipe")

    def left(path: Path, size: int) -> dict[str, object]:
        return launched.ask(do="left", path=str(path), size=size, **place)

    assert left(output / "good", 4)["read"] == "good"
    for name in ("secret", "link", "pipe", "missing", "../build"):
        assert "refused" in left(output / name, 6)
    theirs = launched.begin("shop")
    mixed = {**place, "folder": theirs["folder"]}
    assert "refused" in launched.ask(do="left", path="x", size=0, **mixed)


def test_what_is_left_is_removed_and_nothing_beside(launched):
    place = launched.begin()
    folder = Path(str(place["folder"]))
    (folder / "output" / "deep" / "deeper").mkdir(parents=True)
    for path in (folder / "output").rglob("*"):
        os.chown(path, TENANT, TENANT)
    (folder / "output" / "out").symlink_to(launched.folder)
    left = launched.ask(do="end", builder="demo_test", **place)["left"]
    assert not folder.exists()
    told = launched.ask(do="clear", tenant="demo", left=[*left, str(launched.folder / "demo_test")])
    assert told["said"] == []
    assert [one.name for one in (launched.folder / "tenants" / "demo").iterdir()] == ["home"]
    assert (launched.folder / "demo_test").is_dir()


def test_a_place_that_its_tenant_replaced_leads_nowhere(launched):
    place = launched.begin()
    folder, precious = Path(str(place["folder"])), launched.folder / "tenants" / "shop" / "precious"
    precious.mkdir()
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(precious.parent)
    assert "refused" in launched.ask(do="new", name="a" * 64, **place)
    launched.begin()
    assert precious.is_dir()
    assert folder.is_dir()
    assert not folder.is_symlink()


# ---- a stage


def test_a_stage_is_its_tenants_and_tells_its_exit_code(launched):
    launched.begin()
    env = {"DEMO_URL": "mine", "SHOP_URL": "theirs"}
    with launched.stage("stage", "nonsense", "--settings", "x", env=env) as stage:
        said, _ = stage.communicate(timeout=60)
    assert stage.returncode == 2, said
    tenant = {"name": "d", "area": "/a", "variables": ["DEMO_URL"]}
    order = {"folder": "/w", "tenants": {"demo": tenant, "shop": {"variables": ["SHOP_URL"]}}}
    told = {**env, "PATH": "/w/bin:/usr/bin", handover.VARIABLE: "/w", "HOME": "/root"}
    found = serving.surroundings(told, Path("/a/x/build"), tenant, order)
    assert found["PATH"].endswith(":/usr/bin")
    assert "/w/bin" not in found["PATH"]
    assert (found["DEMO_URL"], found["HOME"], found["USER"]) == ("mine", "/a/home", "d")
    assert not {"SHOP_URL", handover.VARIABLE} & set(found)


#: A job whose program leaves others behind, each in a session of its own.
PROGRAM = """import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.environ['SLIPWAY_DEPLOYED'] = 'x'
        os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(300)'])
print('started', os.getuid(), flush=True)
time.sleep(300)
"""


def test_nobody_starts_all_processes_that_the_machine_can_have(running):
    assert running.poll() is None
    (first, *_) = of_users(TENANT)
    limits = Path(f"/proc/{first.pid}/limits").read_text().splitlines()
    (hard,) = {line.split()[3] for line in limits if line.startswith("Max processes")}
    assert 0 < int(hard) <= int(Path("/proc/sys/kernel/pid_max").read_text()) // 4


@pytest.fixture
def running(launched):
    """A stage that has left others behind and goes on."""
    place = launched.begin()
    job = {
        "project": "demo",
        "name": "long",
        "stage": {"uses": "command", "argv": [sys.executable, "-c", PROGRAM]},
        "run": {"number": 1, "revision": "a" * 40, "branch": "main", "committed_at": 1},
        "output": "../output",
        "cache": "../../cache",
        "state": "/nowhere",
    }
    job["run"]["version"] = "1"
    file = Path(str(place["folder"])) / "job.json"
    file.write_text(json.dumps(job))
    file.chmod(0o644)
    stage = launched.stage("stage", "command", "--settings", "../job.json")
    assert stage.stdout is not None
    said = [stage.stdout.readline()]
    while "started" not in said[-1]:
        assert said[-1], said
        said.append(stage.stdout.readline())
    assert f"started {TENANT}" in said[-1]
    # The script, its program, and three that it has left behind.
    wait_until(lambda: len(of_users(TENANT)) == 5)
    yield stage
    if stage.poll() is None:
        stage.kill()
        stage.wait()
    stage.stdout.close()


def test_whoever_stops_it_ends_all_of_it(running):
    os.killpg(running.pid, signal.SIGTERM)
    assert running.wait(60) == 1
    wait_until(lambda: not of_users(TENANT))


def test_whoever_kills_it_ends_all_of_it(running):
    os.killpg(running.pid, signal.SIGKILL)
    wait_until(lambda: not of_users(TENANT))


def test_what_kills_its_own_script_is_ended(running):
    for one in of_users(TENANT):
        if any("stage" in word for word in one.cmdline()):
            one.kill()
    assert running.wait(60) != 0
    wait_until(lambda: not of_users(TENANT))


def test_all_ends_with_the_worker(running, launched):
    launched.worker.kill()
    assert running.wait(60) != 0
    wait_until(lambda: not of_users(TENANT))
