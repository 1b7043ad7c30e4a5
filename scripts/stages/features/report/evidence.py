"""Render evidence in a report: pictures, pages and texts, without scripts or network access."""

from __future__ import annotations

import re
from pathlib import Path

from markupsafe import Markup, escape

from slipway.html import pictures, templates
from slipway.html.terminal import lines
from slipway.scripts.humanize import count_text, size_text
from slipway.scripts.stages.features.results import EvidenceFile

__all__ = ["EvidenceShelf", "end_of"]

_ROOM = "slipway.scripts.stages.features.report"
_PICTURES = {"image/png", "image/jpeg"}
_TEXTS = {"application/json", "application/xml", "application/x-ndjson"}
_LARGEST_PAGE = 5_000_000
_LONGEST_TEXT = 100_000
_WIDEST = 1 << 16
_CUT = "[the beginning is left out]"
#: Characters that HTML forbids even in attributes; line breaks and tabs are allowed.
_FORBIDDEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Character tables only: some of Python's other codecs take a minute for a long page.
_CHARSET = re.compile(
    rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*(iso-8859-\d{1,2}|windows-125\d|koi8-[ru]|shift_jis"
    rb"|euc-jp|euc-kr|gbk|gb2312|gb18030|big5)\b",
    re.IGNORECASE,
)


def end_of(text: str, longest: int = _LONGEST_TEXT) -> Markup:
    """Render the end of a text of several lines for <pre>.

    Args:
        text: The text; terminal colours are removed.
        longest: Number of characters to keep.
    """
    if len(text) <= longest:
        return lines(text)
    # The rest of a truncated line would look like a line of its own.
    kept = text[-longest:].partition("\n")[2] or text[-longest:]
    return lines(f"{_CUT}\n{kept}")


class EvidenceShelf:
    """A renderer of files as HTML, until the report has reached its limit."""

    def __init__(self, limit_bytes: int) -> None:
        """Start with an empty report.

        Args:
            limit_bytes: Limit of the evidence in the report, in bytes as written there.
        """
        self._macros = templates.macros(f"{_ROOM}/evidence.html.j2")
        self._render = self._macros.remark
        self._limit = limit_bytes
        self._remaining = limit_bytes
        self._omitted: list[str] = []

    def omission_sentence(self) -> str:
        """Return a sentence on the evidence omitted so far; empty if there is none."""
        if not self._omitted:
            return ""
        number = count_text(len(self._omitted), "piece")
        verb = "is" if len(self._omitted) == 1 else "are"
        return (
            f"{number} of evidence of later scenarios {verb} left out, among them "
            f"{self._omitted[0]}: the evidence in one report may take {size_text(self._limit)}."
        )

    def pictures(self, files: tuple[EvidenceFile, ...], of: str) -> Markup:
        """Render the pictures among an attempt's files; each is enlarged by a click.

        Args:
            files: An attempt's evidence.
            of: Alternative text, for screen readers.
        """
        return Markup().join(
            self._picture(file, of) for file in files if file.media_type in _PICTURES
        )

    def texts(self, files: tuple[EvidenceFile, ...]) -> Markup:
        """Render all files except pictures: saved pages and texts, folded."""
        return Markup().join(self._text(file) for file in files if file.media_type not in _PICTURES)

    def _picture(self, file: EvidenceFile, of: str) -> Markup:
        data = self._read(file, self._remaining * 3 // 4)
        if isinstance(data, Markup):
            return data
        source = pictures.source(data)
        if source is None:
            return self._render(f"{file.name} is no PNG or JPEG picture and cannot be shown.")
        self._remaining -= len(source)
        return self._macros.shot(file.name, of, source, _measures(data))

    def _text(self, file: EvidenceFile) -> Markup:
        is_page = file.media_type.partition(";")[0].strip() in {
            "text/html",
            "application/xhtml+xml",
        }
        if (
            not is_page
            and not file.media_type.startswith("text/")
            and file.media_type not in _TEXTS
        ):
            return self._render(
                f"{file.name} ({file.media_type}) is of a kind that is not shown here."
            )
        # The end of a text suffices; a truncated page would show something else.
        most = min(self._remaining, _LARGEST_PAGE) if is_page else None
        data = self._read(file, most)
        if isinstance(data, Markup):
            return data
        text, read_as = _decoded(data, file)
        if is_page:
            source = escape(_FORBIDDEN.sub(" ", text.replace("\r\n", "\n")))
            inner = self._macros.page(source)
        else:
            inner = self._macros.plain(end_of(text))
        if len(inner) > self._remaining:
            return self._omit(file, len(data))
        self._remaining -= len(inner)
        remark = f", not UTF-8: read as {read_as}" if read_as else ""
        return self._macros.text(file.name, size_text(len(data)), remark, inner)

    def _read(self, file: EvidenceFile, most: int | None) -> bytes | Markup:
        """Return a file's bytes, only its end if `most` is None; or HTML with the reason."""
        try:
            if not file.path.is_file():
                return self._render(
                    f"{file.name} is missing: it was gone when this report was written."
                )
            size = file.path.stat().st_size
            if size == 0:
                return self._render(f"{file.name} is empty (0 bytes).")
            if most is not None and size > most:
                return self._omit(file, size)
            return _end(file.path, size) if most is None else file.path.read_bytes()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            return self._render(f"{file.name} cannot be read: {why}.")

    def _omit(self, file: EvidenceFile, size: int) -> Markup:
        self._omitted.append(file.name)
        if size > _LARGEST_PAGE and file.media_type not in _PICTURES:
            limit = f"one file may take {size_text(_LARGEST_PAGE)} here"
        else:
            limit = f"the evidence in one report may take {size_text(self._limit)}"
        return self._render(f"{file.name} ({size_text(size)}) is left out: {limit}.")


def _end(path: Path, size: int) -> bytes:
    """Return the last lines of a file, more than are shown."""
    start = max(0, size - 4 * _LONGEST_TEXT - 1)
    with path.open("rb") as stream:
        stream.seek(start)
        data = stream.read(4 * _LONGEST_TEXT + 1)
    # A cut within a multi-byte character would make the whole text invalid UTF-8.
    return data.partition(b"\n")[2] or data if start else data


def _decoded(data: bytes, file: EvidenceFile) -> tuple[str, str]:
    """Decode a text; return its encoding, too, unless it is UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace"), "UTF-16"
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        named = _CHARSET.search(data[:4096]) if "html" in file.media_type else None
        name = named[1].decode() if named else "windows-1252"
        try:
            return data.decode(name, errors="replace"), name
        except LookupError:
            return data.decode("windows-1252", errors="replace"), "windows-1252"


def _measures(data: bytes) -> tuple[int, int] | None:
    """Return a PNG's width and height, so that the layout is stable while it loads."""
    if data[12:16] != b"IHDR" or len(data) < 24:  # noqa: PLR2004  where PNG has its header
        return None
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    return (width, height) if 0 < width < _WIDEST and 0 < height < _WIDEST else None
