"""`slipway passwd`: print the line of pipeline.toml for a person's password."""

from __future__ import annotations

import argparse
import getpass
import json
import sys

from pydantic import TypeAdapter, ValidationError

from slipway.cli.lib.terminal import terminal
from slipway.master.access.passwords import hash_password
from slipway.model.errors import MissingTool, WrongInput
from slipway.model.people import ADMIN, PersonName

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Ask for a password and print its hash; write no file."""
    name = _name(options.name)
    hashed = hash_password(_from_stdin() if options.stdin else _asked(name))
    key = name if name.replace("-", "").replace("_", "").isalnum() else json.dumps(name)
    console = terminal()
    console.print(f"[people.{key}]", markup=False)
    console.print(f'password = "{hashed}"', markup=False)
    print(  # noqa: T201  beside the lines, which may go to a file
        f"put these lines into pipeline.toml, with roles for {name}, and start the site again",
        file=sys.stderr,
    )
    return 0


def _name(name: str) -> str:
    if name.lower() == ADMIN:
        msg = f"the password of {ADMIN} is made by Slipway: write another one into admin-password"
        raise WrongInput(msg)
    try:
        return TypeAdapter[str](PersonName).validate_python(name)
    except ValidationError:
        msg = f'"{name}" is no name of a person: letters, digits and . _ @ + -, at most 100'
        raise WrongInput(msg) from None


def _from_stdin() -> str:
    try:
        text = sys.stdin.buffer.readline().decode()
    except UnicodeDecodeError:
        msg = "the password on the standard input is not UTF-8"
        raise WrongInput(msg) from None
    return text.removesuffix("\n").removesuffix("\r")


def _asked(name: str) -> str:
    if not sys.stdin.isatty():
        msg = "there is no terminal to ask in; give the password on the standard input: --stdin"
        raise MissingTool(msg)
    first = getpass.getpass(f"Password of {name}: ", stream=sys.stderr)
    if first != getpass.getpass("Once more: ", stream=sys.stderr):
        msg = "the two were not the same; nothing was made"
        raise WrongInput(msg)
    return first
