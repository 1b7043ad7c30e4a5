"""The environment variables that a frozen program is started with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["bare_environment", "windows_environment"]

#: Each Windows has them, and its own libraries fail without some (sockets without SYSTEMROOT).
_KEPT = (
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "OS", "PROGRAMDATA"),
    *("PROGRAMFILES", "ALLUSERSPROFILE", "PUBLIC", "COMPUTERNAME", "USERNAME"),
    *("NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"),
)
_OWN = ("USERPROFILE", "APPDATA", "LOCALAPPDATA", "TEMP", "TMP")


def bare_environment(home: Path | None = None) -> dict[str, str]:
    """Return an environment without any Python: empty, except for what Windows itself needs.

    Args:
        home: A folder for the program's files, on Windows; its folders are made. None: the user's
            own.
    """
    if os.name != "nt":
        return {}
    found = windows_environment(os.environ, None if home is None else str(home))
    for name in _OWN:
        if name in found:
            Path(found[name]).mkdir(parents=True, exist_ok=True)
    return found


def windows_environment(given: Mapping[str, str], home: str | None) -> dict[str, str]:
    """Return the variables that each Windows has, as a new user without any software has them.

    Args:
        given: This process's, by names in upper case.
        home: A folder for the user's files. None: those of this process's user.
    """
    found = {name: given[name] for name in _KEPT if name in given}
    windows = given.get("SYSTEMROOT", r"C:\Windows")
    found["PATH"] = rf"{windows}\System32;{windows};{windows}\System32\Wbem"
    if home is None:
        return found | {name: given[name] for name in _OWN if name in given}
    local = rf"{home}\AppData\Local"
    temporary = rf"{local}\Temp"
    roaming = rf"{home}\AppData\Roaming"
    values = (home, roaming, local, temporary, temporary)
    return found | dict(zip(_OWN, values, strict=True))
