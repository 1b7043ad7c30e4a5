"""Call uv with a clean environment, and turn its errors into one sentence."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from slipway.model.errors import MissingTool, SlipwayError, WrongInput
from slipway.scripts.process import Finished, run
from slipway.scripts.python_env.interpreter import clean_environment
from slipway.scripts.report import Report

__all__ = ["call_uv", "check_lock", "explain", "list_versions", "try_uv", "uv_path"]

_NO_PYTHON = re.compile(
    r"No interpreter found|Failed to (inspect|query) Python|Querying Python at", re.IGNORECASE
)
_NO_INDEX = re.compile(
    r"Failed to fetch|error sending request|dns error|Connection refused|timed out|"
    r"Could not connect|Network connectivity is disabled|network was disabled|"
    r"certificate|HTTP status (server error|client error \(40[137])",
    re.IGNORECASE,
)
_START = re.compile(r"^\s*(error:|\u00d7|x\s)", re.IGNORECASE)
_HINT = re.compile(r"^\s*(╰─▶\s*)?(hint|note):", re.IGNORECASE)
_FRAME = re.compile(r"^[\s│╰├─▶\u00d7]+|^(error|cause|Caused by):\s*")
_LONGEST = 700
_PARTS = 4
_MIRRORS = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")


def uv_path() -> str:
    """Return the path of the uv installed with Slipway.

    Raises:
        MissingTool: There is none.
    """
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        msg = f"uv is not beside this Python ({error}); install it with: python -m pip install uv"
        raise MissingTool(msg) from error


def call_uv(
    arguments: tuple[str, ...],
    *,
    cwd: Path,
    folder: Path,
    python: str,
    report: Report,
    extra: Mapping[str, str] | None = None,
    missing: str = "",
) -> Finished:
    """Run uv on a virtual environment and log its output.

    Args:
        arguments: Command and options for uv.
        cwd: The project.
        folder: The virtual environment.
        python: The Python it is created from, for the error sentence.
        report: Receives uv's output.
        extra: More environment variables.
        missing: Where Pythons were looked for in vain.

    Raises:
        MissingTool: The Python does not exist, or the package index is unreachable.
        WrongInput: The project's own metadata cannot be installed.
    """
    finished = try_uv(arguments, cwd=cwd, folder=folder, report=report, extra=extra)
    if finished.code:
        raise explain(finished.tail, python, missing=missing)
    return finished


def try_uv(
    arguments: tuple[str, ...],
    *,
    cwd: Path,
    folder: Path,
    report: Report | None = None,
    extra: Mapping[str, str] | None = None,
) -> Finished:
    """Run uv and return its result, even if it fails; `tail` holds the whole output."""
    env = clean_environment() | {
        "NO_COLOR": "1",
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": os.environ.get("UV_PYTHON_DOWNLOADS", "never"),
        "UV_PROJECT_ENVIRONMENT": str(folder),
        "VIRTUAL_ENV": str(folder),
    }
    env.pop("FORCE_COLOR", None)
    output: list[str] = []

    def collect(lines: str) -> None:
        output.append(lines.rstrip("\n"))
        if report is not None:
            report.log(lines)

    argv = (uv_path(), *arguments)
    finished = run(argv, cwd=cwd, env=env | dict(extra or {}), log=collect, what="uv")
    return Finished(finished.code, "\n".join(output))


def explain(
    output: str, python: str, what: str = "the application's environment", missing: str = ""
) -> SlipwayError:
    """Convert uv's output into an error of the right class.

    Args:
        output: All of uv's output.
        python: The requested Python.
        what: What was to be made, for the error sentence.
        missing: Where Pythons were looked for in vain.
    """
    error = _last_error(output)
    if _NO_PYTHON.search(error):
        return MissingTool(
            f"there is no Python {python} on this machine: {missing or error}; "
            "install it, change the stage's python, or write its path there"
        )
    if _NO_INDEX.search(error) or "network was disabled" in output:
        return MissingTool(
            f"the package index cannot be reached: {error}; "
            "check the network, or UV_DEFAULT_INDEX if there is a mirror"
        )
    return WrongInput(f"{what} cannot be made: {error}")


def _last_error(output: str) -> str:
    """Return uv's last error as one line: its first part and its last parts."""
    lines = output.splitlines()
    starts = [number for number, line in enumerate(lines) if _START.match(line)]
    kept: list[str] = []
    for line in lines[starts[0] :] if starts else lines[-_PARTS:]:
        if _HINT.match(line):
            break
        kept.append(_FRAME.sub("", line.strip()).strip().rstrip(".:"))
    kept = [part for part in kept if part]
    if len(kept) > _PARTS:
        kept = [kept[0], "...", *kept[1 - _PARTS :]]
    error = ": ".join(kept).replace(": ...: ", " ... ")
    return error[:_LONGEST] or "uv said nothing"


def check_lock(source: Path, folder: Path) -> None:
    """Refuse a lock that is older than pyproject.toml: `--frozen` would install it silently.

    Raises:
        WrongInput: The lock does not match pyproject.toml.
    """
    # A mirror configured on this machine makes any lock look outdated; the check needs no index.
    mirrors = dict.fromkeys(_MIRRORS, "")
    checked = try_uv(("lock", "--check", "--offline"), cwd=source, folder=folder, extra=mirrors)
    if checked.code and ("needs to be updated" in checked.tail or "No solution" in checked.tail):
        msg = f"{source / 'uv.lock'} is older than pyproject.toml; run `uv lock` and commit it"
        raise WrongInput(msg)


def list_versions(folder: Path, python: Path, source: Path) -> dict[str, str]:
    """Return the versions of all packages in an environment, and of its Python."""
    words = ("pip", "list", "--quiet", "--format", "json", "--python", str(python))
    asked = try_uv(words, cwd=source, folder=folder)
    line = next((line for line in asked.tail.splitlines() if line.startswith("[")), "[]")
    found = {package["name"].lower(): package["version"] for package in json.loads(line)}
    settings = (folder / "pyvenv.cfg").read_text("utf-8").splitlines()
    known = dict(line.split(" = ", 1) for line in settings if " = " in line)
    return found | {"python": known.get("version_info", "")}
