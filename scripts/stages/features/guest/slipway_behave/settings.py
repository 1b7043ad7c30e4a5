"""Read the settings of one process from SETTINGS.json, which main.py describes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .errors import WrongInput

__all__ = ["Settings", "read"]


@dataclass
class Settings:
    """The content of SETTINGS.json; main.py describes each key."""

    queue: str
    events: str | int
    evidence: str
    arguments: list[str] = field(default_factory=list)
    jobs: int = 1
    index: int = 0
    retries: int = 0
    max_failures: int = 0
    shard: list[int] = field(default_factory=lambda: [1, 1])
    quarantine: dict[str, str] = field(default_factory=dict)
    history: dict[str, float] = field(default_factory=dict)
    junit: str | None = None
    step_timeout: float = 0.0
    scenario_timeout: float = 0.0
    userdata: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    token: str = ""
    mark: str = ""


_KINDS: dict[str, Any] = {
    "queue": str,
    "events": (str, int),
    "evidence": str,
    "arguments": list,
    "jobs": int,
    "index": int,
    "retries": int,
    "max_failures": int,
    "shard": list,
    "quarantine": dict,
    "history": dict,
    "junit": (str, type(None)),
    "step_timeout": (int, float),
    "scenario_timeout": (int, float),
    "userdata": dict,
    "environment": dict,
    "token": str,
    "mark": str,
}


def read(path: str) -> Settings:
    """Read the settings.

    Raises:
        WrongInput: The file is missing, is not JSON, or holds an invalid key or value.
    """
    try:
        given = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WrongInput(f"{path} cannot be read as settings: {error}", "settings") from None
    if not isinstance(given, dict):
        raise WrongInput(f"{path} must hold one JSON object", "settings")
    needed = [one for one in ("queue", "events", "evidence") if one not in given]
    if needed:
        raise WrongInput(f"{path} lacks {', '.join(needed)}", "settings")
    known = {one.name for one in fields(Settings)}
    for name, value in given.items():
        if name not in known:
            allowed = ", ".join(sorted(known))
            raise WrongInput(f'{path}: "{name}" is no setting; there are {allowed}', "settings")
        if not isinstance(value, _KINDS[name]) or isinstance(value, bool):
            raise WrongInput(f'{path}: "{name}" cannot be {value!r}', "settings")
    return _checked(path, Settings(**given))


def _checked(path: str, settings: Settings) -> Settings:
    shard = settings.shard
    whole = len(shard) == 2 and all(isinstance(one, int) for one in shard)  # noqa: PLR2004
    if not whole or not 1 <= shard[0] <= shard[1]:
        text = f'{path}: "shard" must be [i, n] with 1 <= i <= n, and is {shard}'
        raise WrongInput(text, "settings")
    if not 0 <= settings.index < settings.jobs:
        text = f'{path}: "index" must be from 0 to jobs - 1 ({settings.jobs - 1})'
        raise WrongInput(text, "settings")
    low = [
        name
        for name in ("retries", "max_failures", "step_timeout", "scenario_timeout")
        if getattr(settings, name) < 0
    ]
    if low:
        raise WrongInput(f'{path}: "{low[0]}" must not be below 0', "settings")
    return settings
