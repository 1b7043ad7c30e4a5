"""The commands: one module each, grouped by subject."""

from __future__ import annotations

__all__ = ["module_of"]

_ROOMS = {
    "runs": ("cancel", "logs", "poll", "rerun", "runs", "show", "trigger"),
    "gates": ("deploy", "environments", "gate", "rollback"),
    "releases": ("download", "key", "publish", "release", "releases", "verify"),
    "people": ("audit", "passwd", "token"),
    "notices": ("notify", "outbox"),
    "site": ("backup", "check", "plugins", "prune", "schema", "up", "workers"),
    "local": ("example", "features", "run", "stage", "worker"),
}


def module_of(command: str) -> str:
    """Return the name of a command's module."""
    room = next(room for room, names in _ROOMS.items() if command in names)
    return f"slipway.cli.commands.{room}.{command}"
