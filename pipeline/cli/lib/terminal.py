"""The terminal that commands print to: text stays what it is, and is never an order to it."""

from __future__ import annotations

import os
import shutil
from typing import Any

from rich.console import Console

from slipway.scripts.terminal_text import plain


class _Terminal(Console):
    """Leaves it to the command line what to do when nobody reads any more."""

    def on_broken_pipe(self) -> None:
        """Tell the caller; rich would end the process with 1."""
        raise  # noqa: PLE0704  called where it is handled

    def print(self, *objects: Any, markup: bool | None = None, **options: Any) -> None:
        """Print; what is not markup may be anybody's text."""
        if markup is False:
            objects = tuple(plain(one) if isinstance(one, str) else one for one in objects)
        super().print(*objects, markup=markup, **options)


def terminal(*, soft_wrap: bool = True, width: int | None = None, stderr: bool = False) -> Console:
    """Return a console that neither colours numbers nor turns ":bug:" into a picture.

    Args:
        soft_wrap: Leave long lines to the terminal, so that they can be copied whole.
        width: Columns. None: as the terminal says.
        stderr: Print on the standard error.
    """
    height = None
    if os.environ.get("TERM", "").lower() in {"dumb", "unknown"}:
        # rich takes each of them for one of 80 columns, unless it is told both.
        told = shutil.get_terminal_size((80, 25))
        width, height = width or told.columns, told.lines
    return _Terminal(
        highlight=False,
        emoji=False,
        soft_wrap=soft_wrap,
        width=width,
        height=height,
        stderr=stderr,
    )
