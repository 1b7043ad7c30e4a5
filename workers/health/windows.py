"""Look into Windows: who may change a folder, and as whom a service runs."""

# mypy: disable-error-code="import-untyped,import-not-found,attr-defined,unused-ignore"

from __future__ import annotations

import winreg
from pathlib import Path

import win32security

__all__ = ["service_account", "writers"]

#: Windows' names for everybody: Everyone, Users, Authenticated Users.
_EVERYBODY = frozenset({"S-1-1-0", "S-1-5-32-545", "S-1-5-11"})
#: FILE_WRITE_DATA, FILE_APPEND_DATA, DELETE, GENERIC_WRITE and GENERIC_ALL of winnt.h.
_CHANGES = 0x2 | 0x4 | 0x10000 | 0x40000000 | 0x10000000


def writers(folder: Path) -> list[str]:
    """Return those of Windows' names for everybody that may change a folder."""
    facts = win32security.GetFileSecurity(str(folder), win32security.DACL_SECURITY_INFORMATION)
    entries = facts.GetSecurityDescriptorDacl()
    if entries is None:
        return ["everybody"]
    found = []
    for number in range(entries.GetAceCount()):
        (kind, _flags), mask, sid = entries.GetAce(number)[:3]
        text = str(win32security.ConvertSidToStringSid(sid))
        allows = kind == win32security.ACCESS_ALLOWED_ACE_TYPE and mask & _CHANGES
        if allows and text in _EVERYBODY and text not in found:
            found.append(text)
    return found


def service_account(name: str) -> str | None:
    """Return the account of a service; None if there is no such service."""
    place = rf"SYSTEM\CurrentControlSet\Services\{name}"
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
            return str(winreg.QueryValueEx(key, "ObjectName")[0])
    except OSError:
        return None
