"""Connect to another machine through the system's own ssh, and explain its failures."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

from slipway.model.errors import MissingTool, SlipwayError
from slipway.scripts.ssh.client import (
    CONNECTION_FAILED,
    OPTIONS,
    is_host_key,
    is_login,
    quoted,
    readable_file,
)
from slipway.scripts.stages.deploy.deployers import SshDeployer
from slipway.scripts.stages.deploy.remote_session import BOOTSTRAP, Lost, Session

__all__ = ["command_line", "there", "unreachable"]

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
    for option in OPTIONS:
        argv += ["-o", option]
    if deployer.known_hosts:
        file = readable_file(state, deployer.known_hosts, "known-hosts")
        argv += [
            "-o",
            f"UserKnownHostsFile={quoted(file)}",
            "-o",
            f"GlobalKnownHostsFile={os.devnull}",
        ]
    if deployer.identity:
        file = readable_file(state, deployer.identity, "identity")
        argv += ["-o", "IdentitiesOnly=yes", "-i", str(file)]
    if deployer.user:
        argv += ["-l", deployer.user]
    if deployer.port:
        argv += ["-p", str(deployer.port)]
    # The remote shell parses this line: it contains only constants and the name of the Python.
    return [*argv, "--", deployer.host, f"{deployer.python} -I -c {shlex.quote(BOOTSTRAP)}"]


def unreachable(deployer: SshDeployer, session: Session, error: Lost) -> SlipwayError:
    """Return the error for a session that did not start: ssh's message and the remedy."""
    errors = session.errors
    text = " ".join(errors)
    where = deployer.host + (f":{deployer.port}" if deployer.port else "")
    who = f' for the user "{deployer.user}"' if deployer.user else ""
    if is_host_key(text):
        file = deployer.known_hosts or "ssh's own known_hosts"
        return MissingTool(
            f"{where} shows a host key that is not in {file}; compare the key with the machine's "
            f"own, then write it there (ssh-keyscan {deployer.host} prints it)"
        )
    if is_login(text):
        key = deployer.identity or "the keys ssh tries by itself"
        return MissingTool(f"{where} refuses {key}{who}: put the public key into authorized_keys")
    code = session.code
    if code == _NOT_FOUND or (code not in (None, CONNECTION_FAILED) and deployer.python in text):
        return MissingTool(
            f"{deployer.python} is not on {where}; install it there, or name it with python = ..."
        )
    return MissingTool(f"{where} cannot be reached: {errors[-1] if errors else error}")
