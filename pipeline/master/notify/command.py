"""The notifier `command`: a program that gets each notice as JSON on its standard input."""

from __future__ import annotations

import subprocess
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from slipway.model.duration import Duration
from slipway.model.errors import StageFailed
from slipway.model.kinds.environment import check_words
from slipway.model.kinds.notice import Notice, Notifier

__all__ = ["CommandNotifier", "send"]

_SAID = 300


class CommandNotifier(Notifier):
    """Run a program for each notice; it gets the notice as JSON on its standard input."""

    runner: ClassVar[str] = "slipway.master.notify.command:send"

    kind: Literal["command"]
    argv: tuple[str, ...] = Field(min_length=1)
    """The program and its arguments. It runs as the master's user; any exit code but 0 means
    that it is to be run again."""
    timeout: Duration = 60
    """How long it may take."""

    _words = field_validator("argv")(check_words)


def send(settings: CommandNotifier, notice: Notice) -> None:
    """Run the program.

    Raises:
        StageFailed: It ended with an error, or took too long.
        OSError: It cannot be started.
    """
    name = settings.argv[0]
    try:
        done = subprocess.run(
            settings.argv,
            input=notice.model_dump_json().encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=settings.timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        msg = f"{name} did not end within {settings.timeout} seconds"
        raise StageFailed(msg) from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        msg = f"{name} ended with exit code {done.returncode}: {(lines or [''])[-1][:_SAID]}"
        raise StageFailed(msg)
