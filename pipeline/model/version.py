"""A release's version: the project's own, and the run's number."""

from __future__ import annotations

import re
import tomllib

from packaging.version import InvalidVersion, Version

#: What a project without any version is.
NONE = "0.0.0"


def base_version(pyproject: str | None, described: str | None) -> str:
    """Return a project's own version.

    Args:
        pyproject: The text of its pyproject.toml, if it has one.
        described: What `git describe --tags` says, such as "v1.4.0-3-gabc1234".

    Returns:
        The version of pyproject.toml, else of the nearest tag, else "0.0.0"; without any local
        part, which is where the run's number goes.
    """
    return _of_pyproject(pyproject) or _of_tag(described) or NONE


def _of_pyproject(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    project = data.get("project")
    written = project.get("version") if isinstance(project, dict) else None
    return _public(written) if isinstance(written, str) else None


def _of_tag(described: str | None) -> str | None:
    if not described:
        return None
    tag = re.sub(r"-\d+-g[0-9a-f]+$", "", described.strip())
    found = re.search(r"\d.*", tag)
    return _public(found[0]) if found else None


def _public(text: str) -> str | None:
    try:
        return Version(text).public
    except InvalidVersion:
        return None
