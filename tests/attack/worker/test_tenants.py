"""Two projects on one worker, and two kinds of stages of one: they share nothing."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.attack.worker.test_isolation import isolation, placed
from tests.live.conftest import LiveSite
from tests.support.machine import lease_ports, wait_for
from tests.support.site import STAGING, command

__all__ = ["placed"]
pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(sys.platform != "linux", reason="workers are isolated on Linux alone"),
]
HOSTILE = Path(__file__).with_name("hostile_tenant.py")
MARK = "the-others-stage"
ENVIRONMENT = """[project.demo.environments.staging.deployer]
kind = "folder"
path = "deployed/staging"
"""
#: Is there as long as the one that attacks it: from a connection to its end.
SELLING = """import socket
with socket.create_server(('127.0.0.1', {port})) as it:
    it.settimeout(300)
    one, _ = it.accept()
    one.recv(1)  # {mark}
"""
#: Leaves a process that did all it could to stay, and ends whoever looks after it.
DAEMON = """import os, signal, sys, time
parents = [os.getppid()]
status = open(f'/proc/{parents[0]}/status').read()
parents.append(int(status.partition('PPid:')[2].split()[0]))
if os.fork():
    time.sleep(300)
os.setsid()
if os.fork():
    os._exit(0)
os.environ['SLIPWAY_DEPLOYED'] = 'demo/staging'
for pid in parents:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError as error:
        print(error)
os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(300)', 'the-daemon'])
"""


@pytest.fixture
def apart(placed: LiveSite) -> LiveSite:
    """A site whose worker is kept apart, as root and as a user, with a second project."""
    shutil.copy(HOSTILE, placed.repository)
    placed.commit("Something harmless")
    return placed


def as_root(site: LiveSite) -> bool:
    return isolation(site)["local"] == "user"


def second(site: LiveSite, stages: str) -> str:
    """Return the text of a second project "shop", of the same repository."""
    return (
        f'[project.shop]\nrepository = "source"\n{stages.replace("project.demo", "project.shop")}'
    )


def test_a_project_gets_nothing_of_another(apart: LiveSite) -> None:
    site = apart
    (port,) = lease_ports(1)
    attack = [sys.executable, "hostile_tenant.py", str(site.state), MARK, str(port)]
    hostile = f'[project.demo.stages.attack]\nuses = "command"\nargv = {json.dumps(attack)}\n'
    selling = command("sell", SELLING.format(port=port, mark=MARK))
    secret = 'secrets = { TOKEN = { env = "SOME_TOKEN" } }\n'
    site.env["SOME_TOKEN"] = "hunter2-and-more"
    site.write(hostile + second(site, selling + secret))
    site.up()
    assert isolation(site)["local"] in {"user", "namespaces"}
    wait_for(lambda: len(ended(site)) == 2, lambda: f"{ended(site)} {site.said()}")
    done = site.run_slipway("logs", "1", "attack", "--project", "demo")
    assert ended(site) == {"demo": "passed", "shop": "passed"}, done.stdout


def ended(site: LiveSite) -> dict[str, str]:
    return {run["project"]: run["state"] for run in site.runs() if run["state"] != "running"}


def test_who_ends_what_looks_after_it_ends_too(apart: LiveSite) -> None:
    site = apart
    site.write(command("daemon", DAEMON) + command("after", "print(1)"))
    site.up()
    worker = site.worker().pid
    run = site.wait_for_run(1)
    assert (run["state"], run["stages"]["after"]["state"]) == ("failed", "passed")
    assert not [
        one
        for one in psutil.process_iter(["cmdline"])
        if "the-daemon" in (one.info["cmdline"] or [])
    ]
    assert site.worker().pid == worker
    assert site.down(signal.SIGTERM) in {0, 130}
    assert not site.processes()


def test_stages_with_secrets_of_a_branch_have_a_home_of_their_own(apart: LiveSite) -> None:
    site = apart
    look = "import os; print('home', os.environ['HOME'], 'user', os.getuid())"
    plant = f"{look}; open(os.path.expanduser('~/.gitconfig'), 'w').close()"
    find = f"{look}; print('planted', os.path.exists(os.path.expanduser('~/.gitconfig')))"
    secret = 'secrets = { TOKEN = { env = "SOME_TOKEN", branches = ["main"] } }\n'
    site.env["SOME_TOKEN"] = "hunter2-and-more"
    zipped = "import zipfile\nwith zipfile.ZipFile('demo.zip', 'w') as it: it.writestr('a/b', 'x')"
    make = command("make", zipped, artefacts='["demo.zip"]')
    guarded = command("guarded", find, "plant") + secret
    site.write(command("plant", plant) + make + guarded + STAGING + ENVIRONMENT)
    site.up()
    site.wait_for_run(1, "waiting")
    done = site.run_slipway("deploy", "staging", "--run", "1")
    assert done.returncode == 0, done.stderr
    logs = {one: site.run_slipway("logs", "1", one).stdout for one in ("plant", "guarded")}
    assert "planted False" in logs["guarded"], logs
    users = [
        line.split()[-1]
        for log in logs.values()
        for line in log.splitlines()
        if line.startswith("home ")
    ]
    owners = {
        str((site.state / one).stat().st_uid) for one in ("releases/demo", "deployed/staging")
    }
    worker = str(site.worker().uids().real)
    # In namespaces all are of one user, and see nothing of each other.
    expected = 3 + len(owners) if as_root(site) else 1
    assert len({*users, *owners, worker}) == expected, (users, owners)
    homes = {
        line.split()[1]
        for log in logs.values()
        for line in log.splitlines()
        if line.startswith("home ")
    }
    assert len(homes) == 2


def test_a_launcher_that_was_ended_comes_back_with_its_worker(apart: LiveSite) -> None:
    site = apart
    look = "import os; print('open', sorted(os.listdir('/proc/self/fd')), os.getsid(0) != 0)"
    site.write(command("look", look))
    site.up()
    assert site.wait_for_run(1)["state"] == "passed"
    # The last is that of the folder which was listed.
    assert "open ['0', '1', '2', '3'] True" in site.run_slipway("logs", "1", "look").stdout
    worker = site.worker()
    launcher = next(
        p for p in site.processes() if "slipway.workers.isolation.enclose" in p.cmdline()
    )
    launcher.kill()
    assert site.run_slipway("trigger").returncode == 0
    assert site.wait_for_run(2)["state"] == "passed"
    assert site.worker().pid != worker.pid
    assert site.down(signal.SIGTERM) in {0, 130}
    assert not site.processes()


def test_a_stage_whose_launcher_is_ended_is_begun_anew(apart: LiveSite) -> None:
    site = apart
    seen = "seen = os.path.expanduser('~/seen')"
    first = "if not os.path.exists(seen):\n    open(seen, 'w').close()\n    time.sleep(300)\n"
    site.write(command("look", f"import os, time\n{seen}\n{first}print('the second')"))
    site.up()
    wait_for(lambda: list(site.state.glob("workers/local/tenants/demo/home/seen")), site.said)
    launchers = [p for p in site.processes() if "slipway.workers.isolation.enclose" in p.cmdline()]
    for one in launchers:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    run = site.wait_for_run(1)
    assert run["state"] == "passed", site.run_slipway("logs", "1", "look").stdout
    assert "the second" in site.run_slipway("logs", "1", "look").stdout
    assert site.down(signal.SIGTERM) in {0, 130}
    assert not site.processes()
