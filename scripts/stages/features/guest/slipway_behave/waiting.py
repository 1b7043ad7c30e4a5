"""Load behave while the host still prepares the run, and wait for the settings."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import sys
from pathlib import Path

__all__ = ["wait_for_settings"]

#: What every run needs of behave.
_NEEDED = ("behave.__main__", "behave.runner", "behave.formatter.pretty")
#: What the first scenario over HTTP loads, where the project uses our sessions.
_OF_SESSIONS = (
    "slipway.sessions.integrations.behave_hooks",
    "slipway.sessions.http.driver",
)
_FEATURES = Path("features")
_HOOKS = "environment.py"


def wait_for_settings() -> str:
    """Load behave, then return the path of the settings: a JSON text on the standard input.

    Returns:
        The path; empty if the host needs no run.
    """
    # Until the run begins, nothing is garbage.
    gc.disable()
    # As in main: the folder of run.py must not hide the application's modules.
    sys.path[0] = str(Path.cwd())
    for name in _NEEDED + (_OF_SESSIONS if _uses_sessions() else ()):
        # The run itself reports what is missing or broken.
        with contextlib.suppress(Exception, SystemExit):
            importlib.import_module(name)
    line = sys.stdin.readline()
    path = str(json.loads(line)) if line else ""
    # The project's own code finds an empty standard input, as always.
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return path


def _uses_sessions() -> bool:
    """Return True if the hooks name our sessions.

    behave searches modules in the folder of the features first. A project that has any there gets
    what it would get without this.
    """
    with contextlib.suppress(OSError):
        own = {one.name for one in _FEATURES.glob("*.py")} - {_HOOKS}
        own |= {one.parent.name for one in _FEATURES.glob("*/__init__.py")} - {"steps"}
        return not own and b"slipway.sessions" in (_FEATURES / _HOOKS).read_bytes()
    return False
