"""`slipway worker setup DIR`: set up a worker that connects to a master elsewhere."""

from __future__ import annotations

import argparse

from slipway.cli.lib.terminal import terminal
from slipway.model.errors import WrongInput
from slipway.model.secrets.location import SecretPlace
from slipway.model.site import is_loopback
from slipway.secrets.reading import given_secret
from slipway.workers.worker_tac import FINGERPRINT, WorkerPlace, write_tac

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Write the worker's files and print how to start it."""
    host, _, port = options.master.rpartition(":")
    if not host or not port.isdigit():
        msg = f'--master "{options.master}" is no HOST:PORT; an example: releases.example.org:9989'
        raise WrongInput(msg)
    fingerprint = (options.fingerprint or "").strip().lower()
    if fingerprint and not FINGERPRINT.fullmatch(fingerprint):
        msg = (
            f'--fingerprint "{options.fingerprint}" is none; write it as `slipway up` prints it: '
            "sha256: and 64 hexadecimal digits"
        )
        raise WrongInput(msg)
    if not fingerprint and not is_loopback(host):
        msg = (
            f"{host} is another machine, to which workers connect by TLS alone; add --fingerprint "
            "with what `slipway up` prints there"
        )
        raise WrongInput(msg)
    secret = options.password_file.resolve()
    given_secret(SecretPlace(file=str(secret)), secret.parent, "--password-file")
    folder = options.folder.resolve()
    place = WorkerPlace(folder, options.name, host, int(port), secret, fingerprint)
    try:
        write_tac(place)
    except OSError as error:
        msg = f"the worker's folder {place.folder} cannot be written: {error.strerror}"
        raise WrongInput(msg) from None
    terminal().print(
        f"worker {options.name} is set up; start it: buildbot-worker start {place.folder}"
    )
    return 0
