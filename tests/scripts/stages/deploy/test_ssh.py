"""Onto another machine: a real OpenSSH server, with keys of its own, on a port of its own."""

import sys

import pytest

from tests.support.ssh_server import SshServer, needs_sshd

pytestmark = [pytest.mark.slow, needs_sshd]


class Server(SshServer):
    def deployer(self, path, **more):
        return {
            "kind": "ssh",
            "host": "127.0.0.1",
            "port": self.port,
            "user": self.user,
            "identity": str(self.folder / "mine"),
            "known-hosts": str(self.folder / "known hosts"),
            "path": str(path),
            "python": sys.executable,
            **more,
        }


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("sshd"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def far(tmp_path):
    return tmp_path / "far away" / "place"


def runs(place):
    return (place / "current" / "version").read_text("utf-8")


def test_there_and_back(deploy, make_release, server, far):
    show = "import os; e = os.environ; print(e['SLIPWAY_PARAM_WHY'], e['SLIPWAY_VERSION'])"
    deployer = server.deployer(far, restart=[sys.executable, "-c", show])
    why = {"why": "$(touch x) '\"; `id`\n&"}
    first = deploy(make_release("1.0+1"), deployer, parameters=why)
    assert (first.code, first.error) == (0, "")
    assert (far / "current" / "bin" / "app").stat().st_mode & 0o111
    assert first.report.lines[:2] == ["$(touch x) '\"; `id`", "& 1.0+1"]
    assert first.facts["target"] == f"127.0.0.1:{far}"
    health = [{"argv": ["grep", "-q", "+1", str(far / "current" / "version")], "patience": 1}]
    second = deploy(make_release("1.0+2"), deployer, health, parameters=why)
    assert (second.code, second.facts["outcome"], runs(far)) == (1, "rolled-back", "1.0+1")
    assert second.error.endswith("1.0+1 was put back and is healthy")
    third = deploy(make_release("1.0+2"), deployer, parameters=why)
    assert (third.code, runs(far)) == (0, "1.0+2")
    assert any("lies there already" in text for text in third.progress)


def test_parameters_are_never_in_an_argument_list(deploy, make_release, server, far):
    code = (
        "import pathlib\n"
        "for one in pathlib.Path('/proc').glob('[0-9]*/cmdline'):\n"
        "    try: words = one.read_bytes()\n"
        "    except OSError: continue\n"
        "    if b'hush-' + b'hush' in words: print('seen in', one, words)\n"
        "print('looked')"
    )
    deployer = server.deployer(far, restart=[sys.executable, "-c", code])
    done = deploy(make_release("1.0+1"), deployer, secrets={"key": "hush-hush"})
    assert (done.code, done.report.lines) == (0, ["looked"])


@pytest.mark.parametrize(
    ("change", "code", "why"),
    [
        ({"known-hosts": "wrong"}, 3, "shows a host key that is not in"),
        ({"identity": "foreign"}, 3, "put the public key into authorized_keys"),
        ({"identity": "nowhere"}, 2, "cannot be read on this worker: No such file"),
        ({"known-hosts": "nowhere"}, 2, "cannot be read on this worker: No such file"),
        ({"port": 1}, 3, "cannot be reached: ssh: connect to host 127.0.0.1 port 1: Connection"),
        ({"host": "nowhere.invalid"}, 3, "cannot be reached: ssh: Could not resolve hostname"),
        ({"python": "python9"}, 3, "python9 is not on 127.0.0.1"),
        ({"path": "/proc/place"}, 3, "/proc/place"),
    ],
)
def test_a_way_that_does_not_lead_there(deploy, make_release, server, far, change, code, why):
    deploy(make_release("1.0+1"), server.deployer(far))
    for key in {"known-hosts", "identity"} & set(change):
        change = {key: str(server.folder / change[key])}
    done = deploy(make_release("1.0+2"), server.deployer(far) | change)
    assert done.code == code
    assert why in done.error
    assert done.error.endswith("nothing has changed there")
    assert "\n" not in done.error
    assert (runs(far), done.facts["outcome"]) == ("1.0+1", "failed")


def test_a_login_that_talks(deploy, make_release, server, far, tmp_path, monkeypatch):
    banner = tmp_path / "python"
    banner.write_text(f'#!/bin/sh\necho "welcome to this machine"\nexec {sys.executable} "$@"\n')
    banner.chmod(0o755)
    done = deploy(make_release("1.0+1"), server.deployer(far, python=str(banner)))
    assert (done.code, done.report.lines) == (0, ["welcome to this machine"])


def test_the_connection_lost_after_the_switch(deploy, make_release, server, far):
    deploy(make_release("1.0+1"), server.deployer(far))
    # Ends the sshd that serves this very connection, on the way there but not on the way back.
    code = (
        "import os, signal, time\n"
        "pid = os.getppid()\n"
        "while b'sshd' not in open(f'/proc/{pid}/cmdline', 'rb').read():\n"
        "    pid = int(open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()[1])\n"
        "if os.environ['SLIPWAY_ROLLBACK'] == '0':\n"
        "    os.kill(pid, signal.SIGKILL)\n"
    )
    deployer = server.deployer(far, restart=[sys.executable, "-c", code])
    done = deploy(make_release("1.0+2"), deployer)
    assert (done.code, runs(far)) == (1, "1.0+1"), done.said
    assert "the connection to 127.0.0.1:" in done.error
    assert done.error.endswith("1.0+1 was put back")
