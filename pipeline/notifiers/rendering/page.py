"""Write a notice as a page of its own: no script, nothing is fetched, every text is escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from markupsafe import Markup

from slipway.html import pictures, templates
from slipway.model.notices.events import Mood
from slipway.model.notices.notice import Notice
from slipway.notifiers.rendering.text import facts_of, moment

__all__ = ["as_page"]

_TEMPLATE = "slipway.notifiers.rendering/notice.html.j2"
_COLOURS: Mapping[Mood, str] = {
    Mood.GOOD: "passed",
    Mood.BAD: "failed",
    Mood.WAITS: "gate",
    Mood.PLAIN: "quiet",
}
_MOST_BYTES = 500_000


def as_page(
    notice: Notice,
    *,
    site: str = "Slipway",
    rules_url: str = "",
    read_artefact: Callable[[str, int], bytes] = lambda *_: b"",
) -> str:
    """Return a notice as an HTML page.

    Args:
        notice: The notice.
        site: The site's title.
        rules_url: The address of the page with a person's rules. Empty: none is shown.
        read_artefact: Reads a picture, given its hash and the most bytes it may have.
    """
    shown: list[tuple[str, Markup]] = []
    for one in notice.pictures:
        source = pictures.source(read_artefact(one.sha256, _MOST_BYTES))
        if source is not None:
            shown.append((one.name, source))
    return templates.render(
        _TEMPLATE,
        notice=notice,
        facts=facts_of(notice),
        colour=_COLOURS[notice.mood],
        moment=moment,
        site=site,
        rules_url=rules_url,
        pictures=shown,
    )
