"""Pieces of HTML: every text is escaped on its way in."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from slipway.html.theme import STYLE

_WIDE = ' class="wide"'
_HASH = 'class="hash"'


def e(text: object) -> str:
    """Return a text as it may stand in HTML, also inside an attribute."""
    # Control characters are not allowed in HTML at all.
    return escape("".join(sign if sign.isprintable() else " " for sign in str(text)))


def link(target: str, text: str) -> str:
    """Return a link to a file or folder beside the page."""
    # "./" keeps a name like "data:x" from being read as another kind of address.
    return f'<a href="./{quote(target)}">{e(text)}</a>'


def section(title: str, body: str) -> str:
    """Return a part of a page under a heading of its own."""
    key = title.lower().replace(" ", "-")
    return (
        f'<section aria-labelledby="{e(key)}"><h2 id="{e(key)}">{e(title)}</h2>\n{body}</section>\n'
    )


def facts(pairs: list[tuple[str, str]], kind: str = "facts") -> str:
    """Return labels with values as a list; the values are HTML already."""
    if kind == "small":
        rows = "".join(f"<dt>{e(label)}</dt><dd>{value}</dd>\n" for label, value in pairs)
    else:
        # A hash gets a line of its own; cut in two nobody can compare it.
        rows = "".join(
            f"<div{_WIDE if _HASH in value else ''}><dt>{e(label)}</dt><dd>{value}</dd></div>\n"
            for label, value in pairs
        )
    return f'<dl class="{kind}">\n{rows}</dl>\n'


def page(title: str, header: str, body: str, footer: str) -> str:
    """Return a whole page that needs no other file."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{e(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
{header}</header>
<main>
{body}</main>
<footer>
{footer}</footer>
</body>
</html>
"""
