"""Texts of notices for chats, in which nobody is called by what people write in commits."""

from __future__ import annotations

import re

from slipway.model.notices.notice import Notice
from slipway.notifiers.rendering.text import as_text

__all__ = ["quiet", "texts_of"]

_JOINER = "\N{WORD JOINER}"
#: The beginning of what calls people: "@everyone" and "@ann", but not that within an address;
#: "<@U123>" and "<!channel>", as Slack and Discord have them.
_CALLS = re.compile(r"(?<![\w.+-])@(?=[\w!&])|<(?=[@!#])")


def texts_of(notice: Notice) -> tuple[str, str]:
    """Return the title and the text of a notice; the address of its page is in neither."""
    lines = as_text(notice.model_copy(update={"url": ""})).split("\n")
    return quiet(notice.title), quiet("\n".join(lines[1:]).strip("\n"))


def quiet(text: str) -> str:
    """Return a text that calls nobody in any chat; it looks as before."""
    return _CALLS.sub(lambda found: f"{found[0]}{_JOINER}", text)
