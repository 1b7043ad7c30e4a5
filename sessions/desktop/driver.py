"""The driver `desktop`: a Qt program, started for each visitor."""

from __future__ import annotations

from pathlib import Path

from slipway.sessions.desktop.program import DesktopSettings
from slipway.sessions.desktop.session import DesktopSession
from slipway.sessions.session import Session
from slipway.sessions.settings import Settings, WrongSetting

__all__ = ["open_session"]


def open_session(settings: Settings, patience: float) -> Session:  # noqa: ARG001  it has its own
    """Start the desktop program and open a session with it.

    Raises:
        SessionError: The program ends at once, Qt is missing, or it has no agent.
        WrongSetting: The program's command is not set.
    """
    if settings.desktop is None:
        msg = (
            'nothing says how the desktop program is started: write desktop = ["python", "-m", '
            '"app"] under [tool.slipway.features] in pyproject.toml, or give -D desktop=PROGRAM'
        )
        raise WrongSetting(msg)
    seeds = {name: Path(file) for name, file in settings.desktop_seeds.items()}
    return DesktopSession(DesktopSettings(settings.desktop, settings.desktop_env, seeds))
