"""The terminal that commands print to: text stays what it is."""

from __future__ import annotations

from rich.console import Console


def terminal(*, soft_wrap: bool = True, width: int | None = None) -> Console:
    """Return a console that neither colours numbers nor turns ":bug:" into a picture.

    Args:
        soft_wrap: Leave long lines to the terminal, so that they can be copied whole.
        width: Columns. None: as the terminal says.
    """
    return Console(highlight=False, emoji=False, soft_wrap=soft_wrap, width=width)
