"""Render release notes: Markdown of committers and editors, of which nothing acts in a page."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt
from markupsafe import Markup

from slipway.html.templates import clean, is_link

__all__ = ["MOST_CHARACTERS", "notes_html"]

#: Longer notes are cut in pages and feeds; release.json has them whole.
MOST_CHARACTERS = 50_000
#: Headings of notes stand below that of their part of the page.
_FIRST, _LAST = 3, 6


def notes_html(text: str) -> Markup:
    """Return notes as HTML: headings, lists, emphasis, code and links; no HTML, no pictures."""
    shown = text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} …"
    lines = (clean(line.expandtabs(4)) for line in shown.split("\n"))
    reader = _reader()
    tokens = reader.parse("\n".join(lines))
    headings = [one for one in tokens if one.type in {"heading_open", "heading_close"}]
    ranks = sorted({one.tag for one in headings})
    for one in headings:
        one.tag = f"h{min(_FIRST + ranks.index(one.tag), _LAST)}"
    made = reader.renderer.render(tokens, reader.options, {})
    return Markup(made)  # noqa: S704  it escapes every text, and takes no HTML


@cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).disable(["image", "html_block"])
    reader.validateLink = is_link  # type: ignore[method-assign, assignment]
    return reader
