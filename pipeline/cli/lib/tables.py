"""Tables that fit the terminal they are printed in, and lose nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from slipway.cli.lib.terminal import terminal

#: What a pipe or a file gets: each row is one line.
_WIDE = 100_000
_BETWEEN = "  "
_INDENT = "    "
#: Columns that the last cell of a row gets at least, if it stands beside the others.
_NARROWEST = 8


def print_table(table: Table) -> None:
    """Print a table; where a terminal is too narrow, each row on as many lines as it needs.

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
            # What is longer than a line is left to the terminal: so a path is copied whole.
            console.print(line, soft_wrap=True)


def _stripped(row: list[Segment]) -> list[Segment]:
    """Return a line without the blanks at its end: one long row would make every other as long."""
    kept = list(row)
    while kept and not kept[-1].text.rstrip():
        kept.pop()
    if kept:
        kept[-1] = kept[-1]._replace(text=kept[-1].text.rstrip())
    return [*kept, Segment.line()]


def flow(cells: Iterable[Text], width: int) -> Iterator[Text]:
    """Put cells one after the other on as few lines as hold them."""
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
    """Put rows one below the other; only the last column gives way where it is narrow.

    Args:
        rows: Cells, the same number in each.
        width: No line is longer.
    """
    widths = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)][:-1]
    left = width - len(_INDENT) - sum(widths) - len(_BETWEEN) * len(widths)
    for *cells, last in rows:
        line = Text(_INDENT)
        for cell, wide in zip(cells, widths, strict=True):
            line.append_text(cell).append(" " * (wide - cell.cell_len) + _BETWEEN)
        beside = left >= _NARROWEST
        below = [] if beside or not last else [Text(_INDENT + _BETWEEN).append_text(last)]
        for one in (line.append_text(last) if beside else line, *below):
            one.rstrip()
            one.truncate(width, overflow="ellipsis")
            yield one
