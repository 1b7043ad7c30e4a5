"""The way to another machine: the system's own ssh, its words and its ways to fail."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

from slipway.model.errors import MissingTool, SlipwayError, WrongInput
from slipway.scripts.stages.deploy.deployers import SshDeployer
from slipway.scripts.stages.deploy.remote_session import BOOTSTRAP, Lost, Session

#: Nobody is there to answer a question, no unknown key is taken, nothing else is opened with it,
#: and a machine that is gone is found out within a minute.
_OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "ConnectTimeout=15",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=4",
    "ControlMaster=no",
    "ControlPath=none",
    "RemoteCommand=none",
    "RequestTTY=no",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
)
_CONNECTION = 255
_NOT_FOUND = 127


def there(deployer: SshDeployer, state: Path, log: Callable[[str], None]) -> Session:
    """Start a session on another machine.

    Args:
        deployer: Where it is, and who may come in.
        state: The state folder; relative paths count from it.
        log: Gets what programs there say.

    Raises:
        MissingTool: There is no ssh on this machine.
        WrongInput: The key's file, or the file of known hosts, is not there.
    """
    return Session(command_line(deployer, state), log)


def command_line(deployer: SshDeployer, state: Path) -> list[str]:
    """Return ssh's argument list; nothing of the gate's parameters is in it.

    Raises:
        WrongInput: The key's file, or the file of known hosts, is not there.
    """
    argv = ["ssh", "-T"]
    for option in _OPTIONS:
        argv += ["-o", option]
    if deployer.known_hosts:
        file = _file(state, deployer.known_hosts, "known-hosts")
        argv += [
            "-o",
            f"UserKnownHostsFile={_quoted(file)}",
            "-o",
            f"GlobalKnownHostsFile={os.devnull}",
        ]
    if deployer.identity:
        file = _file(state, deployer.identity, "identity")
        argv += ["-o", "IdentitiesOnly=yes", "-i", str(file)]
    if deployer.user:
        argv += ["-l", deployer.user]
    if deployer.port:
        argv += ["-p", str(deployer.port)]
    # The far end's shell parses this line: it holds nothing but constants and the Python's name.
    return [*argv, "--", deployer.host, f"{deployer.python} -I -c {shlex.quote(BOOTSTRAP)}"]


def _file(state: Path, name: str, key: str) -> Path:
    path = state / name
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        msg = f"{key}: {path} cannot be read on this worker: {error.strerror}"
        raise WrongInput(msg) from None


def _quoted(path: Path) -> str:
    # ssh parts the files of this option at spaces, and replaces %.
    return '"' + str(path).replace("%", "%%") + '"'


def unreachable(deployer: SshDeployer, session: Session, error: Lost) -> SlipwayError:
    """Say why a session did not begin: what ssh said, and what to do."""
    said = session.errors
    text = " ".join(said)
    where = deployer.host + (f":{deployer.port}" if deployer.port else "")
    who = f' for the user "{deployer.user}"' if deployer.user else ""
    if "Host key verification failed" in text or "host key" in text.lower():
        file = deployer.known_hosts or "ssh's own known_hosts"
        return MissingTool(
            f"{where} shows a host key that is not in {file}; compare the key with the machine's "
            f"own, then write it there (ssh-keyscan {deployer.host} prints it)"
        )
    if "Permission denied" in text:
        key = deployer.identity or "the keys ssh tries by itself"
        return MissingTool(f"{where} refuses {key}{who}: put the public key into authorized_keys")
    code = session.code
    if code == _NOT_FOUND or (code not in (None, _CONNECTION) and deployer.python in text):
        return MissingTool(
            f"{deployer.python} is not on {where}; install it there, or name it with python = ..."
        )
    return MissingTool(f"{where} cannot be reached: {said[-1] if said else error}")
