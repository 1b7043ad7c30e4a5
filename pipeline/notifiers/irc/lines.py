"""Write a notice as lines of IRC: plain, short, and no command whatever it holds."""

from __future__ import annotations

from collections.abc import Iterable

from slipway.model.notices.notice import Notice

__all__ = ["LONGEST", "MOST_LINES", "answer_lines", "lines_of"]

#: Bytes of a line's text. With its prefix a line has 512 at most (RFC 2812, section 2.3).
LONGEST = 400
MOST_LINES = 6
_MORE = "..."


def lines_of(notice: Notice) -> list[str]:
    """Return a notice in lines: what and why with its address; of a digest the first titles."""
    words = notice.title if not notice.text else f"{notice.title}: {notice.text}"
    lines = [_fitting(words, notice.url)]
    shown = notice.notices[: MOST_LINES - 2]
    lines += [_fitting(f"  {one.title}", "") for one in shown]
    left_out = len(notice.notices) - len(shown) + notice.left_out
    if left_out > 0:
        lines.append(f"  and {left_out} more")
    return lines


def answer_lines(nick: str, lines: Iterable[str]) -> list[str]:
    """Return the lines of an answer, the first with the name of who asked."""
    first, *rest = [*lines][:MOST_LINES] or [""]
    return [_fitting(f"{nick}: {first}", ""), *(_fitting(f"  {one}", "") for one in rest)]


def _fitting(words: str, url: str) -> str:
    """Return a line that is short enough; its address stays whole, if it can."""
    words, url = _plain(words), _plain(url)
    if len(url.encode()) > LONGEST // 2:
        url = ""
    end = f" {url}" if url else ""
    most = LONGEST - len(end.encode())
    data = words.encode()
    if len(data) > most:
        words = data[: most - len(_MORE)].decode("utf-8", "ignore").rstrip() + _MORE
    return f"{words}{end}"


def _plain(text: str) -> str:
    """Return a text without control characters: colours, CTCP and ends of lines are some."""
    return "".join(char if char >= " " and char != "\x7f" else " " for char in text)
