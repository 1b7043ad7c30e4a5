"""Connect to another machine through the system's own ssh, and explain its failures."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

from slipway.model.errors import MissingTool, SlipwayError, WrongInput
from slipway.scripts.stages.deploy.deployers import SshDeployer
from slipway.scripts.stages.deploy.remote_session import BOOTSTRAP, Lost, Session

__all__ = ["command_line", "there", "unreachable"]

#: No questions, no unknown host keys, no forwarding or shared connections; a machine that is gone
#: is detected within a minute.
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
        deployer: The machine's address and credentials.
        state: The state folder; relative paths are relative to it.
        log: Receives the output of programs there.

    Raises:
        MissingTool: There is no ssh on this machine.
        WrongInput: The key file, or the file of known hosts, cannot be read.
    """
    return Session(command_line(deployer, state), log)


def command_line(deployer: SshDeployer, state: Path) -> list[str]:
    """Return ssh's argument list; it contains none of the gate's parameters.

    Raises:
        WrongInput: The key file, or the file of known hosts, cannot be read.
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
    # The remote shell parses this line: it contains only constants and the name of the Python.
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
    # ssh splits the files of this option at spaces, and expands %.
    return '"' + str(path).replace("%", "%%") + '"'


def unreachable(deployer: SshDeployer, session: Session, error: Lost) -> SlipwayError:
    """Return the error for a session that did not start: ssh's message and the remedy."""
    errors = session.errors
    text = " ".join(errors)
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
    return MissingTool(f"{where} cannot be reached: {errors[-1] if errors else error}")
