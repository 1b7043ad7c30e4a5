"""Who types here, for the audit trail."""

from __future__ import annotations

import getpass


def who() -> str:
    """Return the name of the machine's user: whoever is here may do everything anyway."""
    try:
        return f"{getpass.getuser()} on the master's machine"
    except (KeyError, OSError):
        return "somebody on the master's machine"
