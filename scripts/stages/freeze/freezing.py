"""Call the guest that freezes, in the application's environment."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.process import run as run_program
from slipway.scripts.python_env.environment import Environment
from slipway.scripts.report import Report

__all__ = ["CX_FREEZE", "GUEST", "Frozen", "call_again", "call_guest"]

CX_FREEZE = "8.7.3"
GUEST = Path(__file__).parent / "guest" / "run.py"
_LAST_LINES = 8


@dataclass(frozen=True)
class Frozen:
    """A frozen tree."""

    facts: dict[str, Any]
    """As guest/slipway_freeze/freeze.py returns them."""

    @property
    def programs(self) -> list[str]:
        """The files of the executables, in the order of the settings."""
        return [str(name) for name in self.facts["executables"]]

    @property
    def platform(self) -> str:
        """The platform, as `sysconfig.get_platform` names it."""
        return str(self.facts["platform"])

    @property
    def added(self) -> list[tuple[str, str, str]]:
        """What was taken because it was learned: key, value, reason."""
        return [(str(key), str(value), str(why)) for key, value, why in self.facts["added"]]

    @property
    def checked(self) -> list[str]:
        """Modules that were traced and are in it."""
        return [str(name) for name in self.facts["checked"]]


def call_guest(
    settings: dict[str, Any], environment: Environment, work: Path, report: Report
) -> Frozen:
    """Run cx_Freeze in the application's environment and return its result.

    Args:
        settings: The guest's settings.
        environment: The application's environment.
        work: A folder for the settings and the result.
        report: Receives the output.

    Raises:
        StageFailed: cx_Freeze failed.
        WrongInput: The settings are wrong.
    """
    asked, answer = work / "settings.json", work / "result.json"
    answer.unlink(missing_ok=True)
    asked.write_text(json.dumps(settings), "utf-8")
    finished = run_program(
        [environment.python, GUEST, asked, answer],
        cwd=environment.source,
        # A fixed hash seed: the order of sets in compiled modules depends on their hashes.
        env=environment.variables({"PYTHONHASHSEED": "0"}),
        log=report.log,
        what="cx_Freeze",
    )
    result = json.loads(answer.read_text("utf-8")) if answer.is_file() else {}
    if "wrong" in result:
        raise WrongInput(str(result["wrong"]))
    if finished.code or not result:
        lines = finished.last_output(_LAST_LINES)
        msg = f"cx_Freeze ended with exit code {finished.code}; it said: {lines or 'nothing'}"
        raise StageFailed(msg)
    return Frozen(dict(result))


def call_again(
    settings: dict[str, Any],
    asked: dict[str, Any],
    environment: Environment,
    work: Path,
    report: Report,
) -> dict[str, Any]:
    """Have the project's own modules compiled as they are when all is frozen.

    Args:
        settings: The guest's settings.
        asked: What is compiled, and where to.
        environment: The application's environment.
        work: A folder for the settings and the result.
        report: Receives the output.

    Raises:
        StageFailed: A module cannot be compiled.
    """
    work.mkdir(parents=True, exist_ok=True)
    return call_guest(settings | {"again": asked}, environment, work, report).facts
