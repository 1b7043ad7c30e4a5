"""Put a page that a worker made into a page of the master's, in which it can do nothing."""

from __future__ import annotations

import html

__all__ = ["FREEZE_REPORT", "LARGEST", "framed_page"]

#: What the name of a freeze stage's page ends with.
FREEZE_REPORT = "-freeze.html"
#: Bytes of a page that a release carries.
LARGEST = 8 << 20

# The frame's sandbox allows nothing: no script, no form, no way out of the frame. Its content
# inherits the policy of the page around it, so that it fetches nothing, either.
_PAGE = """<!doctype html>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>html, body {{ height: 100%; margin: 0 }} \
iframe {{ border: 0; width: 100%; height: 100%; display: block }}</style>
<iframe sandbox title="{title}" srcdoc="{content}"></iframe>
"""


def framed_page(title: str, content: bytes) -> str:
    """Return a page that shows another one, and lets nothing of it run.

    Pure: the same content makes the same bytes.

    Args:
        title: The page's title.
        content: The other page, in UTF-8, as anybody may have made it.
    """
    text = content.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return _PAGE.format(title=html.escape(title), content=html.escape(text))
