"""Run the commands of a system that set a worker up."""

from __future__ import annotations

import subprocess

from slipway.model.errors import MissingTool

__all__ = ["run_command"]


def run_command(*words: str) -> None:
    """Run a command that must succeed.

    Raises:
        MissingTool: It is missing, or failed.
    """
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            # Programs of Windows print in a code page of their own.
            errors="replace",
            check=False,
        )
    except OSError as error:
        msg = f"{words[0]} cannot be started on this machine: {error.strerror}"
        raise MissingTool(msg) from None
    if done.returncode:
        why = " ".join((done.stderr.strip() or done.stdout.strip()).split())
        msg = f"{' '.join(words)} failed: {why or f'exit code {done.returncode}'}"
        raise MissingTool(msg)
