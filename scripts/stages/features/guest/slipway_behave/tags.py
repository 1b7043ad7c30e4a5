"""Translate tag expressions from behave's old style (v1) to the new one (v2).

Old: `--tags=~@a`, `-t -@a`, `--tags=@a,@b` (or), several `--tags` (and), `@wip:3` (a limit).
New: `--tags="not @a"`, `"@a and (@b or not @c)"`, `"@a.*"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = [
    "KEYWORDS",
    "WrongTags",
    "both",
    "expression",
    "is_new",
    "new_style",
    "notes",
    "translate",
]

KEYWORDS = {"and", "or", "not"}
#: An old-style "not" before a tag or a parenthesis of the new style.
_OLD_NOT = re.compile(r"(?:(?<=\s)|(?<=\()|^)[~-]\s*(?=[@\w(])")
#: behave's short flags without a value; argparse accepts `-t` at the end of a group of them.
_ROW = re.compile(r"^-([CdqTvw]*)t(.*)$", re.DOTALL)
_PLACEHOLDER = "{config.tags}"
#: An expression that is true for every scenario; behave would read "true" as a tag.
_ANY = "(slipway.any or not slipway.any)"


class WrongTags(ValueError):
    """A tag expression without a meaning."""


def translate(arguments: Iterable[str]) -> list[str]:
    """Return behave's arguments with their tags in the new style.

    Args:
        arguments: behave's own arguments, as typed.

    Returns:
        The same arguments if all tags are new-style already; otherwise with one new-style
        `--tags=...` in place of the first.

    Raises:
        WrongTags: `--tags` without a value, or one that names no tag.
    """
    found, rest, place = _split(list(arguments))
    if not found:
        return rest
    translated = [new_style(one) for one in found]
    if translated == found and len(found) == 1:
        return [*rest[:place], f"--tags={found[0]}", *rest[place:]]
    text = both(translated)
    ours = [f"--tags={text}"] if text else []
    return [*rest[:place], *ours, *rest[place:]]


def notes(arguments: Iterable[str]) -> list[str]:
    """Return notices about a translation: limits, which no behave counts."""
    notices = []
    for value in _split(list(arguments))[0]:
        if is_new(value):
            continue
        for name, limit in re.findall(r"@?([^,~@\s]+):(\d+)(?=\s*(?:,|$))", value):
            text = f'the limit in "@{name}:{limit}" is not counted: behave itself never did'
            notices.append(text)
    return notices


def expression(given: Iterable[str], configured: Iterable[str] = ()) -> str:
    """Combine a run's tags into one new-style expression.

    Args:
        given: The values of `--tags`, old or new.
        configured: `tags` or `default_tags` of the project's configuration, old or new.

    Returns:
        The expression; empty means every scenario.

    Raises:
        WrongTags: One of them names no tag.
    """
    ours = [one for one in given if one.strip()]
    default = both([new_style(one) for line in configured for one in _parted(line)])
    if not ours:
        return default
    return both([new_style(one) for one in ours]).replace(
        _PLACEHOLDER, f"({default or _ANY[1:-1]})"
    )


def _parted(line: str) -> list[str]:
    """Split a line of a configuration into old-style expressions: blanks mean "and" there."""
    if is_new(line):
        return [line]
    return [one for one in re.split(r"(?<!,)\s+(?!,)", line.strip()) if one]


def both(expressions: Iterable[str]) -> str:
    """Combine new-style expressions with "and"."""
    ours = [one.strip() for one in expressions if one.strip()]
    if len(ours) < 2:  # noqa: PLR2004  one needs no "and"
        return "".join(ours)
    return " and ".join(one if _is_term(one) else f"({one})" for one in ours)


def is_new(value: str) -> bool:
    """Return True if a value of `--tags` is in the new style."""
    if value.lstrip().startswith("("):
        return True
    words = re.sub(r"([()])", r" \1 ", value).split()
    return any(word in KEYWORDS for word in words)


def new_style(value: str) -> str:
    """Convert one value of `--tags` to the new style.

    Raises:
        WrongTags: It names no tag, or holds blanks without and, or, not.
    """
    if is_new(value):
        return _OLD_NOT.sub("not ", value)
    parts = [part.strip() for part in value.split(",")]
    if parts == [value] and value[:1] not in {"~", "-"} and not _limit(value):
        _check(value, value)
        return value
    terms = [_term(part, value) for part in parts if part]
    return " or ".join(terms)


def _term(part: str, value: str) -> str:
    """Convert one old-style term, such as `~@a` or `@wip:3`, to the new style."""
    negated = part[:1] in {"~", "-"}
    name = part[1:] if negated else part
    name = name.removeprefix("@")
    _check(name, value)
    text = f"@{_escape(name)}"
    limited = _limit(name)
    if limited:
        # Old behave read a limit here, new behave reads a tag of this very name.
        text = f"(@{_escape(limited)} or {text})"
    return f"not {text}" if negated else text


def _check(name: str, value: str) -> None:
    if name.strip(" @~-") == "" and value.strip():
        raise WrongTags(f'--tags="{value}" names no tag: write, for example, --tags="not @slow"')
    if len(name.split()) > 1:
        advice = " and ".join(name.split())
        raise WrongTags(f'--tags="{value}" has a blank between tags: write "{advice}" or use "or"')


def _limit(name: str) -> str:
    """Return the tag before an old-style limit; empty if there is none."""
    tag, mark, limit = name.lstrip("@").partition(":")
    return tag if mark and limit.isdigit() else ""


def _escape(name: str) -> str:
    return re.sub(r"([\\()])", r"\\\1", name)


def _is_term(text: str) -> bool:
    """Return True if an expression needs no parentheses beside an "and"."""
    words = text.split()
    return len(words) == 1 or (len(words) == 2 and words[0] == "not")  # noqa: PLR2004


def _split(arguments: list[str]) -> tuple[list[str], list[str], int]:
    """Return the values of `--tags`, the other arguments, and the index of the first `--tags`."""
    found: list[str] = []
    rest: list[str] = []
    place = -1
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
            break
        row = None if argument.startswith("--") else _ROW.match(argument)
        if argument != "--tags" and not argument.startswith("--tags=") and row is None:
            rest.append(argument)
            continue
        if row is not None and row.group(1):
            rest.append(f"-{row.group(1)}")
        place = len(rest) if place < 0 else place
        found.append(_value(argument, row, waiting))
    return found, rest, max(place, 0)


def _value(argument: str, row: re.Match[str] | None, waiting: Iterable[str]) -> str:
    if row is not None and row.group(2):
        return row.group(2).removeprefix("=")
    if row is None and "=" in argument:
        return argument.partition("=")[2]
    for value in waiting:
        return value
    raise WrongTags(f'{argument} has no value: write, for example, {argument} "not @slow"')
