"""A real ngircd with TLS, and a client that listens in its channels."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading

import pytest

from slipway.model.notices.sending import Context, Recipient, SendingSite
from slipway.notifiers.irc.notifier import IrcNotifier
from slipway.notifiers.irc.sender import IrcSender
from tests.support.dav_servers import certificate
from tests.support.machine import lease_ports, wait_for

NGIRCD = shutil.which("ngircd") or shutil.which("ngircd", path="/usr/sbin:/usr/local/sbin") or ""
needs_ngircd = pytest.mark.skipif(not NGIRCD, reason="no ngircd here: apt install ngircd")
CONTEXT = Context(Recipient(), key="c0ffee" * 6)
CONFIG = """[Global]
Name = irc.example.org
Info = Test
Listen = 127.0.0.1
Ports = {plain}
ServerUID = {user}
ServerGID = {user}
[Limits]
MaxConnectionsIP = 0
MaxNickLength = 30
[Options]
DNS = no
Ident = no
PAM = no
SyslogFacility = local1
[SSL]
CertFile = {certificate}
KeyFile = {key}
Ports = {tls}
[Channel]
Name = #locked
Modes = +ntk word
Key = word
"""


class Ircd:
    """The server."""

    def __init__(self, folder, **made):
        self.folder = folder
        self.plain, self.tls = lease_ports(2)
        paths = certificate(folder, name="irc", **made)
        for path in paths:
            path.chmod(0o644)
        folder.chmod(0o755)
        text = CONFIG.format(
            plain=self.plain, tls=self.tls, certificate=paths[0], key=paths[1], user=os.geteuid()
        )
        (folder / "ngircd.conf").write_text(text)
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [NGIRCD, "--nodaemon", "--config", self.folder / "ngircd.conf"],
            stdout=(self.folder / "log").open("ab"),
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        wait_for(self._listens, (self.folder / "log").read_text)

    def _listens(self):
        for port in (self.plain, self.tls):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)):
                    return False
        return True

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)

    def sender(self, **keys):
        settings = {
            "kind": "irc",
            "host": "127.0.0.1",
            "port": self.tls,
            "channels": ["#almanac"],
            "authorities": "irc.pem",
            "timeout": 5,
        }
        site = SendingSite(folder=self.folder, secret=lambda *_: "word")
        return IrcSender(IrcNotifier.model_validate(settings | keys), site)


class Listener:
    """Somebody in a channel, by nothing of ours."""

    def __init__(self, port, channel="#almanac", nick="ann"):
        self.lines = []
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.tell(f"NICK {nick}", f"USER {nick} 0 * :{nick}")
        threading.Thread(target=self._read, daemon=True).start()
        self.until(" 001 ")
        self.tell(f"JOIN {channel}")
        self.until(" JOIN ")

    def tell(self, *lines):
        self.socket.sendall("".join(f"{one}\r\n" for one in lines).encode())

    def _read(self):
        with self.socket.makefile("rb") as stream:
            try:
                for line in stream:
                    text = line.decode().rstrip("\r\n")
                    self.lines.append(text)
                    if text.startswith("PING"):
                        self.tell(f"PONG {text.partition(' ')[2]}")
            except OSError:
                pass

    def until(self, word):
        wait_for(
            lambda: any(word in one for one in self.lines), lambda: f"{word}: {self.lines}", 10
        )

    @property
    def said(self):
        found = [one for one in self.lines if " PRIVMSG " in one]
        return [one.split(" ", 3)[3].removeprefix(":") for one in found]

    def close(self):
        self.socket.close()


@pytest.fixture
def ircd(tmp_path):
    made = Ircd(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def listen(ircd):
    made = []

    def make(*words, **keys):
        made.append(Listener(ircd.plain, *words, **keys))
        return made[-1]

    yield make
    for one in made:
        one.close()
