"""Bring the master's code to a worker that lacks it.

The worker's side is `slipway.workers.stage_code`. A worker says in its answer to `slipway.begin`
what it has, so that one which has it costs no command.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from twisted.internet import defer
from twisted.python import log

from slipway.model.errors import MissingTool, StageFailed
from slipway.steps.ledger_api import Carried
from slipway.steps.transfer import (
    BLOCK,
    Place,
    PlaceCommand,
    StoreReader,
    check_done,
    run_watched,
    told_path,
)

__all__ = ["INSTALLING", "CodeCommand", "bring_code", "tell_of_code"]

#: Seconds a worker may take in all: the longest that its own side takes, and the transfer.
INSTALLING = 2400.0
_OWN, _READY = "own", "ready"


class CodeCommand(PlaceCommand):
    """The command that sends the code; the worker says that it is alive while it installs."""

    def __init__(self, code: Carried, reader: StoreReader) -> None:
        sent = {"sha256": code.key, "size": code.size, "reader": reader, "blocksize": BLOCK}
        super().__init__("slipway.code", sent)
        self._reader, self._began = reader, time.monotonic()
        self._heard = self._began

    def remoteUpdate(self, key: Any, value: Any, is_flushed: bool) -> Any:
        """Note a sign of life."""
        if key == "alive":
            self._heard = time.monotonic()
            return defer.succeed(None)
        return super().remoteUpdate(key, value, is_flushed)

    def moved(self) -> float:
        """Return the time of the last progress; it does not go on for ever."""
        return min(max(self._heard, self._reader.moved), self._began + INSTALLING)


async def bring_code(step: Any, code: Carried, place: Place) -> Place:
    """Send the code to a worker that lacks it, and have it installed.

    Args:
        step: The running step.
        code: The code.
        place: The stage's place, as the worker has told.

    Returns:
        The place, with the PATH of the code.

    Raises:
        MissingTool: The worker could not install it.
    """
    if place.code == _OWN or (place.code == _READY and place.path):
        return place
    try:
        reader = StoreReader(code.path)
    except OSError as problem:
        msg = f"the master cannot read its own code, {code.path}: {problem.strerror}; restart it"
        raise MissingTool(msg) from None
    command = CodeCommand(code, reader)
    log.msg(f"the worker {step.build.workername} gets the code of Slipway {code.version}")
    try:
        await run_watched(step, command, command.moved)
        check_done(step, command, _sentence(step, code))
    except StageFailed as problem:
        raise MissingTool(str(problem)) from None
    finally:
        reader.remote_close()
    path = told_path(command)
    if not path and not step.stopped:
        msg = f"{_sentence(step, code)}: it does not say where it is"
        raise MissingTool(msg)
    return replace(place, path=path)


def _sentence(step: Any, code: Carried) -> str:
    name = step.build.workername
    return f"the worker {name} could not install the master's code (Slipway {code.version})"


def tell_of_code(step: Any, code: Carried, place: Place) -> str:
    """Return a sentence for a stage's log about a worker of another version, and log it."""
    sentence = (
        f"the worker {step.build.workername} was set up with other code than the master's (Slipway "
        f"{place.version or 'of an unknown version'} there, {code.version} here); its stages run "
        "the master's, in an environment of its own"
    )
    log.msg(sentence)
    return sentence
