"""Open a gate from the command line, where all answers are texts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slipway.cli.remote.client import Refused, Remote
from slipway.cli.remote.followed import FollowedGate
from slipway.cli.remote.following import conclude
from slipway.cli.remote.words import gate_sentence
from slipway.model.errors import WrongInput
from slipway.model.spelling import did_you_mean

__all__ = ["ask"]

_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def ask(master: Remote, gate: dict[str, Any], options: argparse.Namespace) -> int:
    """Open a gate with the answers of --set and --secret-file, and wait for the outcome.

    Raises:
        WrongInput: An answer is wrong, or the gate cannot be opened.
    """
    values = _answers(gate["form"], options.set, options.secret_file)
    if gate["token"] is None:
        where = f"{gate['stage']} of {gate['project']} run {gate['run']}"
        waits = "; ".join(one["text"] for one in gate["waits_for"]) or f"it is {gate['state']}"
        msg = f"{where} cannot be opened by you now: {waits}"
        raise WrongInput(msg)
    asked = {"token": gate["token"], "values": values, "comment": options.comment}
    try:
        found = master.post(gate["ask"], **asked)["gate"]
    except Refused as error:
        if not error.fields.keys() & {one["name"] for one in gate["form"]}:
            raise
        msg = f"{error}\nanswer with --set NAME=VALUE, a secret with --secret-file NAME=FILE"
        raise WrongInput(msg) from None
    return conclude(FollowedGate(master, found), options, gate_sentence(found))


def _answers(form: list[dict[str, Any]], texts: list[str], files: list[str]) -> dict[str, Any]:
    kinds = {one["name"]: one["type"] for one in form}
    found: dict[str, Any] = {}
    for option, given in (("--set", texts), ("--secret-file", files)):
        for text in given:
            name, value = _parted(option, text, kinds)
            if name in found:
                msg = f"{option} {name}: it is answered twice"
                raise WrongInput(msg)
            secret = kinds[name] == "secret"
            if secret != (option == "--secret-file"):
                msg = f"{name} is {'a' if secret else 'no'} secret; write " + (
                    f"--secret-file {name}=FILE: other users see a command's words"
                    if secret
                    else f"--set {name}=VALUE"
                )
                raise WrongInput(msg)
            found[name] = _secret(name, value) if secret else _typed(name, kinds[name], value)
    return found


def _parted(option: str, text: str, kinds: dict[str, str]) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        msg = f'{option} "{text}": write NAME=VALUE'
        raise WrongInput(msg)
    if name not in kinds:
        known = ", ".join(kinds) or "nothing"
        msg = f'{option} "{name}" is no parameter; this gate asks for {known}.'
        raise WrongInput(msg + did_you_mean(name, kinds))
    return name, value


def _typed(name: str, kind: str, text: str) -> Any:
    """Convert a text to its parameter's type; the master validates the value."""
    if not text:
        return None
    readers: dict[str, Callable[[str], Any]] = {
        "integer": int,
        "boolean": lambda word: _WORDS[word.lower()],
        "multi-choice": _many,
    }
    try:
        return readers[kind](text) if kind in readers else text
    except (ValueError, KeyError, TypeError, RecursionError):
        wanted = {"integer": "a whole number", "boolean": "true or false"}.get(kind, "a list")
        msg = f'--set {name}: "{text}" is not {wanted}'
        raise WrongInput(msg) from None


def _many(text: str) -> list[str]:
    if not text.startswith("["):
        return [one.strip() for one in text.split(",")]
    found = json.loads(text)
    if not isinstance(found, list):
        raise TypeError
    return found


def _secret(name: str, path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        msg = f"--secret-file {name}: {path} cannot be read: {why}"
        raise WrongInput(msg) from None
    return text.rstrip("\r\n")
