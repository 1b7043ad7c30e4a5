"""Consoles for the commands' output; control characters in texts are never sent to the terminal."""

from __future__ import annotations

import os
import shutil
from typing import Any

from rich.console import Console

from slipway.scripts.terminal_text import plain

__all__ = ["terminal"]


class _Terminal(Console):
    """Console that leaves broken pipes to the command line."""

    def on_broken_pipe(self) -> None:
        """Re-raise the exception; rich would exit with 1."""
        raise  # noqa: PLE0704  called where it is handled

    def print(self, *objects: Any, markup: bool | None = None, **options: Any) -> None:
        """Print; text without markup may come from anybody and is sanitized."""
        if markup is False:
            objects = tuple(plain(one) if isinstance(one, str) else one for one in objects)
        super().print(*objects, markup=markup, **options)


def terminal(*, soft_wrap: bool = True, width: int | None = None, stderr: bool = False) -> Console:
    """Return a console without number highlighting and emoji codes such as ":bug:".

    Args:
        soft_wrap: Leave long lines to the terminal, so that they can be copied whole.
        width: Columns. None: the terminal's width.
        stderr: Print to the standard error.
    """
    height = None
    if os.environ.get("TERM", "").lower() in {"dumb", "unknown"}:
        # rich assumes 80 columns for these, unless width and height are given.
        size = shutil.get_terminal_size((80, 25))
        width, height = width or size.columns, size.lines
    return _Terminal(
        highlight=False,
        emoji=False,
        soft_wrap=soft_wrap,
        width=width,
        height=height,
        stderr=stderr,
    )
