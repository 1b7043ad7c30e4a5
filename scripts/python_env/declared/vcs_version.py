"""Tell build backends that ask git for the version which one the run has.

A worker's checkout has one revision and no tags, and an unpacked archive no git at all: there they
would find another version than the master has, or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway.scripts.python_env.declared.model import name_of, table, texts

__all__ = ["asks_git", "told_version"]

#: Packages that read a version from git while a project is built.
_READERS = {
    "setuptools-scm",
    "hatch-vcs",
    "flit-scm",
    "poetry-dynamic-versioning",
    "vcs-versioning",
}
#: Their variables, and PDM's own.
_VARIABLES = (
    "SETUPTOOLS_SCM_PRETEND_VERSION",
    "PDM_BUILD_SCM_VERSION",
    "POETRY_DYNAMIC_VERSIONING_BYPASS",
)
_NONE = "0.0.0"


def asks_git(source: Path, data: Mapping[str, Any]) -> bool:
    """Return True if a project's version comes from git when it is built.

    Args:
        source: The project.
        data: Its pyproject.toml.
    """
    required = {
        name_of(text).replace("_", "-")
        for text in texts(table(data, "build-system").get("requires"))
    }
    if required & _READERS or table(data, "tool", "pdm", "version").get("source") == "scm":
        return True
    setup = source / "setup.py"
    return setup.is_file() and "use_scm_version" in setup.read_text("utf-8", "replace")


def told_version(source: Path, data: Mapping[str, Any], version: str) -> dict[str, str]:
    """Return the environment variables by which a build backend takes the run's version.

    Args:
        source: The project.
        data: Its pyproject.toml.
        version: The version of the run, such as "1.4.0+7". Empty: none is known.
    """
    base = version.partition("+")[0]
    if not base or not asks_git(source, data):
        return {}
    if base == _NONE and ((source / ".git").exists() or (source / "PKG-INFO").is_file()):
        # The backend may know better.
        return {}
    return dict.fromkeys(_VARIABLES, base)
