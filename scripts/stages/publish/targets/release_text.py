"""What a release is called at a forge: its tag, its title and its text."""

from __future__ import annotations

import re
from string import Formatter
from typing import Annotated

from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, Field

from slipway.model.errors import WrongInput
from slipway.model.git_names import is_name
from slipway.scripts.releases.outgoing import OutgoingRelease

__all__ = ["TagTemplate", "Template", "described", "filled", "is_early", "tag_of"]

#: Longest text that forges take.
_LONGEST = 100_000
_LONGEST_TEMPLATE = 200
_MARKED = re.compile(r"([\\`*_{}\[\]<>()#|~!])")


def _check_template(text: str) -> str:
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        parts = [("", "?", "", None)]
    # Neither a format such as {version:>9} nor an attribute.
    wrong = any(name not in {None, *_EXAMPLE} or form or how for _, name, form, how in parts)
    if wrong or len(text) > _LONGEST_TEMPLATE:
        allowed = ", ".join(f"{{{name}}}" for name in _EXAMPLE)
        msg = f'"{text[:80]}" may hold {allowed} and plain text, {_LONGEST_TEMPLATE} letters'
        raise ValueError(msg)
    return text


def _check_tag(text: str) -> str:
    _check_template(text)
    if "{version}" not in text and "{public}" not in text:
        msg = f'"{text}" is the same tag for every release; write {{version}} into it'
        raise ValueError(msg)
    if not is_name(text.format(**_EXAMPLE)):
        msg = f'"{text}" is no name of a tag that git allows'
        raise ValueError(msg)
    return text


_EXAMPLE = {"version": "1.4.0+7", "public": "1.4.0", "project": "almanac"}

Template = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$"), AfterValidator(_check_template)]
TagTemplate = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$"), AfterValidator(_check_tag)]


def filled(template: str, project: str, version: str) -> str:
    """Return a title or a tag of one release."""
    public = version.partition("+")[0]
    return template.format(version=version, public=public, project=project)


def tag_of(template: str, project: str, version: str) -> str:
    """Return the tag of one release.

    Raises:
        WrongInput: git allows no such name.
    """
    tag = filled(template, project, version)
    if not is_name(tag):
        msg = f'tag: "{tag}" is no name of a tag that git allows'
        raise WrongInput(msg)
    return tag


def is_early(version: str) -> bool:
    """Return whether a version says of itself that it comes before the release: 1.5.0rc1."""
    try:
        return Version(version).is_prerelease
    except InvalidVersion:
        return False


def described(release: OutgoingRelease) -> str:
    """Return the text of a release as Markdown: what changed, and what it was made of."""
    made = release.manifest
    # Change notes go here, once a release has some; those are Markdown already.
    notes = _plain(made.subject)
    commit = f"Commit {made.revision}" if made.revision else "No commit"
    return f"{notes}\n\n{commit}, run {made.run}.\n".lstrip()[:_LONGEST]


def _plain(text: str) -> str:
    """Return text as Markdown that shows it as it is and calls nobody."""
    line = " ".join(text.split())
    return _MARKED.sub(r"\\\1", line).replace("@", "@<!-- -->")
