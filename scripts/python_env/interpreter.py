"""A guest's Python: the virtual environment it runs in, and its environment variables.

With the standard library alone: a command starts guests before it has loaded anything else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["FOREIGN", "PROGRAMS", "Environment", "clean_environment", "roots"]

PROGRAMS = "Scripts" if os.name == "nt" else "bin"
#: Variables that would point a guest, or uv, at Slipway's own environment.
FOREIGN = (
    "CONDA_DEFAULT_ENV",
    "CONDA_PREFIX",
    "PYTEST_ADDOPTS",
    "PYTEST_CURRENT_TEST",
    "PYTEST_PLUGINS",
    "PYTEST_VERSION",
    "PYTHONEXECUTABLE",
    "PYTHONHOME",
    "PYTHONINSPECT",
    "PYTHONOPTIMIZE",
    "PYTHONPATH",
    "PYTHONPLATLIBDIR",
    "PYTHONSAFEPATH",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_WORKING_DIR",
    "VIRTUAL_ENV",
    "VIRTUAL_ENV_PROMPT",
    "__PYVENV_LAUNCHER__",
)


@dataclass(frozen=True)
class Environment:
    """A virtual environment for guests."""

    folder: Path
    python: Path
    source: Path
    installed: bool = False
    """True: the project itself is installed in it."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the stage's settings."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of its packages by normalised name, and of "python"."""

    def variables(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment variables for a guest.

        Args:
            extra: More variables; the stage's own settings override them.
        """
        names = clean_environment()
        ours = {Path(sys.prefix) / PROGRAMS, Path(sys.executable).parent}
        path = [
            entry
            for entry in names.get("PATH", "").split(os.pathsep)
            if entry and (Path(entry) not in ours or sys.prefix == sys.base_prefix)
        ]
        names |= {
            "PATH": os.pathsep.join([str(self.python.parent), *path]),
            "VIRTUAL_ENV": str(self.folder),
            "PYTHONUTF8": "1",
            "PYTHONIOENCODING": "utf-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONNOUSERSITE": "1",
            # Bytecode is cached, but never in the project's folder.
            "PYTHONPYCACHEPREFIX": str(self.folder / "pycache"),
        }
        if not self.installed:
            names["PYTHONPATH"] = os.pathsep.join(str(root) for root in roots(self.source))
        return names | dict(extra or {}) | dict(self.env)


def roots(source: Path) -> list[Path]:
    """Return the folders that a project's modules are imported from."""
    return [source, *(inner for inner in (source / "src",) if inner.is_dir())]


def clean_environment() -> dict[str, str]:
    """Return this process's environment without the variables of Slipway's own Python."""
    found = {name: value for name, value in os.environ.items() if name.upper() not in FOREIGN}
    if os.name == "nt":
        # Python would print in the local code page, and stop at the first letter that it lacks.
        found = {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8"} | found
    return found
