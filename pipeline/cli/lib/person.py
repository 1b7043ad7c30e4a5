"""Identify the local user, for the audit trail."""

from __future__ import annotations

import getpass

__all__ = ["who"]


def who() -> str:
    """Return the name of the machine's user.

    No password is needed, as local users may do everything.
    """
    try:
        return f"{getpass.getuser()} on the master's machine"
    except (KeyError, OSError):
        return "somebody on the master's machine"
