"""What programs print that a parameter's `choices-from` names."""

from __future__ import annotations

import subprocess

from slipway.model.errors import MissingTool
from slipway.model.parameter import Choice, read_choices

#: Seconds such a program may take; a person is waiting.
_PATIENCE = 10


def printed(name: str, argv: tuple[str, ...]) -> tuple[Choice, ...]:
    """Run a program and read the choices it prints, one a line. It blocks.

    Args:
        name: The parameter, for error sentences.
        argv: The program and its arguments.

    Raises:
        MissingTool: It cannot be started, fails, takes too long, or prints what is no choice.
    """
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            why = f"ended with {done.returncode}: {said[-1] if said else 'it said nothing'}"
        else:
            return read_choices(done.stdout.decode(errors="replace"))
    except OSError as error:
        why = f"cannot be started: {error.strerror}"
    except subprocess.TimeoutExpired:
        why = f"did not end within {_PATIENCE} seconds"
    except ValueError as error:
        why = str(error)
    msg = f"the choices of {name}: {argv[0]}: {why}"
    raise MissingTool(msg)
