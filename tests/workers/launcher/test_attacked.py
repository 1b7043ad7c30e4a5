"""The launcher and its worker where a tenant, or the machine, does what it can against them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zlib
from base64 import b64decode
from pathlib import Path

import psutil
import pytest

from slipway.state_folder import Home
from slipway.workers.isolation import folders
from slipway.workers.isolation.account import (
    TENANTS,
    Account,
    account_name,
    end_leftovers,
    make_account,
)
from slipway.workers.isolation.methods import Isolation
from slipway.workers.isolation.needs import Needs, Tenant
from slipway.workers.places import place as places
from tests.support.machine import remove_users, wait_for
from tests.workers.launcher.test_users import TENANT, Launched, launched

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0, reason="only root becomes somebody else"
    ),
]
__all__ = ["launched"]
#: Stops whatever it may, again and again.
STOP = "import os, signal\nprint(1, flush=True)\nwhile True: os.kill(-1, signal.SIGSTOP)"
#: Ends what a tenant has left, which forks and ends at once: `TENANT`.
BREED = """import os, sys, time
from slipway.scripts import guard
from slipway.workers.launcher import ending
who = {"user": int(sys.argv[1]), "group": int(sys.argv[1])}
guard.adopt_orphans()
for _ in range(12):
    if os.fork() == 0:
        ending.become(who)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if os.fork():
                os._exit(0)
        os._exit(0)
