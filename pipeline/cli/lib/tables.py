"""Print tables that fit the terminal without truncating anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from slipway.cli.lib.terminal import terminal

__all__ = ["columns", "flow", "print_table"]

#: The width for a pipe or a file: each row is one line.
_WIDE = 100_000
_BETWEEN = "  "
_INDENT = "    "
#: Minimum width of a row's last cell beside the others.
_NARROWEST = 8


def print_table(table: Table) -> None:
    """Print a table; in a narrow terminal each row takes as many lines as it needs.

    Args:
        table: Its rows.
    """
    console = terminal(soft_wrap=False)
    wide = terminal(soft_wrap=False, width=_WIDE)
    needed = wide.measure(table).maximum
    if not console.is_terminal or needed <= console.width:
        for row in wide.render_lines(table, pad=False):
            wide.print(Segments(_stripped(row)), crop=False)
        return
    titles = [Text.from_markup(f"[bold]{column.header}[/]") for column in table.columns]
    rows = zip(*(column.cells for column in table.columns), strict=True)
    for cells in (titles, *rows) if table.show_header else rows:
        texts = [Text.from_markup(one) if isinstance(one, str) else one for one in cells]
        for line in flow(texts, console.width):
            # The terminal wraps longer lines itself, so that a path is copied whole.
            console.print(line, soft_wrap=True)


def _stripped(row: list[Segment]) -> list[Segment]:
    """Return a line without trailing blanks: one long row would pad all others."""
    kept = list(row)
    while kept and not kept[-1].text.rstrip():
        kept.pop()
    if kept:
        kept[-1] = kept[-1]._replace(text=kept[-1].text.rstrip())
    return [*kept, Segment.line()]


def flow(cells: Iterable[Text], width: int) -> Iterator[Text]:
    """Arrange cells side by side on as few lines as possible."""
    line = Text()
    for word in (word for cell in cells for word in cell.split(_BETWEEN) if word.plain.strip()):
        if line.cell_len and line.cell_len + len(_BETWEEN) + word.cell_len > width:
            yield line
            line = Text(_INDENT)
        elif line.cell_len:
            line.append(_BETWEEN)
        line.append_text(word)
    yield line


def columns(rows: Sequence[Sequence[Text]], width: int) -> Iterator[Text]:
    """Arrange rows in columns; only the last column wraps if the width is too small.

    Args:
        rows: Cells, the same number in each.
        width: Maximum length of a line.
    """
    widths = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)][:-1]
    remaining = width - len(_INDENT) - sum(widths) - len(_BETWEEN) * len(widths)
    for *cells, last in rows:
        line = Text(_INDENT)
        for cell, wide in zip(cells, widths, strict=True):
            line.append_text(cell).append(" " * (wide - cell.cell_len) + _BETWEEN)
        beside = remaining >= _NARROWEST
        below = [] if beside or not last else [Text(_INDENT + _BETWEEN).append_text(last)]
        for one in (line.append_text(last) if beside else line, *below):
            one.rstrip()
            one.truncate(width, overflow="ellipsis")
            yield one
