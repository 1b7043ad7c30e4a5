"""Rooms: what an order can reach, and what is left of a stage that was started in one."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from slipway.workers.isolation import bubblewrap
from slipway.workers.isolation.needs import Needs, Tenant, _python
from slipway.workers.launcher import handover
from tests.attack.as_user import USER
from tests.attack.worker.test_isolation import AS_USER, no_namespaces

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux" or no_namespaces() != "", reason="no namespaces"),
]
HERE = Path(__file__).parents[3]
BEGIN = """import json, os, sys, time
from slipway.workers.launcher import rooms
rooms.start(json.loads(sys.argv[1]))
print("ready", flush=True)
time.sleep(300)
"""
#: Calls Linux by a number: the C library has no function for keys.
KEYS = """import ctypes, os
first = {'x86_64': 248, 'aarch64': 217}[os.uname().machine]
def call(number, *words):
    return ctypes.CDLL(None).syscall(first + number, *words)
def add(name):
    assert call(0, b'user', name, b'x', 1, -3) > 0
def find(name):
    return call(2, 10, -3, b'user', name, 0) > 0
"""
#: Leaves three behind, each in a session of its own; two would be left by a deployment alone.
PROGRAM = """import os, sys, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.environ['SLIPWAY_DEPLOYED'] = 'x'
        os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(300)', {mark!r}])
print('started', sorted(os.listdir({area!r})), sorted(os.listdir('/tmp')), flush=True)
"""
STAYS = f"{PROGRAM}time.sleep(300)\n"
#: Takes all the processes it can have.
BREEDS = """import os, time
for breeding in range(1 << 22):
    try:
        if os.fork() == 0:
            time.sleep(300)
    except OSError as error:
        break
print('stopped', breeding, flush=True)
while True:
    try:
        if os.fork() == 0:
            time.sleep(300)
    except OSError:
        time.sleep(0.01)
"""
#: Has as many open files on the way as it can.
SENDS = """import array, os, resource, socket, time
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
some = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0] * 250))]
kept, sent = [], 0
try:
    while len(kept) < most:
        kept.append(socket.socketpair())
        kept[-1][0].setblocking(False)
        try:
            while True:
                kept[-1][0].sendmsg([b'x'], some)
                sent += 250
        except BlockingIOError:
            continue
except OSError as error:
    print('stopped', sent, error, flush=True)
