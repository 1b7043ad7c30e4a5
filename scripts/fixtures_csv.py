"""CSV as rows and, where PostgreSQL would read the same, as the very bytes of the file."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from slipway.model.errors import WrongInput

#: Bytes per chunk: large enough for speed, small enough for the processor's cache.
BLOCK = 1 << 17
#: A record longer than this is a quote that nobody closed.
LONGEST = 1 << 26
_BOM = b"\xef\xbb\xbf"
_QUOTED = re.compile(rb'"[^"]*"')
_STRAY = re.compile(rb'[^",\n]"|"[^",\n]')


@dataclass(frozen=True)
class Batch:
    """Some rows of a file, column by column."""

    names: tuple[str, ...]
    columns: Sequence[Sequence[Any]]
    first: int
    """The number of the first row in the file, from 0."""
    line: int
    """The line the first row is on."""
    raw: bytes | None = None
    """CSV that PostgreSQL reads as these same rows. None: it would not."""
    typed: bool = False
    """True: values have types of their own. False: they are texts, and an empty one is NULL."""

    @property
    def size(self) -> int:
        """The number of rows."""
        return len(self.columns[0]) if self.columns else (self.raw or b"").count(b"\n")


def read(path: Path, shown: str, *, parse: bool = True) -> Iterator[Batch]:
    """Read a CSV file with a header.

    Args:
        path: The file.
        shown: What error sentences call it.
        parse: False: rows are not wanted where the bytes will do.

    Raises:
        WrongInput: It is not CSV in UTF-8, or a row has another number of fields than the header.
    """
    csv.field_size_limit(LONGEST)
    names: tuple[str, ...] | None = None
    first, line = 0, 1
    with path.open("rb") as stream:
        for block in _blocks(stream):
            if not parse and names and _is_plain(block):
                batch = Batch(names, (), first, line, block)
                yield batch
                first, line = first + batch.size, line + batch.size
                continue
            rows = _parse(block, shown, line)
            start = line
            if names is None:
                names, rows, header = _take_header(rows, shown)
                start, block = line + header, _without_lines(block, header)  # noqa: PLW2901
            whole = set(map(len, rows)) <= {len(names)}
            kept = rows if whole else _check_widths(rows, names, shown, path, first)
            if kept:
                raw = block if whole else None
                yield _batch(names, kept, first, start, raw, shown)
            first += len(kept)
            line += block.count(b"\n") + start - line


def _batch(
    names: tuple[str, ...],
    rows: list[list[str]],
    first: int,
    line: int,
    raw: bytes | None,
    shown: str,
) -> Batch:
    columns = list(zip(*rows, strict=True))
    return Batch(names, columns, first, line, _passable(raw, shown, line) if raw else None)


def _is_plain(block: bytes) -> bool:
    """Whether a block needs no look at its fields before PostgreSQL reads it."""
    odd = (b'"', b"\r", b"\\.", b"\0", b"\n\n")
    return not (block.startswith(b"\n") or any(sign in block for sign in odd))


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Cut a file at line ends that no quotes enclose."""
    rest = stream.read(len(_BOM)).removeprefix(_BOM)
    while block := stream.read(BLOCK):
        rest += block
        cut = _cut(rest) if len(rest) < LONGEST else len(rest)
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest if rest.endswith(b"\n") else rest + b"\n"


def _cut(block: bytes) -> int:
    """Return where the last whole record ends, or 0."""
    end = block.rfind(b"\n") + 1
    quotes = block.count(b'"', 0, end)
    while quotes % 2:
        before = block.rfind(b"\n", 0, end - 1) + 1
        quotes -= block.count(b'"', before, end)
        end = before
    return end


def _parse(block: bytes, shown: str, line: int) -> list[list[str]]:
    try:
        text = block.decode()
    except UnicodeDecodeError as error:
        at = line + block.count(b"\n", 0, error.start)
        msg = f"{shown}:{at}: byte 0x{block[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise WrongInput(msg) from None
    if "\0" in text:
        at = line + text.count("\n", 0, text.index("\0"))
        msg = f"{shown}:{at}: holds a NUL character, which no database takes; remove it"
        raise WrongInput(msg)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        said = "a quoted field is not closed" if "end of data" in str(error) else str(error)
        at = line + _lines_before_fault(text)
        msg = f'{shown}:{at}: {said}; put a field in quotes whole and write " in it as ""'
        raise WrongInput(msg) from None


def _lines_before_fault(text: str) -> int:
    """Return how many lines precede the record that cannot be read."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begun = 0
    with contextlib.suppress(csv.Error):
        for _ in reader:
            begun = reader.line_num
    return begun


def _take_header(rows: list[list[str]], shown: str) -> tuple[tuple[str, ...], list[list[str]], int]:
    """Split the header off; it must be on the first line, as one line."""
    names = tuple(name.strip() for name in rows[0]) if rows else ()
    if not any(names):
        msg = f"{shown}:1: the first line must name the columns, but it is empty"
        raise WrongInput(msg)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f'{shown}:1: column "{twice[0]}" is named twice; name each once'
        raise WrongInput(msg)
    return names, rows[1:], 1 + sum(name.count("\n") for name in rows[0])


def _without_lines(block: bytes, lines: int) -> bytes:
    for _ in range(lines):
        block = block[block.index(b"\n") + 1 :]
    return block


def _check_widths(
    rows: list[list[str]], names: tuple[str, ...], shown: str, path: Path, first: int
) -> list[list[str]]:
    """Leave blank lines out; every other row must be as wide as the header."""
    kept = [row for row in rows if row]
    for offset, row in enumerate(kept):
        if len(row) != len(names):
            msg = (
                f"{shown}:{line_of(path, first + offset)}: has {len(row)} fields, but the header "
                f"names {len(names)} columns ({', '.join(names)})"
            )
            raise WrongInput(msg)
    return kept


def _passable(block: bytes, shown: str, line: int) -> bytes | None:
    """Return the bytes for PostgreSQL's COPY, or None where it reads CSV otherwise than Python."""
    if b"\r" in block:
        if b'"' in block or block.count(b"\r") != block.count(b"\r\n"):
            _check_quotes(block.replace(b"\r\n", b"\n"), shown, line)
            return None
        block = block.replace(b"\r\n", b"\n")
    if b'"' in block:
        _check_quotes(block, shown, line)
    # A line of "\." ended the data before PostgreSQL 18.
    return None if b"\\." in block else block


def _check_quotes(block: bytes, shown: str, line: int) -> None:
    """Refuse a quote inside an unquoted field: Python and PostgreSQL read on differently there."""
    bare = _QUOTED.sub(lambda found: b'""' + b"\n" * found[0].count(b"\n"), block)
    simple = _QUOTED.sub(b'""', block)
    if found := _STRAY.search(simple):
        near = simple[max(0, found.start() - 20) : found.end()].rsplit(b"\n", 1)[-1]
        at = bare.find(near)
        lines = bare.count(b"\n", 0, at) if at >= 0 else 0
        msg = (
            f'{shown}:{line + lines}: a quote inside a field; quote the field whole, write " as ""'
        )
        raise WrongInput(msg)


def line_of(path: Path, record: int) -> int:
    """Return the line a record begins on."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        reader = csv.reader(stream)
        next(reader)
        begun = reader.line_num
        for row in reader:
            if row:
                if record == 0:
                    break
                record -= 1
            begun = reader.line_num
        return begun + 1
