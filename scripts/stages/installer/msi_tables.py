"""Change the tables of an MSI package that wixl has made, by msibuild, and its times."""

from __future__ import annotations

import io
import mmap
import re
from pathlib import Path

from slipway.model.errors import StageFailed
from slipway.scripts.stages.installer.tools import run_tool

__all__ = ["Texts", "set_times", "write_code_page", "write_tables"]

#: A time in a summary: its type, and what wixl writes, 100 nanoseconds since 1601 in whole seconds.
_FILETIME = re.compile(rb"\x40\0\0\0(.{8})", re.DOTALL)
_SECOND, _SINCE_1601 = 10_000_000, 11_644_473_600
_TIMES = 2
#: Seconds that the making of a package may take, and more.
_LONGEST = 4000

#: By table and column: the text of each row, by the row's key.
Texts = dict[tuple[str, str], dict[str, str]]


def write_code_page(work: Path) -> str:
    """Write the table that has all texts of a package kept in UTF-8; return its file's name."""
    file = work / "codepage.idt"
    file.write_text("\r\n\r\n65001\t_ForceCodepage\r\n", "ascii", newline="")
    return file.name


def write_tables(texts: Texts, msiinfo: str, package: Path, epoch: int) -> list[str]:
    """Write a package's tables anew, with the texts of the product; return their names.

    Args:
        texts: By table and column, the text of each row by its key.
        msiinfo: The program that prints tables.
        package: The package; the files are written beside it.
        epoch: The commit's time.
    """
    work = package.parent
    for (table, column), rows in texts.items():
        printed = io.StringIO()
        run_tool([msiinfo, "export", package.name, table], work, epoch, printed.write)
        head, *others = printed.getvalue().splitlines()
        place = head.split("\t").index(column)
        lines = [head, *(_replaced(line, place, rows) for line in others)]
        text = "".join(f"{line}\r\n" for line in lines)
        (work / f"{table}.idt").write_text(text, "utf-8", newline="")
    return [table for table, _ in texts]


def _replaced(line: str, place: int, rows: dict[str, str]) -> str:
    cells = line.split("\t")
    if (text := rows.get(cells[0])) is not None:
        cells[place] = text
    return "\t".join(cells)


def set_times(package: Path, epoch: int) -> None:
    """Replace the times of the summary, which wixl takes from the clock, by the commit's.

    Raises:
        StageFailed: They are not where they should be.
    """
    wanted = ((epoch + _SINCE_1601) * _SECOND).to_bytes(8, "little")
    newest = package.stat().st_mtime + 1
    with package.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as content:
        found = [
            match.start(1)
            for match in _FILETIME.finditer(content)
            if _is_now(int.from_bytes(match[1], "little"), newest)
        ]
        if len(found) != _TIMES:
            msg = (
                f"{package.name} cannot be made reproducible: its times are not where wixl has them"
            )
            raise StageFailed(msg)
        for place in found:
            content[place : place + 8] = wanted


def _is_now(filetime: int, newest: float) -> bool:
    seconds, rest = divmod(filetime, _SECOND)
    return not rest and newest - _LONGEST < seconds - _SINCE_1601 < newest
