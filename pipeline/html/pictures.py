"""Embed pictures in a page as data URLs; nothing is fetched, and only pictures are accepted."""

from __future__ import annotations

import base64

from markupsafe import Markup

__all__ = ["source"]

_MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
#: A multiple of 4, so that each line ends with a complete base64 group.
_LINE = 4_000


def source(data: bytes, *, in_lines: bool = False) -> Markup | None:
    """Return a picture as the `src` of an image; None if the data starts like no PNG and no JPEG.

    Args:
        data: The file's bytes.
        in_lines: Insert line breaks, for a log that splits long lines.
    """
    kind = next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)
    if kind is None:
        return None
    text = base64.b64encode(data).decode("ascii")
    if in_lines:
        cut = (text[at : at + _LINE] for at in range(0, len(text), _LINE))
        text = "\n" + "\n".join(cut)
    return Markup(f"data:{kind};base64,{text}")  # noqa: S704  letters and digits alone
