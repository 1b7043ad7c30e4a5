"""Import, in the frozen program, each module that its unfrozen self has used."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from slipway.model.errors import MissingTool, StageFailed
from slipway.scripts.process import run as run_program
from slipway.scripts.stages.freeze.clean_room.environment import bare_environment
from slipway.scripts.virtual_display import OFFSCREEN

__all__ = ["CHECK", "CHECKER", "failed_imports", "importable"]

#: The script, and its name as an executable beside the programs, which is deleted afterwards.
CHECK = Path(__file__).parent / "guest" / "check_imports.py"
CHECKER = "slipway-check-imports"
_PATIENCE = 60.0
#: Modules that may end the process that imports them.
_MOST_DEATHS = 5


def importable(
    python: Path, names: Sequence[str], env: Mapping[str, str], log: Callable[[str], None]
) -> list[str]:
    """Return which of the modules can be imported by themselves, unfrozen."""
    answers = _ask([python, CHECK], names, dict(env) | OFFSCREEN, log)
    return [name for name in names if answers.get(name) == ""]


def failed_imports(tree: Path, names: Sequence[str], log: Callable[[str], None]) -> dict[str, str]:
    """Import modules in a frozen program, away from the folder it was frozen in.

    Args:
        tree: The frozen tree, with the checker in it.
        names: The modules.
        log: Receives what they print.

    Returns:
        The errors, by module.
    """
    checker = CHECKER + (".exe" if os.name == "nt" else "")
    with tempfile.TemporaryDirectory(prefix=".imports-", dir=tree.parent) as folder:
        away = Path(folder, "away")
        tree.rename(away)
        try:
            answers = _ask([away / checker], names, bare_environment() | OFFSCREEN, log)
        finally:
            away.rename(tree)
    return {name: error for name, error in answers.items() if error}


def _ask(
    words: Sequence[str | Path],
    names: Sequence[str],
    env: dict[str, str],
    log: Callable[[str], None],
) -> dict[str, str]:
    """Run the check; return each module's error, empty if it was imported.

    A module that ends the process is the one without an answer; the check goes on behind it.
    """
    answers: dict[str, str] = {}
    for _ in range(_MOST_DEATHS):
        left = [name for name in names if name not in answers]
        if not left:
            break
        asked, ending = _ask_once(words, left, env, log, answers)
        if asked and asked not in answers:
            answers[asked] = ending
        elif not answers.keys() & set(left):
            # It did not even start: every module would only say so again.
            answers[left[0]] = ending
            break
    return answers


def _ask_once(
    words: Sequence[str | Path],
    names: Sequence[str],
    env: dict[str, str],
    log: Callable[[str], None],
    answers: dict[str, str],
) -> tuple[str, str]:
    """Fill in answers until the process ends; return the module asked for last, and the ending."""
    asked = ""

    def read(text: str) -> None:
        nonlocal asked
        for line in text.splitlines():
            sign, _, rest = line.partition(" ")
            name, _, error = rest.partition(": ")
            if sign == "?" and name in names:
                asked = name
            elif name == asked and sign in {"+", "-"}:
                answers[name] = (error or "failed") if sign == "-" else ""
            else:
                log(f"{line}\n")

    with tempfile.TemporaryDirectory(prefix="slipway-imports-") as folder:
        given = Path(folder, "names.json")
        given.write_text(json.dumps(list(names)), "utf-8")
        try:
            done = run_program(
                [*words, given], cwd=Path(folder), env=env, log=read, timeout=_PATIENCE
            )
        except (StageFailed, MissingTool) as error:
            return asked, str(error)
    return asked, f"the process ended with exit code {done.code}"
