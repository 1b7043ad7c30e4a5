"""Find what a project has pytest configured by, and what lies above the project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway.model.errors import WrongInput
from slipway.scripts.project_files import files
from slipway.scripts.python_env.declared.setuptools_files import read_sections
from slipway.scripts.python_env.requirements import read_pyproject

__all__ = ["configured_by", "has_patterns", "options_of", "pytest_hint", "shield"]

_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini")
_SECTIONS = (
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)


def configured_by(folder: Path, data: Mapping[str, Any]) -> str:
    """Return what pytest takes for its configuration in a folder; empty without any.

    Args:
        folder: The folder.
        data: Its pyproject.toml.
    """
    for name in _FILES:
        if (folder / name).is_file():
            return name
    if "pytest" in data.get("tool", {}):
        return "[tool.pytest] in pyproject.toml"
    for name, section in _SECTIONS:
        if read_sections(folder / name).has_section(section):
            return f"[{section}] in {name}"
    return ""


def pytest_hint(source: Path, data: Mapping[str, Any]) -> str:
    """Return what speaks for pytest in a project; empty if nothing does."""
    if found := configured_by(source, data):
        return found
    conftest = next(files(source, "conftest.py"), None)
    return conftest.relative_to(source).as_posix() if conftest else ""


def shield(source: Path, output: Path, arguments: Sequence[str] = ()) -> tuple[str, ...]:
    """Return arguments that keep pytest from the configuration of a folder above the project.

    Without a configuration of its own pytest takes the next one above: that of the site in whose
    state folder the project was checked out, whose options and plugins are not the project's.

    Args:
        source: The project.
        output: A folder for an empty configuration.
        arguments: The suite's own; where they name a folder, that may have a configuration.
    """
    source = source.resolve()
    if "-c" in arguments or any((source / one.partition("::")[0]).exists() for one in arguments):
        return ()
    if configured_by(source, read_pyproject(source)):
        return ()
    if not any(_is_configured(above) for above in source.parents):
        return ()
    empty = output / "pytest.ini"
    empty.write_text("[pytest]\n", "utf-8")
    return ("-c", str(empty), f"--rootdir={source}", f"--confcutdir={source}")


def _is_configured(folder: Path) -> bool:
    try:
        return bool(configured_by(folder, read_pyproject(folder)))
    except (WrongInput, OSError):
        # Not the project's own: pytest may not be able to read it either.
        return True


def options_of(source: Path) -> dict[str, Any]:
    """Return pytest's options where a project sets them, of whatever file."""
    pytest = read_pyproject(source).get("tool", {}).get("pytest", {})
    found = dict(pytest.get("ini_options", pytest)) if isinstance(pytest, dict) else {}
    for name, section in _SECTIONS:
        sections = read_sections(source / name)
        if sections.has_section(section):
            found = dict(sections.items(section)) | found
    return found


def has_patterns(source: Path) -> bool:
    """Return True if the project says itself which files hold tests."""
    options = options_of(source)
    return any(key in options for key in ("python_files", "testpaths")) or any(
        (source / name).is_file() for name in ("unittest.cfg", "nose2.cfg")
    )
