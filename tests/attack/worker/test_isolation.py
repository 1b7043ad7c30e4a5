"""Stages of somebody hostile on the workers that `slipway up` starts: nothing of the master's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from slipway.workers.isolation.needs import uv_pythons
from tests.live.conftest import LiveSite
from tests.support.http import open_client
from tests.support.machine import find_below, wait_for
from tests.support.site import SLIPWAY, command

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(sys.platform != "linux", reason="workers are isolated on Linux alone"),
]
HOSTILE = Path(__file__).with_name("hostile.py")
AS_USER = [sys.executable, "-m", "tests.attack.as_user"]


def no_namespaces() -> str:
    """Return why nobody but root can have namespaces here; nothing where they can."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not on this machine"
    words = ["bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc"]
    who = {"user": 54321, "group": 54321, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [*words, "true"], capture_output=True, text=True, check=False, cwd="/", **who
    )
    return done.stderr.strip()


@pytest.fixture(params=["as root", "as a user"])
def placed(request: pytest.FixtureRequest, site: LiveSite) -> LiveSite:
    """A site whose `slipway up` is root's, or that of a user who may do nothing."""
    site.isolated = True
    if request.param == "as root":
        if os.geteuid() != 0:
            pytest.skip("this is not root")
        if shutil.which("useradd") is None:
            pytest.skip("there is no useradd")
        return site
    if (why := no_namespaces()) != "":
        pytest.skip(why)
    if os.geteuid() == 0:
        site.prefix = [*AS_USER, str(site.folder)]
        site.env["PYTHONPATH"] = str(HOSTILE.parents[3])
        site.env["HOME"] = str(site.folder)
    return site


def hostile(name: str, own: str, other: str, state: Path) -> str:
    """Return the text of a stage that attacks from one worker."""
    lines = [f"[project.demo.stages.{name}]", 'uses = "command"', f'runs-on = ["{own}"]']
    argv = [sys.executable, "hostile.py", str(state), own, other]
    return "\n".join([*lines, f"argv = {json.dumps(argv)}", ""])


def write(site: LiveSite, stages: str, more: str = "") -> None:
    """Write a site with two local workers, a person and stages with secrets."""
    secret = 'secrets = { SHOWN = { file = "stage-secret" }, TOLD = { env = "SOME_TOKEN" } }'
    site.write(stages + command("guarded", "print(1)") + secret + "\n")
    file = site.folder / "pipeline.toml"
    text = file.read_text().replace('labels = ["linux"]', 'labels = ["linux", "local"]')
    text += '[workers.other]\nlabels = ["other"]\n'
    text += '[people.ann]\nroles = ["developer"]\nmade-password = true\n'
    text += '[workers.far]\nlabels = ["far"]\npassword = { file = "far-password" }\n'
    file.write_text(text + more)
    for name in ("far-password", "stage-secret"):
        (site.folder / name).touch(mode=0o600)
        (site.folder / name).write_text("far away from here")
    site.env["SOME_TOKEN"] = "hunter2-and-more"


@pytest.fixture
def attacked(placed: LiveSite) -> LiveSite:
    shutil.copy(HOSTILE, placed.repository)
    placed.commit("Something harmless")
    return placed


def isolation(site: LiveSite) -> dict[str, str]:
    with open_client(base_url=site.url) as client:
        found = client.get("plugins/slipway/api/workers").json()["workers"]
        return {one["name"]: one["isolation"] for one in found}


def test_a_hostile_stage_gets_nothing_of_the_masters(attacked: LiveSite) -> None:
    site = attacked
    write(
        site,
        hostile("one", "local", "other", site.state)
        + hostile("two", "other", "local", site.state)
        + command("after", "print(1)", "one", "two"),
    )
    site.up()
    master = site.master().pid
    run = site.wait_for_run(1)
    assert run["state"] == "passed", run
    assert site.master().pid == master
    way = "namespaces" if site.prefix or os.geteuid() != 0 else "user"
    assert isolation(site) == {"local": way, "other": way, "far": ""}
    assert "not isolated" not in site.said()
    assert site.down(signal.SIGTERM) in {0, 130}
    assert not site.processes()


def test_nothing_is_left_when_up_is_killed(placed: LiveSite) -> None:
    """Also a process that did all it could to be forgotten."""
    code = (
        "import os, sys, time\n"
        "for _ in range(2):\n"
        "    if os.fork():\n"
        "        time.sleep(300)\n"
        "        os._exit(0)\n"
        "    os.setsid()\n"
        "open('hidden', 'w').close()\n"
        "time.sleep(300)\n"
    )
    write(placed, command("hide", code))
    up = placed.up()
    placed.wait_for_stage(1, "hide", "running")
    wait_for(lambda: find_below(placed.folder / "state" / "workers", "hidden"), placed.said)
    assert placed.processes()
    if placed.prefix:
        found = next(p for p in placed.processes() if p.cmdline()[-1:] == ["up"])
        found.kill()
    up.kill()
    up.wait(30)
    wait_for(lambda: not alive(placed), lambda: str([p.info for p in placed.processes()]), 30)


def alive(site: LiveSite) -> list[psutil.Process]:
    found = []
    for one in site.processes():
        try:
            if one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.mark.parametrize("why", ["isolated = false", "no bubblewrap"])
def test_what_cannot_be_kept_apart_is_said_everywhere(
    placed: LiveSite, why: str, tmp_path: Path
) -> None:
    site = placed
    write(site, command("make", "print(1)"))
    file = site.folder / "pipeline.toml"
    if why == "isolated = false":
        text = file.read_text().replace("isolated = true", "isolated = false")
        file.write_text(text.replace("[workers.other]\n", "[workers.other]\nisolated = false\n"))
    else:
        if not site.prefix:
            pytest.skip("root needs no bubblewrap")
        programs = site.folder / "bin"
        programs.mkdir()
        for name in ("git", "env", "sh", "uname"):
            (programs / name).symlink_to(shutil.which(name) or "")
        site.env["PATH"] = str(programs)
    checked = subprocess.run(
        [*site.prefix, *SLIPWAY, "check", "--strict"],
        cwd=site.folder,
        env=site.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 2, checked.stderr
    assert "worker local is not isolated" in checked.stderr
    site.up()
    told = "whoever commits can read the admin's password"
    wait_for(lambda: told in " ".join(site.said().split()), site.said)
    assert "worker local is not isolated" in site.said()
    assert isolation(site) == {"local": "none", "other": "none", "far": ""}
    assert site.wait_for_run(1)["state"] == "passed"


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="this is not root, or there is no setpriv",
)
def test_root_that_may_mount_nothing(site: LiveSite) -> None:
    """As a user alone, where that user can reach its Python; else it is said. Never a crash."""
    site.isolated = True
    site.prefix = ["setpriv", "--bounding-set", "-sys_admin"]
    write(site, command("make", "print(1)"))
    site.up()
    assert site.wait_for_run(1)["state"] == "passed"
    way = isolation(site)["local"]
    assert way in {"user", "none"}
    assert ("worker local is not isolated" in site.said()) == (way == "none")


def test_the_pythons_of_uv_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path))
    assert uv_pythons() == tmp_path
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "nowhere"))
    assert uv_pythons() is None
