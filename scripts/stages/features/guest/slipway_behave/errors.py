"""Describe errors in one sentence, with their place in the project."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = [
    "HERE",
    "Missing",
    "StepExited",
    "Stop",
    "WrongInput",
    "at",
    "details",
    "failed_import",
    "is_ours",
    "one_line",
    "parts",
    "place",
    "relative",
    "standing",
]

HERE = str(Path(__file__).resolve().parents[1])
_LONG = 1000


class Stop(Exception):
    """The run cannot continue; its text is the sentence for the user."""

    code = 1

    def __init__(self, text: str, kind: str = "run", file: str = "", line: int = 0) -> None:
        super().__init__(text)
        self.text = text
        self.kind = kind
        self.file = file
        self.line = line


class WrongInput(Stop):
    """The user's files, arguments or settings are invalid."""

    code = 2


class Missing(Stop):
    """The application's environment lacks something."""

    code = 3


class StepExited(Exception):
    """A step called sys.exit, which would have ended the whole run."""


def relative(file: str) -> str:
    """Return a path relative to the working directory, with slashes."""
    try:
        shown = os.path.relpath(file)
    except ValueError:  # another drive on Windows
        return file
    return file if shown.startswith("..") else shown.replace(os.sep, "/")


def is_ours(file: str) -> bool:
    """Return True if a source file belongs to the project, not to behave, Python or us."""
    full = os.path.realpath(file)
    if full.startswith((HERE + os.sep, os.path.realpath(os.__file__)[: -len("os.py")])):
        return False
    parts = set(Path(full).parts)
    return not parts & {"site-packages", "dist-packages"} and not file.startswith("<")


def place(trace: TracebackType | None) -> tuple[str, int]:
    """Return the file and line of the project that raised; ("", 0) if unknown."""
    frames = [one for one in traceback.extract_tb(trace) if is_ours(one.filename)]
    return (relative(frames[-1].filename), frames[-1].lineno or 0) if frames else ("", 0)


def standing(frame: Any) -> tuple[str, int]:
    """Return the file and line of the project that a thread is executing; ("", 0) if unknown."""
    frames = [one for one in traceback.extract_stack(frame) if is_ours(one.filename)]
    return (relative(frames[-1].filename), frames[-1].lineno or 0) if frames else ("", 0)


def one_line(error: BaseException) -> str:
    """Format an exception as one line."""
    if isinstance(error, StepExited):
        return str(error)
    text = " ".join(str(error).split())
    if not text and isinstance(error, AssertionError):
        frames = traceback.extract_tb(error.__traceback__)
        text = (frames[-1].line or "") if frames else ""
    text = text if len(text) <= _LONG else text[: _LONG - 3] + "..."
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def details(error: BaseException) -> str:
    """Format an exception's traceback, from the project's first frame on."""
    trace = error.__traceback__
    while trace is not None and not is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    lines = traceback.format_exception(type(error), error, trace or error.__traceback__)
    return "".join(lines)


def at(file: str, line: int) -> str:
    """Return a place in parentheses, or an empty text if it is unknown."""
    return f" ({file}:{line})" if file else ""


def failed_import(error: BaseException, what: str) -> WrongInput:
    """Return the error for a file of the project that cannot be loaded."""
    if isinstance(error, SyntaxError) and error.filename:
        file, line = relative(error.filename), error.lineno or 0
    else:
        file, line = place(error.__traceback__)
    where = f"{file}:{line}" if file else what
    reason = f"sys.exit({error.code})" if isinstance(error, SystemExit) else one_line(error)
    text = f"{where}: {what} cannot be loaded: {reason}"
    if isinstance(error, ModuleNotFoundError):
        text += f"; install it for {sys.executable}, or correct the import"
    return WrongInput(text, "import", file, line)


def parts(lines: list[str]) -> str:
    """Join the non-empty parts of a sentence."""
    return "; ".join(one for one in lines if one)
