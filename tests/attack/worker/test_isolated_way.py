"""The whole way on a worker kept apart: build, publish, deploy, and back after a restart."""

from __future__ import annotations

import json
import signal
import socket
import sys

import pytest

from tests.attack.worker.test_isolation import isolation, placed
from tests.live.commands.test_following import STAGES
from tests.live.conftest import LiveSite
from tests.support.machine import kill, lease_ports, wait_for
from tests.support.site import STAGING, command

__all__ = ["placed"]
pytestmark = pytest.mark.live


def say(site: LiveSite, *words: str) -> str:
    done = site.run_slipway(*words)
    assert done.returncode == 0, (words, done.stdout, done.stderr, site.said())
    return done.stdout


def test_from_a_commit_to_a_deployment_and_back(placed: LiveSite) -> None:
    site = placed
    site.write(STAGES)
    site.up()
    assert isolation(site)["local"] != "none"
    site.wait_for_run(1, "waiting")
    say(site, "deploy", "staging", "--run", "1", "--set", "code=0")
    say(site, "trigger")
    say(site, "deploy", "staging", "--run", "2", "--set", "code=0")
    assert site.down(signal.SIGTERM) in {0, 130}
    site.up()
    say(site, "rollback", "staging", "--set", "code=1")
    found = json.loads(say(site, "environments", "--json"))
    assert "0.0.0+1" in json.dumps(found)
    for version in ("0.0.0+1", "0.0.0+2"):
        say(site, "verify", str(site.state / "releases" / "demo" / version))


#: Ends what the last deployment has started, and starts a program that says its version.
DEPLOY = """import json, os, signal, subprocess, sys, time
pid = 'site.pid'
if os.path.exists(pid):
    former = int(open(pid).read())
    os.kill(former, signal.SIGTERM)
    while os.path.exists(f'/proc/{{former}}'):
        time.sleep(0.05)
words = [sys.executable, '-c', {serve!r}, {folder!r}, {port!r}, os.environ['SLIPWAY_VERSION']]
made = subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
with open(pid, 'w') as stream:
    stream.write(str(made.pid))
print('deployed')
"""
SERVE = """import socket, sys
with socket.create_server(('127.0.0.1', int(sys.argv[2]))) as it:
    while True:
        one, _ = it.accept()
        one.sendall(sys.argv[3].encode())
        one.close()
"""


def test_what_is_deployed_stays_until_the_next_deployment_ends_it(placed: LiveSite) -> None:
    site = placed
    (port,) = lease_ports(1)
    code = DEPLOY.format(serve=SERVE, folder=str(site.folder), port=str(port))
    environment = (
        '[project.demo.environments.staging.deployer]\nkind = "command"\ncwd = "site"\n'
        f"argv = {json.dumps([sys.executable, '-c', code])}\n"
    )
    make = command("make", "open('demo.txt', 'w').write('x')", artefacts='["demo.txt"]')
    site.write(make + STAGING + environment)
    (site.folder / "state" / "site").mkdir(parents=True, exist_ok=True)
    site.up()

    def version() -> str:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            return connection.recv(99).decode()

    for number in ("1", "2"):
        if number == "2":
            say(site, "trigger")
        site.wait_for_run(int(number), "waiting")
        say(site, "deploy", "staging", "--run", number)
        wait_for(lambda: version() == f"0.0.0+{number}", version)  # noqa: B023  used at once
    assert site.run_slipway("environments").returncode == 0
    assert site.down(signal.SIGTERM) in {0, 130}
    kill(site.processes())
