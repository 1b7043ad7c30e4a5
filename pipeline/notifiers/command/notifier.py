"""Settings and runner of the notifier `command`."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from slipway.model.duration import Duration
from slipway.model.kinds.environment import check_words
from slipway.model.kinds.notice import Notifier
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Retry

__all__ = ["CommandNotifier", "send"]

_SAID = 300


class CommandNotifier(Notifier):
    """Run a program for each notice; it gets the notice as JSON on its standard input."""

    runner: ClassVar[str] = "slipway.notifiers.command.notifier:send"

    kind: Literal["command"]
    argv: tuple[str, ...] = Field(min_length=1)
    """The program and its arguments. It runs as the master's user; any exit code but 0 means
    that it is to be run again."""
    timeout: Duration = 60
    """How long it may take."""

    _words = field_validator("argv")(check_words)

    def problems(self, folder: Path) -> Iterator[str]:
        """Yield a sentence if the program is not there."""
        if shutil.which(self.argv[0]) is None and not (folder / self.argv[0]).is_file():
            yield f'argv: there is no program "{self.argv[0]}"; write its path'


def send(settings: CommandNotifier, notice: Notice, context: Context) -> str:
    """Run the program.

    Returns:
        The last line of what it printed.

    Raises:
        Retry: It ended with an error, or took too long.
        OSError: It cannot be started.
    """
    name = settings.argv[0]
    given = notice.model_dump(mode="json", by_alias=True) | {"key": context.key}
    try:
        done = subprocess.run(
            settings.argv,
            input=json.dumps(given).encode(),
            capture_output=True,
            timeout=settings.timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        msg = f"{name} did not end within {settings.timeout} seconds"
        raise Retry(msg) from None
    if done.returncode:
        msg = f"{name} ended with exit code {done.returncode}: {_last_line(done.stderr)}"
        raise Retry(msg)
    return _last_line(done.stdout)


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return (lines or [""])[-1][:_SAID]
