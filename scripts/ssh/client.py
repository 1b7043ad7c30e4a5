"""Options and files for the system's own ssh, and the meaning of what it says when it ends."""

from __future__ import annotations

from pathlib import Path

from slipway.model.errors import WrongInput

__all__ = [
    "CONNECTION_FAILED",
    "HOST",
    "OPTIONS",
    "USER",
    "is_host_key",
    "is_login",
    "quoted",
    "readable_file",
]

#: A machine's name or address, or what ssh's configuration calls it; never an option of ssh.
HOST = r"^[A-Za-z0-9_\[:][A-Za-z0-9_.:%\]-]*$"
#: Whom to log in as.
USER = r"^[A-Za-z0-9_][A-Za-z0-9_.@\\-]*$"
#: No questions, no unknown host keys, no forwarding or shared connections; a machine that is gone
#: is detected within a minute.
OPTIONS = (
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
#: ssh's exit code when the connection failed, and not the program there.
CONNECTION_FAILED = 255


def readable_file(state: Path, name: str, key: str) -> Path:
    """Return the path of a file for ssh.

    Args:
        state: The state folder; relative paths are relative to it.
        name: The file's path.
        key: The setting that names it, for the sentence.

    Raises:
        WrongInput: It cannot be read.
    """
    path = state / name
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        msg = f"{key}: {path} cannot be read on this worker: {error.strerror}"
        raise WrongInput(msg) from None


def quoted(path: Path) -> str:
    """Quote a path for an option of ssh, which splits files at spaces and expands %."""
    return '"' + str(path).replace("%", "%%") + '"'


def is_host_key(text: str) -> bool:
    """Return True if ssh has refused the host's key."""
    return "Host key verification failed" in text or "host key" in text.lower()


def is_login(text: str) -> bool:
    """Return True if the host has refused the user."""
    return "Permission denied" in text or "Too many authentication failures" in text
