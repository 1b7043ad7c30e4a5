"""Install a worker on Linux: a system user, and a unit of systemd."""

from __future__ import annotations

import json
import os
import pwd
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from slipway.model.errors import MissingTool
from slipway.workers.installation.order import Order, short_name
from slipway.workers.installation.system_command import run_command

__all__ = ["LinuxMachine"]

_UNITS = Path("/etc/systemd/system")
#: Exists where systemd runs the machine: sd_booted(3).
_BOOTED = Path("/run/systemd/system")
#: Bytes of a user's name, as utmp keeps them: useradd(8).
_LONGEST = 31
_UNIT = """\
[Unit]
Description=Slipway worker {name}
After=network-online.target
Wants=network-online.target

[Service]
User={user}
WorkingDirectory={work}
ExecStart={command}
Environment=PYTHONUTF8=1 HOME={work}/home
UMask=0022
Restart=always
RestartSec=5
# A stage may have started anything: it ends with the worker.
KillMode=control-group
NoNewPrivileges=true
ProtectSystem=full
ProtectHome=true

[Install]
WantedBy=multi-user.target
"""


class LinuxMachine:
    """A Linux machine with systemd, or with something else that starts the worker."""

    def install(self, order: Order) -> None:
        """Make the user, the files and the unit."""
        user = _user(order.name)
        if not _exists(user):
            words = ("--system", "--no-create-home", "--home-dir", str(order.work / "home"))
            run_command("useradd", *words, "--shell", "/usr/sbin/nologin", user)
        account = pwd.getpwnam(user)
        # Its parent is root's: nobody else can put anything in the place of these two.
        order.folder.chmod(0o755)
        order.work.mkdir(mode=0o755, exist_ok=True)
        order.write_password()
        for path in (order.password_file, order.work):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
        _write_own_files(order, account)
        text = _UNIT.format(name=order.name, user=user, work=order.work, command=_command())
        if not _BOOTED.exists():
            (order.folder / _unit(order.name)).write_text(text, "utf-8")
            return
        (_UNITS / _unit(order.name)).write_text(text, "utf-8")
        run_command("systemctl", "daemon-reload")
        run_command("systemctl", "enable", "--quiet", _unit(order.name))

    def start(self, order: Order) -> None:
        """Start the unit, or start it again."""
        if not _BOOTED.exists():
            msg = (
                f"the worker {order.name} is set up; no systemd runs this machine: start it as "
                f"the user {_user(order.name)}, in {order.work}, by: {_command()}"
            )
            raise MissingTool(msg)
        run_command("systemctl", "restart", _unit(order.name))

    def is_installed(self, order: Order) -> bool:
        """Return True if the unit is there."""
        return (_UNITS / _unit(order.name)).exists()

    def stop(self, order: Order) -> None:
        """Stop the unit."""
        if self.is_installed(order) and _BOOTED.exists():
            run_command("systemctl", "stop", _unit(order.name))

    def remove(self, order: Order) -> None:
        """Remove the unit and the user."""
        unit = _UNITS / _unit(order.name)
        if unit.exists():
            run_command("systemctl", "disable", "--quiet", unit.name)
            unit.unlink()
            run_command("systemctl", "daemon-reload")
        if _exists(_user(order.name)):
            run_command("userdel", _user(order.name))


def _write_own_files(order: Order, account: pwd.struct_passwd) -> None:
    """Write the worker's own files as its user.

    Raises:
        MissingTool: The user cannot run this Python, which lies in root's home for example.
    """
    identity: dict[str, Any] = {"user": account.pw_uid, "group": account.pw_gid}
    words = [sys.executable, "-I", "-m", "slipway.workers.installation.files"]
    given = json.dumps(asdict(order.place), default=str)
    try:
        done = subprocess.run(
            words,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            extra_groups=(),
            **identity,
        )
        why = done.stderr.strip().splitlines()[-1:] if done.returncode else []
    except OSError as error:
        why = [str(error.strerror)]
    if why:
        msg = (
            f"{account.pw_name} cannot write its files by {sys.executable}: {why[0]}; if "
            f"others may not enter {sys.base_prefix}, use another: PYTHON=/usr/bin/python3"
        )
        raise MissingTool(msg)


def _user(name: str) -> str:
    """Return the name of a worker's system user; useradd(8) limits its characters and length."""
    return short_name(f"slipway-{re.sub('[^a-z0-9_-]', '-', name.lower())}", name, _LONGEST)


def _unit(name: str) -> str:
    return f"slipway-worker-{name}.service"


def _command() -> str:
    twistd = Path(sys.executable).parent / "twistd"
    return f"{twistd} --nodaemon --pidfile= -y buildbot.tac"


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
