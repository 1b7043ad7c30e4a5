"""Write release notes from the subjects of commits: grouped by plain rules, in Markdown.

A subject that follows Conventional Commits is read by its type, any other by its first word.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from slipway.model.commit import Change
from slipway.model.parameter.characters import MOST_MARKS, is_refused

__all__ = ["MOST_CHARACTERS", "notes_text"]

#: The notes are at most about this long; the rest is counted.
MOST_CHARACTERS = 20_000
_MOST_NAMES = 30
_LONGEST_NAME = 80
_SHOWN_HASH = 10
_BREAKING, _SECURITY, _ADDED, _CHANGED = "Breaking changes", "Security", "Added", "Changed"
_DEPRECATED, _REMOVED, _FIXED = "Deprecated", "Removed", "Fixed"
_ORDER = (_BREAKING, _SECURITY, _ADDED, _CHANGED, _DEPRECATED, _REMOVED, _FIXED)
_CONVENTIONAL = re.compile(
    r"(?P<type>[A-Za-z]{2,10})(?:\((?P<scope>[^()]{1,50})\))?(?P<breaking>!)?: +(?P<text>\S.*)"
)
#: The groups of Conventional Commits' types; None: of no interest to users.
_TYPES: dict[str, str | None] = {
    "feat": _ADDED,
    "fix": _FIXED,
    "perf": _CHANGED,
    "revert": _CHANGED,
    "security": _SECURITY,
    **dict.fromkeys(("build", "chore", "ci", "docs", "refactor", "style", "test", "tests", "wip")),
}
#: The groups of first words, in their plain form.
_WORDS = {
    **dict.fromkeys(("add", "allow", "implement", "introduce", "provide", "support"), _ADDED),
    **dict.fromkeys(("avoid", "correct", "fix", "prevent", "repair", "resolve"), _FIXED),
    **dict.fromkeys(("delete", "drop", "remove"), _REMOVED),
    "deprecate": _DEPRECATED,
}
_NO_CHANGE = re.compile(
    r"(?:fixup|squash|amend)! |merge (?:branch|pull request|remote-tracking|tag) |"
    r"bump (?:the )?version|(?:release|version) v?\d|v?\d+\.\d+(?:\.\d+)?$",
    re.IGNORECASE,
)
_REVERT = re.compile(r'revert:? "(?P<subject>.+)"\.?$', re.IGNORECASE)
_VULNERABILITY = re.compile(r"\bCVE-\d{4}-\d+|\bvulnerabilit", re.IGNORECASE)
_FIRST_NUMBER = re.compile(r"(\d+)([.)])")
#: What would begin a link, HTML or an escape in Markdown.
_MARKUP = re.compile(r"[\\\[\]<]")


def notes_text(changes: Sequence[Change]) -> str:
    """Return the notes of a release, as a text that a gate's dialog can show and a person edit.

    Args:
        changes: The commits since the release before, the newest first, without merges.
    """
    groups: dict[str, list[str]] = {}
    for change in _kept(changes):
        group, line = _line(change)
        if group is not None and line not in groups.setdefault(group, []):
            groups[group].append(line)
    parts = list(_parts(groups))
    return "\n\n".join([*parts, *_people(changes)]) + "\n" if parts else ""


def _parts(groups: dict[str, list[str]]) -> Iterator[str]:
    room = MOST_CHARACTERS
    for title in _ORDER:
        shown = []
        for line in groups.get(title, ()):
            room -= len(line) + 1
            if room < 0:
                break
            shown.append(line)
        left = len(groups.get(title, ())) - len(shown)
        if left:
            shown.append(f"- and {left} more")
        if shown:
            yield f"## {title}\n\n" + "\n".join(shown)


def _kept(changes: Iterable[Change]) -> list[Change]:
    """Return the changes without reverts of others among them, and without what they revert."""
    undone: Counter[str] = Counter()
    kept = []
    for change in changes:
        subject = change.subject.strip()
        if undone[subject]:
            undone[subject] -= 1
            continue
        if found := _REVERT.match(subject):
            undone[found["subject"]] += 1
        kept.append(change)
    # What is left in the counter was reverted, but came before: its revert is a change.
    reverted = Counter({one: undone[one] for one in undone})
    return [one for one in kept if not _is_spent(one, reverted)]


def _is_spent(change: Change, left: Counter[str]) -> bool:
    found = _REVERT.match(change.subject.strip())
    if found is None:
        return False
    if left[found["subject"]]:
        left[found["subject"]] -= 1
        return False
    return True


def _line(change: Change) -> tuple[str | None, str]:
    """Return the group of a change and its line; the group is None if it is left out."""
    subject = _plain(change.subject)
    found = _CONVENTIONAL.match(subject)
    kind = found["type"].lower() if found else ""
    scope, text = "", subject
    if found and kind in _TYPES:
        scope = f"**{_escaped(found['scope'])}:** " if found["scope"] else ""
        text = found["text"][:1].upper() + found["text"][1:]
        group = _BREAKING if found["breaking"] or change.breaking else _TYPES[kind]
    elif not subject or _NO_CHANGE.match(subject):
        group = None
    else:
        group = _BREAKING if change.breaking else _by_words(subject)
    if group is not None and group != _BREAKING and _VULNERABILITY.search(subject):
        group = _SECURITY
    return group, f"- {scope}{_escaped(text)} ({change.revision[:_SHOWN_HASH]})"


def _by_words(subject: str) -> str:
    word = subject.split(" ", 1)[0].strip(":").lower()
    for form in (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ed")):
        if form in _WORDS:
            return _WORDS[form]
        if form + "e" in _WORDS:
            return _WORDS[form + "e"]
    # "dropped", "permitted"
    short = word.removesuffix("ed")
    return _WORDS.get(short[:-1], _CHANGED) if short[-2:-1] == short[-1:] else _CHANGED


def _people(changes: Sequence[Change]) -> list[str]:
    names = Counter(_plain(one.author)[:_LONGEST_NAME].strip() for one in changes)
    names.pop("", None)
    listed = [_escaped(name) for name, _ in names.most_common(_MOST_NAMES)]
    if not listed:
        return []
    left = len(names) - len(listed)
    return [f"By {', '.join(listed)}" + (f" and {left} more." if left else ".")]


def _escaped(text: str) -> str:
    """Return a text as Markdown that shows it, and begins no list, heading or link."""
    made = _MARKUP.sub(lambda found: "\\" + found[0], text)
    if made[:1] in "#>-+*=_~`|":
        return "\\" + made if made else made
    return _FIRST_NUMBER.sub(r"\1\\\2", made, count=1) if _FIRST_NUMBER.match(made) else made


def _plain(text: str) -> str:
    """Return a committer's text as one line that a gate's parameter accepts."""
    made, marks = [], 0
    for char in unicodedata.normalize("NFC", text):
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks < MOST_MARKS:
            made.append(" " if is_refused(char) else char)
    return " ".join("".join(made).split())