ending.end_all(0.2, None, who)
print(len(ending.children(None)), guard.has_children())
"""

#: Reads a key of its session before and after it becomes a tenant: `TENANT`.
KEYS = """import ctypes, os, sys
from slipway.workers.launcher import ending
call = ctypes.CDLL(None, use_errno=True).syscall
numbers = {"x86_64": (248, 250), "aarch64": (217, 219), "riscv64": (217, 219)}
add_key, keyctl = numbers[os.uname().machine]
call(keyctl, 1, None)
key = call(add_key, b"user", b"secret", b"hunter2", 7, -3)
held = ctypes.create_string_buffer(20)
print(call(keyctl, 11, key, held, 20))
ending.become({"user": int(sys.argv[1]), "group": int(sys.argv[1])})
print(call(keyctl, 11, key, held, 20))
"""


def as_user(user: int, *argv: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        argv,
        user=user,
        group=user,
        extra_groups=[],
        env={**os.environ, **env},
        cwd="/",
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_tenant_cannot_stop_what_is_done_in_its_folder(launched: Launched) -> None:
    with as_user(TENANT, "/usr/bin/env", "python3", "-c", STOP) as stopping:
        assert stopping.stdout is not None
        assert stopping.stdout.readline() == "1\n"
        try:
            for _ in range(5):
                place = launched.begin()
                launched.ask(do="end", builder="demo_test", **place)
            assert stopping.poll() is None
        finally:
            stopping.kill()


def test_what_forks_and_ends_at_once_is_ended() -> None:
    began = time.monotonic()
    words = [sys.executable, "-c", BREED, str(TENANT)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout == "0 False\n"
    assert time.monotonic() - began < 18


def test_a_stage_has_none_of_the_keys_of_the_session_it_was_begun_in() -> None:
    words = [sys.executable, "-c", KEYS, str(TENANT)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    if done.stdout.startswith("-1\n") or "KeyError" in done.stderr:
        pytest.skip("this machine has no keyrings")
    assert done.stdout == "7\n-1\n", done.stderr


def test_users_are_known_by_their_names_when_what_is_left_is_ended(tmp_path: Path) -> None:
    folder = tmp_path / "worker"
    try:
        users = {}
        for tenant in ("demo", "demo~deploy~staging"):
            (folder / TENANTS / tenant).mkdir(parents=True)
            name = account_name(folder, "worker", tenant)
            users[tenant] = make_account(name, folder / TENANTS / tenant / "home").user
        # The number of a user that was removed is another's now.
        (folder / TENANTS / "gone").mkdir()
        os.chown(folder / TENANTS / "gone", TENANT, TENANT)
        mark = {"SLIPWAY_DEPLOYED": "demo/staging"}
        started = [as_user(user, "/bin/sleep", "300", **mark) for user in (*users.values(), TENANT)]
        marked = [psutil.Process(one.pid) for one in started]
        wait_for(lambda: all("sleep" in one.name() for one in marked), lambda: "they never began")
        end_leftovers(folder, "worker")
        assert [one.poll() is None for one in started] == [False, True, True]
    finally:
        for one in started:
            one.kill()
            one.communicate()
        remove_users(tmp_path)


def needs(home: Home, tenants: dict[str, Tenant]) -> Needs:
    return Needs(home.root, home.worker("local"), (), (), (), tenants)


def test_an_order_is_as_long_as_it_has_to_be(tmp_path: Path) -> None:
    home = Home(tmp_path)
    tenants = {f"project-{number}~deploy": Tenant("p") for number in range(1000)}
    accounts = {name: Account(f"slipway-{name}", 900, 900) for name in tenants}
    account = Account("slipway-local", 901, 901)
    made = Isolation("local", needs(home, tenants), "user", account=account, tenants=accounts)
    words = made.command({"tries": [], "folder": "/"}, {})
    assert subprocess.run(["true", *words], check=True).returncode == 0
    packed = "".join(words[words.index("slipway.workers.isolation.enclose") + 2 :])
    told = json.loads(zlib.decompress(b64decode(packed)))
    assert len(told["tenants"]) == 1000


def test_a_key_of_two_projects_is_read_by_both(tmp_path: Path) -> None:
    home, key = Home(tmp_path), tmp_path / "known_hosts"
    key.touch()
    tenants = {name: Tenant(name, keys=(key,)) for name in ("demo~deploy", "shop~deploy")}
    accounts = {name: Account(name, 900 + len(name), 900) for name in tenants}
    account = Account("slipway-local", 901, 901)
    alone = Isolation("x", needs(home, tenants), "user", account=account, tenants=accounts)
    both = Isolation(
        "x", needs(home, tenants), "user", account=account, tenants=accounts, shared={key: 77}
    )
    assert alone._owners()[str(key)][2] == 0o600
    assert both._owners() == {str(key): (0, 77, 0o640)}
    assert [both._tenant(name)["groups"] for name in tenants] == [[901, 77], [901, 77]]


@pytest.mark.parametrize("before", [0, 54421])
def test_nobody_else_looks_into_a_projects_releases(tmp_path: Path, before: int) -> None:
    home = Home(tmp_path)
    releases = home.root / "releases" / "demo"
    releases.mkdir(parents=True, mode=0o755)
    os.chown(releases, before, before)
    tenants = {"demo~publish": Tenant("demo", writes=(releases,))}
    told = needs(home, tenants)
    for _ in range(2):
        folders.give(told, home, Account("w", 901, 901), {"demo~publish": Account("p", 902, 903)})
        facts = releases.stat()
        assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o777) == (902, 903, 0o750)
        releases.chmod(0o755)


def test_what_another_user_left_is_removed_however_deep(tmp_path: Path) -> None:
    folder = tmp_path / "worker"
    folder.mkdir()
    deep = os.open(folder, os.O_PATH)
    for _ in range(3000):
        os.mkdir("x", dir_fd=deep)
        inner = os.open("x", os.O_PATH, dir_fd=deep)
        os.close(deep)
        deep = inner
    os.close(deep)
    os.chown(folder, TENANT, TENANT)
    folders.own(folder, 0, 0)
    assert list(folder.iterdir()) == []


def test_no_more_is_told_to_be_removed_than_an_answer_holds(tmp_path: Path) -> None:
    for number in range(3000):
        (tmp_path / f".left~{number}~demo_test").touch()
    found = places.Places().leftovers(tmp_path / "demo_test")
    assert len(found) == 1000
