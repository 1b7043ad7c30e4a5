"""Read the certificate and the secrets of a sign stage."""

from __future__ import annotations

import os
import stat
from datetime import datetime
from pathlib import Path

from slipway.model.errors import WrongInput
from slipway.scripts.authenticode.credentials import (
    Credentials,
    load_certificate,
    load_credentials,
)
from slipway.scripts.opened_files import open_plain
from slipway.scripts.stages.sign.stage import CERTIFICATE, KEY, PASSWORD, SignStage

__all__ = ["read_credentials", "stamp_roots"]

#: Bytes of a certificate with its chain; real ones have some thousand.
_LARGEST = 1 << 20
_PEM = b"-----BEGIN "


def read_credentials(stage: SignStage, now: datetime) -> Credentials:
    """Read certificate and key, and check that they may sign now.

    Args:
        stage: The settings; its secrets are in its environment.
        now: The time.

    Raises:
        WrongInput: Something is missing or wrong.
    """
    key, password = stage.env.get(KEY, ""), stage.env.get(PASSWORD, "")
    if stage.certificate is None:
        given = stage.env.get(CERTIFICATE, "")
        if not given:
            msg = f"this run is not given the secret {CERTIFICATE}; without it nothing is signed"
            raise WrongInput(msg)
        data, where = given.encode(), f"the secret {CERTIFICATE}"
    else:
        data, where = _read(Path(stage.certificate)), stage.certificate
    if stage.program is not None:
        return load_certificate(data, where, now)
    return load_credentials(data, where, key, password, now)


def stamp_roots(stage: SignStage) -> Path | None:
    """Return the file with the roots of timestamp authorities; None: the system's.

    Raises:
        WrongInput: It is not there.
    """
    if stage.timestamp_roots is None or not stage.timestamp:
        return None
    path = Path(stage.timestamp_roots)
    if not path.is_file():
        msg = f"timestamp-roots: {path} is not on this machine; name a PEM file that is"
        raise WrongInput(msg)
    return path


def _read(path: Path) -> bytes:
    """Read a file with a certificate; what may hold a private key must be its owner's alone.

    Raises:
        WrongInput: It is not there, not readable, or readable by others.
    """
    # The site names it, so a link is followed; a pipe would block.
    real = path.resolve()
    try:
        with os.fdopen(open_plain(real.parent, (real.name,)), "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        msg = (
            f"certificate: {path} cannot be read on this machine: {error.strerror}; a worker that "
            f"is kept apart sees no such file: give it as the secret {CERTIFICATE}"
        )
        raise WrongInput(msg) from None
    if len(data) > _LARGEST:
        msg = f"certificate: {path} has more than {_LARGEST:,} bytes, as no certificate has"
        raise WrongInput(msg)
    private = _PEM not in data or b"PRIVATE KEY-----" in data
    if private and os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        shown = f"{stat.S_IMODE(mode):o}"
        msg = f"certificate: others may read {path} (mode {shown}), which may hold a private key; "
        raise WrongInput(msg + "run chmod 600 on it")
    return data
