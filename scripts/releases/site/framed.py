"""Put a page that a worker made into a page of the master's, in which it can do nothing."""

from __future__ import annotations

from markupsafe import escape

from slipway.html import templates

__all__ = ["FREEZE_REPORT", "LARGEST", "framed_page"]

#: What the name of a freeze stage's page ends with.
FREEZE_REPORT = "-freeze.html"
#: Bytes of a page that a release carries.
LARGEST = 8 << 20


def framed_page(title: str, content: bytes) -> str:
    """Return a page that shows another one, and lets nothing of it run.

    Pure: the same content makes the same bytes.

    Args:
        title: The page's title.
        content: The other page, in UTF-8, as anybody may have made it.
    """
    text = content.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    # Escaped here: its lines stay lines, which those of other values do not.
    return templates.render(
        "slipway.scripts.releases.site/framed.html.j2", title=title, content=escape(text)
    )
