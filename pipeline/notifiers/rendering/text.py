"""Write a notice as plain text, in lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from slipway.model.notices.notice import Notice

__all__ = ["as_text", "facts_of", "moment"]

_INDENT = "    "


def as_text(notice: Notice) -> str:
    """Return a notice as plain text: its title, why, the facts, tests, logs, and the address."""
    parts = ["\n".join(_top(notice))]
    parts += ["\n".join(f"{label}: {value}" for label, value in facts_of(notice))]
    parts += ["\n".join(_tests(notice))]
    parts += [f"The end of the log of {one.stage}:\n{_indented(one.text)}" for one in notice.logs]
    parts += ["\n".join(_told(notice)), notice.url]
    return "\n\n".join(part for part in parts if part) + "\n"


def facts_of(notice: Notice) -> list[tuple[str, str]]:
    """Return the facts of a notice under their labels, without those that it does not have."""
    who = ", ".join(_blamed(notice))
    found = [
        ("Commit", f"{notice.revision[:10]} {notice.subject}".strip()),
        ("Author", notice.author),
        ("Since the last good run", who),
        ("Environment", notice.environment),
        ("By", notice.person),
        ("Comment", " ".join(notice.comment.split())),
        *((f"Answer {name}", value) for name, value in notice.values.items()),
        ("Approvals", _approvals(notice)),
        *(("Place", place) for place in notice.places),
        ("When", moment(notice.at)),
    ]
    return [(label, value) for label, value in found if value]


def moment(at: float) -> str:
    """Return a time for people, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _top(notice: Notice) -> Iterator[str]:
    yield notice.title
    if notice.text:
        yield notice.text


def _blamed(notice: Notice) -> Iterator[str]:
    for one in notice.blamed:
        more = f" ({one.commits} commits)" if one.commits > 1 else ""
        yield f"{one.name}{more}"


def _approvals(notice: Notice) -> str:
    found = notice.approvals
    if found is None or not found.needed:
        return ""
    given = f", given by {', '.join(found.given)}" if found.given else ""
    roles = f"; may approve: {', '.join(found.roles)}" if found.roles and found.missing else ""
    return f"{found.missing} of {found.needed} are missing{given}{roles}"


def _tests(notice: Notice) -> Iterator[str]:
    if not notice.tests:
        return
    yield f"{notice.tests_failed or len(notice.tests)} failed:"
    for one in notice.tests:
        yield f"  {one.name}{f' ({one.place})' if one.place else ''}"
        if one.message:
            yield _indented(one.message)
    left_out = notice.tests_failed - len(notice.tests)
    if left_out > 0:
        yield f"  and {left_out} more"


def _told(notice: Notice) -> Iterator[str]:
    for one in notice.notices:
        yield f"{moment(one.at)}  {one.title}\n{_INDENT}{one.url}"
    if notice.left_out:
        yield f"and {notice.left_out} more"


def _indented(text: str) -> str:
    return "\n".join(f"{_INDENT}{line}".rstrip() for line in text.split("\n"))
