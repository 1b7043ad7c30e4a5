"""Find how a Django project's tests are run: by which manage.py, or with which settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from slipway.scripts.project_files import files

__all__ = ["Django", "find_django"]

_LARGEST = 1 << 20
_MODULE = r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)"
#: As in tox.ini, a runtests.py, a conftest.py or a Makefile.
_NAMED = (
    re.compile(rf"DJANGO_SETTINGS_MODULE[\"']?[\s\],=:]+[\"']?{_MODULE}"),
    re.compile(rf"--(?:settings|ds)[= ]+[\"']?{_MODULE}"),
)
_PLACES = (
    "runtests.py",
    "runtests",
    "run_tests.py",
    "tests/runtests.py",
    "tests/manage.py",
    "tox.ini",
    "pyproject.toml",
    "setup.cfg",
    "pytest.ini",
    "conftest.py",
    "tests/conftest.py",
    "Makefile",
    "noxfile.py",
)
_FILES = ("tests/settings.py", "tests/test_settings.py", "test_settings.py", "settings.py")


@dataclass(frozen=True)
class Django:
    """How the tests are run."""

    manage: str = ""
    """Path of the manage.py, relative to the project; empty if there is none."""
    settings: str = ""
    """The module with the settings; empty where manage.py names it."""

    @property
    def why(self) -> str:
        """What it was found by."""
        return self.manage or f"settings {self.settings}"


def find_django(source: Path) -> Django | None:
    """Return how a project's tests are run by Django; None if nothing tells.

    Args:
        source: The project.
    """
    found = [path for path in files(source, "manage.py") if "django" in _text(path).lower()]
    found.sort(key=lambda path: (len(path.parts), str(path)))
    if found:
        return Django(manage=found[0].relative_to(source).as_posix())
    for place in _PLACES:
        text = _text(source / place)
        for pattern in _NAMED:
            for match in pattern.finditer(text):
                if _is_module(source, match[1]):
                    return Django(settings=match[1])
    for place in _FILES:
        if "INSTALLED_APPS" in _text(source / place):
            return Django(settings=place.removesuffix(".py").replace("/", "."))
    return None


def _is_module(source: Path, name: str) -> bool:
    inside = name.replace(".", "/")
    roots = (source, source / "src", source / "tests")
    return any(
        (root / f"{inside}.py").is_file() or (root / inside / "__init__.py").is_file()
        for root in roots
    )


def _text(path: Path) -> str:
    if not path.is_file() or path.stat().st_size > _LARGEST:
        return ""
    return path.read_text("utf-8", "replace")
