"""Write the files that ssh reads for one connection: its settings, keys and the password."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from slipway.model.errors import WrongInput
from slipway.scripts.ssh.client import OPTIONS, quoted, readable_file
from slipway.scripts.stages.publish.targets.sftp.settings import SftpTarget

__all__ = ["ALIAS", "CONFIG", "secret", "variables", "write_files"]

#: The machine's name in the settings of ssh; where it is, is said there.
ALIAS, _JUMP = "slipway-target", "slipway-jump"
CONFIG = "config"
_KEY, _HOSTS, _PASSWORD = "key", "known_hosts", "password"
#: ssh's own, those first that processors do by themselves.
_CIPHERS = (
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,"
    "aes128-ctr,aes192-ctr,aes256-ctr"
)
#: Answers ssh's question for the password from the file beside it.
_ASK = {
    "posix": ("ask", '#!/bin/sh\nexec cat "${0%/*}/password"\n'),
    "nt": ("ask.cmd", '@type "%~dp0password"\r\n'),
}


def secret(secrets: Mapping[str, str], name: str, key: str) -> str:
    """Return the value of a secret.

    Raises:
        WrongInput: The stage was given none of that name.
    """
    value = secrets.get(name, "")
    if not value.strip():
        msg = f'{key}: the stage has no secret "{name}"; name it below [...secrets]'
        raise WrongInput(msg)
    return value


def write_files(target: SftpTarget, secrets: Mapping[str, str], state: Path, folder: Path) -> None:
    """Write all files into a folder that nobody else can read.

    Args:
        target: The machine's address and credentials.
        secrets: The stage's secrets, by name.
        state: The state folder; relative paths are relative to it.
        folder: The folder, in which ssh is started.

    Raises:
        WrongInput: A secret is missing, or a file that the settings name cannot be read.
    """
    if target.key:
        text = secret(secrets, target.key, "key").replace("\r\n", "\n").strip() + "\n"
        _write(folder / _KEY, text, 0o600)
    if target.password:
        word = secret(secrets, target.password, "password").rstrip("\r\n")
        _write(folder / _PASSWORD, word + "\n", 0o600)
        name, text = _ASK[os.name]
        _write(folder / name, text, 0o700)
    known = [f"{ALIAS} {key}" for key in target.host_key]
    known += [f"{_JUMP} {key}" for key in target.jump_host_key]
    _write(folder / _HOSTS, "".join(f"{line}\n" for line in known), 0o600)
    lines = _settings(target, state)
    _write(folder / CONFIG, "".join(f"{line}\n" for line in lines), 0o600)


def variables(target: SftpTarget, folder: Path) -> dict[str, str]:
    """Return the environment variables by which ssh finds the program that knows the password."""
    if not target.password:
        return {}
    ask = str(folder / _ASK[os.name][0])
    return {"SSH_ASKPASS": ask, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}


def _write(path: Path, text: str, mode: int) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(opened, "w", encoding="utf-8", newline="") as stream:
        stream.write(text)


def _settings(target: SftpTarget, state: Path) -> Iterator[str]:
    """Yield the lines of ssh's settings; of two lines for one thing the first counts."""
    yield f"Host {ALIAS}"
    yield from _machine(target, state, ALIAS, (target.host, target.port, target.user))
    if target.password:
        yield "BatchMode no"
        yield "NumberOfPasswordPrompts 1"
        if not (target.key or target.identity):
            yield "PubkeyAuthentication no"
    if target.jump:
        yield f"ProxyJump {_JUMP}"
        user, _, place = target.jump.rpartition("@")
        host, port = _parted(place)
        yield f"Host {_JUMP}"
        yield from _machine(target, state, _JUMP, (host, port, user or target.user))
    yield "Host *"
    yield from OPTIONS
    yield "LogLevel ERROR"
    yield f"Ciphers {_CIPHERS}"
    # Nothing of the machine's other settings may let a key in that was not compared.
    yield "GlobalKnownHostsFile none"
    yield "VerifyHostKeyDNS no"


def _machine(
    target: SftpTarget, state: Path, alias: str, address: tuple[str, int, str]
) -> Iterator[str]:
    host, port, user = address
    yield f"HostName {host.replace('%', '%%')}"
    yield f"Port {port}"
    yield f"User {user}"
    if target.known_hosts:
        file = readable_file(state, target.known_hosts, "known-hosts")
        yield f"UserKnownHostsFile {quoted(file)}"
    else:
        yield f"HostKeyAlias {alias}"
        yield f"UserKnownHostsFile {_HOSTS}"
    if target.key or target.identity:
        yield "IdentitiesOnly yes"
        file = Path(_KEY)
        if target.identity:
            file = readable_file(state, target.identity, "identity")
        yield f"IdentityFile {quoted(file)}"


def _parted(place: str) -> tuple[str, int]:
    """Part HOST:PORT, where the host may be an address in brackets."""
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        host, port = place, "22"
    return host.strip("[]"), int(port)
