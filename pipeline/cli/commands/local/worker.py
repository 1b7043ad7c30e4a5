"""`slipway worker DIR`: set up a worker that connects to a master elsewhere."""

from __future__ import annotations

import argparse

from slipway.cli.lib.terminal import terminal
from slipway.model.errors import WrongInput
from slipway.model.secrets.location import SecretPlace
from slipway.secrets.reading import given_secret
from slipway.workers.worker_tac import WorkerPlace, write_tac

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Write the worker's files and print how to start it."""
    host, _, port = options.master.rpartition(":")
    if not host or not port.isdigit():
        msg = f'--master "{options.master}" is no HOST:PORT; an example: releases.example.org:9989'
        raise WrongInput(msg)
    secret = options.password_file.resolve()
    given_secret(SecretPlace(file=str(secret)), secret.parent, "--password-file")
    place = WorkerPlace(options.folder.resolve(), options.name, host, int(port), secret)
    try:
        write_tac(place)
    except OSError as error:
        msg = f"the worker's folder {place.folder} cannot be written: {error.strerror}"
        raise WrongInput(msg) from None
    terminal().print(
        f"worker {options.name} is set up; start it: buildbot-worker start {place.folder}"
    )
    return 0