time.sleep(300)
"""


class Roomed:
    """A worker with two tenants and one that deploys, each with a room."""

    def __init__(self, folder: Path, before: str = "", prefix: Sequence[str] = ()) -> None:
        self.folder, self.mark = folder / "state" / "worker", f"left-{os.getpid()}-{folder.name}"
        names = ("demo", "shop", "demo~deploy~there")
        tenants = {name: Tenant(name.partition("~")[0], folder / "mirror") for name in names}
        needs = Needs(folder / "state", self.folder, _python(), (), (), tenants)
        told: dict[str, Any] = {}
        for name in names:
            for path in (needs.area(name), needs.temporary(name)):
                path.mkdir(parents=True)
            told[name] = {
                "name": "somebody",
                "area": str(needs.area(name)),
                "variables": [f"{name.upper()}_URL"],
                "deploys": "deploy" in name,
                "room": bubblewrap.for_tenant(needs, os.environ, name),
            }
        self.needs = needs
        self.prefix = [*prefix, str(folder)] if prefix else []
        user = USER if prefix else os.geteuid()
        order = {"folder": str(self.folder), "user": user, "group": user}
        order |= {"bwrap": shutil.which("bwrap"), "tenants": told}
        self.worker = subprocess.Popen(
            [*self.prefix, sys.executable, "-c", before + BEGIN, json.dumps(order)],
            env={**os.environ, "PYTHONPATH": str(HERE)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.worker.stdout is not None
        assert self.worker.stdout.readline() == "ready\n"

    def end(self) -> None:
        self.worker.kill()
        self.worker.wait()
        assert self.worker.stdout is not None
        self.worker.stdout.close()
        wait_until(lambda: not self.processes())

    def processes(self) -> list[psutil.Process]:
        """Return what runs in rooms, and of what is started to stay."""
        found = []
        for one in psutil.process_iter(["cmdline"]):
            words = one.info["cmdline"] or []
            if self.mark in " ".join(words) and one.pid != os.getpid() and "BEGIN" not in words:
                found.append(one)
        return [one for one in found if one.pid != self.worker.pid]

    def place(self, tenant: str, program: str, uses: str = "command") -> Path:
        """Make a place with a job; return the folder that Buildbot starts the stage in."""
        folder = self.needs.area(tenant) / "demo_test"
        shutil.rmtree(folder, ignore_errors=True)
        for path in (folder / "build", folder / "output"):
            path.mkdir(parents=True)
        program = program.format(mark=self.mark, area=str(self.folder.parent))
        job = {
            "project": "demo",
            "name": "long",
            "stage": {"uses": uses, "argv": [sys.executable, "-c", program]},
            "run": {
                "number": 1,
                "revision": "a" * 40,
                "branch": "main",
                "committed_at": 1,
                "version": "1",
            },
            "output": "../output",
            "cache": "../../cache",
            "state": "/nowhere",
        }
        (folder / "job.json").write_text(json.dumps(job))
        place = {"tenant": tenant, "folder": str(folder), "given": "given"}
        return handover.note(self.folder / "demo_test", place)

    def stage(self, work: Path, *argv: str, env: dict[str, str] | None = None) -> Stage:
        words = argv or ("stage", "command", "--settings", "../job.json")
        return Stage(
            [
                *self.prefix,
                *("/bin/sh", "-c", 'cd "$0" && exec "$@"', str(work)),
                *(sys.executable, "-I", "-S", handover.__file__, *words),
            ],
            cwd=work,
            env={
                **os.environ,
                "PYTHONPATH": str(HERE),
                handover.VARIABLE: str(self.folder),
                **(env or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


class Stage(subprocess.Popen[str]):
    def read_to(self, word: str) -> str:
        assert self.stdout is not None
        said = [self.stdout.readline()]
        while word not in said[-1]:
            assert said[-1], said
            said.append(self.stdout.readline())
        return said[-1]

    def ended(self) -> tuple[int, str]:
        said, _ = self.communicate(timeout=60)
        return self.returncode, said


def braced(program: str) -> str:
    """Return a program as `place` takes it, with nothing to be filled in."""
    return program.replace("{", "{{").replace("}", "}}")


def wait_until(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def roomed(tmp_path: Path) -> Iterator[Roomed]:
    made = Roomed(tmp_path)
    yield made
    made.end()


# ---- a stage


def test_a_stage_sees_nothing_of_others_and_leaves_nothing(roomed: Roomed) -> None:
    (roomed.folder / "tenants" / "shop" / "secret").touch()
    roomed.needs.temporary("shop").joinpath("secret").touch()
    code, said = roomed.stage(roomed.place("demo", PROGRAM)).ended()
    assert code == 0, said
    # Of the state folder there is the way to its own folder; of /tmp what is its own.
    assert "started ['worker'] " in said
    assert "secret" not in said
    assert not roomed.processes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_all_ends_with_whoever_waits_for_it(roomed: Roomed, number: signal.Signals) -> None:
    with roomed.stage(roomed.place("demo", STAYS)) as stage:
        stage.read_to("started")
        wait_until(lambda: len(roomed.processes()) >= 3)
        os.killpg(stage.pid, number)
        assert stage.wait(60) != 0
        wait_until(lambda: not roomed.processes())


def test_all_ends_with_the_worker(roomed: Roomed) -> None:
    with roomed.stage(roomed.place("demo", STAYS)) as stage:
        stage.read_to("started")
        roomed.worker.kill()
        assert stage.wait(60) == 3
        assert "has ended, and the stage with it" in stage.read_to("ended")
        wait_until(lambda: not roomed.processes())


def test_a_stage_has_its_tenants_variables_and_three_open_files(roomed: Roomed) -> None:
    look = (
        "import os; print('has', os.environ.get('DEMO_URL'), os.environ.get('SHOP_URL'), "
        "os.environ['HOME'], sorted(os.listdir('/proc/self/fd')))"
    )
    told = {"DEMO_URL": "mine", "SHOP_URL": "theirs", "LD_PRELOAD": "/nowhere.so"}
    code, said = roomed.stage(roomed.place("demo", look), env=told).ended()
    assert code == 0, said
    home = roomed.needs.area("demo") / "home"
    # The last is that of the folder which is listed.
    assert f"has mine None {home} ['0', '1', '2', '3']" in said


@pytest.mark.skipif(os.uname().machine not in {"x86_64", "aarch64"}, reason="other numbers")
def test_a_stage_has_no_keys_of_the_users_session_nor_of_another_stage(tmp_path: Path) -> None:
    roomed = Roomed(tmp_path, f"{KEYS}call(2, 1, None); add(b'session'); assert find(b'session')\n")
    look = f"{KEYS}print('found', find(b'session'), find(b'left')); add(b'left')\n"
    try:
        for tenant in ("demo", "shop", "demo~deploy~there"):
            code, said = roomed.stage(roomed.place(tenant, braced(look))).ended()
            assert (code, "found False False" in said) == (0, True), said
    finally:
        roomed.end()


@pytest.mark.parametrize("program", [BREEDS, SENDS], ids=["processes", "files"])
def test_what_one_takes_all_it_can_of_is_left_for_others(tmp_path: Path, program: str) -> None:
    roomed = Roomed(tmp_path / "room", prefix=AS_USER if os.geteuid() == 0 else ())
    stage = roomed.stage(roomed.place("demo", braced(program)))
    try:
        stage.read_to("stopped")
        for tenant in ("shop", "demo~deploy~there"):
            code, said = roomed.stage(roomed.place(tenant, "print('done')")).ended()
            assert (code, "done" in said) == (0, True), said
    finally:
        stage.kill()
        stage.communicate()
        roomed.end()


# ---- orders


@pytest.mark.parametrize("tenant", ["", "nobody", "../demo", "demo/../shop"])
def test_a_tenant_it_does_not_know_is_refused(roomed: Roomed, tenant: str) -> None:
    work = roomed.place("demo", PROGRAM)
    place = {"tenant": tenant, "folder": str(roomed.needs.area("demo") / "x"), "given": "x"}
    handover.note(roomed.folder / "demo_test", place)
    code, said = roomed.stage(work).ended()
    assert (code, "has no folder here; restart `slipway up`" in said) == (3, True), said
    with pytest.raises(OSError, match="has no folder here"):
        handover.ask(roomed.folder, {"do": "where", "tenant": tenant})


def test_an_order_leads_nowhere_but_into_its_tenants_room(roomed: Roomed) -> None:
    roomed.place("shop", PROGRAM)
    mine, theirs = (str(roomed.needs.area(one) / "demo_test") for one in ("demo", "shop"))
    for folder in (theirs, "/", f"{mine}/../../shop/demo_test", f"{mine}/.."):
        order = {"do": "run", "tenant": "demo", "argv": [], "env": {}, "folder": folder}
        with pytest.raises(OSError, match="is no place of this tenant"):
            handover.ask(roomed.folder, order)
    plain = {"do": "run", "tenant": "demo", "argv": ["stage"], "env": {}, "folder": mine}
    more = ({"env": {"A": "b\0--bind\0/\0/"}}, {"env": {"A\0--bind\0/\0/": ""}}, {"argv": ["\0"]})
    for one in more:
        with pytest.raises(OSError, match="a NUL"):
            handover.ask(roomed.folder, plain | one)
    with pytest.raises(OSError, match="nothing that is done here"):
        handover.ask(roomed.folder, {**plain, "do": "clear"})
    assert handover.ask(roomed.folder, {"do": "where", "tenant": "demo"})[0] == {
        "area": str(roomed.needs.area("demo"))
    }


def test_what_cannot_be_entered_is_no_failure_of_the_stage(roomed: Roomed) -> None:
    work = roomed.place("demo", PROGRAM)
    shutil.rmtree(roomed.needs.area("demo"))
    code, said = roomed.stage(work).ended()
    assert code == 3
    assert "bwrap: " in said


def test_a_link_a_stage_leaves_in_its_folder_leads_the_next_one_nowhere(roomed: Roomed) -> None:
    (roomed.folder.parent / "admin-password").touch()
    plant = (
        "import os, pathlib\narea = pathlib.Path(os.environ['HOME']).parent\n"
        "for name in ('tmp', 'home', 'demo_test2'):\n"
        "    os.symlink({area!r}, area / name)\n"
    )
    assert roomed.stage(roomed.place("demo", plant)).ended()[0] == 0
    look = (
        "import os\nfor one in ('/tmp', '{area}', os.environ['HOME']):\n"
        "    print('seen', os.listdir(one))\n"
    )
    code, said = roomed.stage(roomed.place("demo", look)).ended()
    assert code == 0, said
    seen = re.findall(r"seen (.*)", said)
    assert seen[1:] == ["['worker']", "['worker']"]
    assert "admin-password" not in said


def test_a_link_left_above_what_is_bound_leads_the_next_one_nowhere(roomed: Roomed) -> None:
    """Where the site lies below /tmp, bubblewrap makes the folders on the way to it in there."""
    top = Path(*roomed.folder.parts[:3])
    victim = roomed.folder.parent.parent / "victim"
    victim.mkdir()
    plant = (
        "import os\n"
        f"os.rename({str(top)!r}, {str(top.with_name('moved'))!r})\n"
        f"os.symlink('/oldroot{victim}', {str(top)!r})\n"
    )
    roomed.stage(roomed.place("demo", plant)).ended()
    code, said = roomed.stage(roomed.place("demo", "print('second')")).ended()
    assert (code, "second" in said) == (0, True), said
    assert not list(victim.iterdir())
