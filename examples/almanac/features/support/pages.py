"""Where things are on a page: XPath that lxml and browsers both understand."""

from __future__ import annotations


def quoted(text: str) -> str:
    """Return `text` as an XPath string."""
    if "'" not in text:
        return f"'{text}'"
    parts = ', "\'", '.join(f"'{part}'" for part in text.split("'"))
    return f"concat({parts})"


def named(tag: str, name: str) -> str:
    """Find an element by its text or its aria-label."""
    wanted = quoted(name)
    return f"//{tag}[normalize-space() = {wanted} or @aria-label = {wanted}]"


def field(label: str) -> str:
    """Find a form field by its label."""
    return f"//*[@id = //label[normalize-space() = {quoted(label)}]/@for]"


def problem(label: str) -> str:
    """Find the message that belongs to a field."""
    return f"//*[@id = {field(label)}/@aria-describedby]"


APPOINTMENTS = "//ol[@class = 'appointments']/li"
