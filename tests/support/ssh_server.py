"""A real OpenSSH server with keys of its own, on a port of its own."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

from .machine import lease_ports

__all__ = ["ChrootedServer", "SshServer", "needs_root", "needs_sshd"]

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin") or ""
needs_sshd = pytest.mark.skipif(
    not (SSHD and shutil.which("ssh")),
    reason="no OpenSSH server here: apt install openssh-server openssh-client",
)
needs_root = pytest.mark.skipif(
    os.name == "nt" or os.geteuid() != 0 or not shutil.which("unshare"),
    reason="only root can run an ssh server with users of its own",
)


class SshServer:
    """One sshd for this user, and its keys."""

    settings = (
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
        "Subsystem sftp internal-sftp",
    )

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder = folder
        self.user = getpass.getuser()
        [self.port] = lease_ports(1)
        for name in ("host", "mine", "foreign"):
            make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name]
            subprocess.run(make, check=True)
        self.write("authorized", (folder / "mine.pub").read_text())
        self.known("known hosts", "host")
        self.known("wrong", "foreign")
        settings = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {folder}/host",
            f"AuthorizedKeysFile {folder}/authorized",
            f"PidFile {folder}/pid",
            "StrictModes no",
            "UsePAM no",
            "KbdInteractiveAuthentication no",
            *(more or self.settings),
        ]
        self.write("sshd_config", "\n".join(settings) + "\n")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)

    def public(self, name: str) -> str:
        return " ".join((self.folder / f"{name}.pub").read_text().split()[:2])

    def known(self, name: str, key: str) -> None:
        self.write(name, f"[127.0.0.1]:{self.port} {self.public(key)}\n")

    def argv(self) -> list[str]:
        return [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]

    def start(self) -> Self:
        # Where the privileges are given up; the package's service makes it.
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                self.argv(), stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(10)


class ChrootedServer(SshServer):
    """One with a user who may do SFTP below a folder and nothing else, as files are often given.

    It has mounts of its own: a list of users with one more, and /srv in memory. There are `/in`,
    which is the user's, `/shut`, which is not, `/small` of 4 MB, and `/still`, which can only be
    read. What is there is seen from outside below `place`.
    """

    settings = (
        "PasswordAuthentication yes",
        "Subsystem sftp internal-sftp",
        "ChrootDirectory /srv/place",
        "ForceCommand internal-sftp",
        "AllowTcpForwarding no",
    )
    password = "hush-hush $(id) \"'"

    def __init__(self, folder: Path) -> None:
        settings = [f"AuthorizedKeysFile {folder}/authorized", *self.settings]
        super().__init__(folder, *settings)
        self.user = "slipway-upload"
        crypt = ["openssl", "passwd", "-6", "-stdin"]
        made = subprocess.run(
            crypt, input=self.password, text=True, capture_output=True, check=True
        )
        line = f"{self.user}:x:64321:64321::/:/usr/sbin/nologin\n"
        self.write("passwd", Path("/etc/passwd").read_text() + line)
        shadow = f"{self.user}:{made.stdout.strip()}:19000:0:99999:7:::\n"
        self.write("shadow", Path("/etc/shadow").read_text() + shadow)
        (folder / "passwd").chmod(0o644)
        # The server reads the keys as the user.
        text = (folder / "sshd_config").read_text()
        self.write("sshd_config", text.replace(f"{folder}/authorized", "/srv/authorized"))

    def argv(self) -> list[str]:
        here = self.folder
        steps = [
            f"mount --bind '{here}/passwd' /etc/passwd",
            f"mount --bind '{here}/shadow' /etc/shadow",
            "mount -t tmpfs -o mode=755 none /srv",
            f"cp '{here}/authorized' /srv/authorized",
            "chmod 644 /srv/authorized",
            "mkdir -p /srv/place/in /srv/place/shut /srv/place/small /srv/place/still",
            "mount -t tmpfs -o mode=755,size=4m none /srv/place/small",
            "mount -t tmpfs -o mode=755 none /srv/place/still",
            "chown 64321:64321 /srv/place/in /srv/place/small /srv/place/still",
            "mount -o remount,ro /srv/place/still",
        ]
        script = " && ".join(steps) + ' && exec "$@"'
        return ["unshare", "-m", "sh", "-c", script, "sh", *super().argv()]

    @property
    def place(self) -> Path:
        return Path(f"/proc/{self.process.pid}/root/srv/place")
