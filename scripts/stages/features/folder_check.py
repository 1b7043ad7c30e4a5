"""Check that a project has features before anything is prepared for them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from slipway.model.errors import WrongInput

__all__ = ["check_folder"]

#: behave's default folder.
_FOLDER = "features"
#: behave's own configuration files, which may name another.
_SETTINGS = ("behave.ini", ".behaverc", "setup.cfg", "tox.ini", "pyproject.toml")
_PATHS = re.compile(r"^\s*[\"']?paths[\"']?\s*=", re.MULTILINE)
_LINE = re.compile(r"(:\d+)+$")


def check_folder(source: Path, arguments: Sequence[str]) -> None:
    """Refuse a project without features where behave would look for them.

    Args:
        source: The project.
        arguments: behave's own arguments.

    Raises:
        WrongInput: There is no folder of features, or no feature in it.
    """
    if any(_names_a_place(source, one) for one in arguments) or _settings_name_one(source):
        return
    folder = source / _FOLDER
    if not folder.is_dir():
        msg = f'there is no "{_FOLDER}" in {source}; name the folder of your features'
        raise WrongInput(msg)
    for _, _, files in os.walk(folder, followlinks=True):
        if any(file.endswith(".feature") for file in files):
            return
    msg = f"there is no .feature file in {folder}; features need .feature files and a folder steps"
    raise WrongInput(msg)


def _names_a_place(source: Path, argument: str) -> bool:
    return not argument.startswith("-") and (source / _LINE.sub("", argument.lstrip("@"))).exists()


def _settings_name_one(source: Path) -> bool:
    files = [source / name for name in _SETTINGS] + [Path.home() / name for name in _SETTINGS[:2]]
    texts = (one.read_text(encoding="utf-8", errors="replace") for one in files if one.is_file())
    return any(_PATHS.search(text) for text in texts)
