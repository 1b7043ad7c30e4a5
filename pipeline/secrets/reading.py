"""Read secrets from the places named in pipeline.toml; error sentences never contain one."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway.model.errors import MissingTool, SlipwayError, WrongInput
from slipway.model.secrets.forms import SHORTEST, is_short
from slipway.model.secrets.location import SecretPlace, StageSecret
from slipway.model.site import Project, Site
from slipway.secrets.programs import run_program

__all__ = [
    "Given",
    "given_here",
    "given_secret",
    "given_text",
    "given_to_stage",
    "read_private",
    "variables_of",
]

#: Timeout in seconds of a program that prints a secret.
_PATIENCE = 30.0
#: Maximum size of a secret in bytes: Linux limits an environment variable to twice this.
_LONGEST = 65_536


def given_secret(place: SecretPlace, base: Path, key: str) -> str:
    """Read a secret of one line.

    Args:
        place: Its location.
        base: Base of relative paths, and working directory of commands.
        key: Its key in pipeline.toml, for error sentences.

    Raises:
        WrongInput: The file is missing, empty, or readable by others.
        MissingTool: The environment variable is not set, or the command fails.
    """
    return given_text(place, base, key).splitlines()[0]


def given_text(place: SecretPlace, base: Path, key: str) -> str:
    """Read a secret of several lines, such as a private key.

    Args:
        place: Its location.
        base: Base of relative paths, and working directory of commands.
        key: Its key in pipeline.toml, for error sentences.

    Raises:
        WrongInput: The file is missing, empty, or readable by others.
        MissingTool: The environment variable is not set, or the command fails.
    """
    return _given(place, base, key)


def _given(place: SecretPlace, base: Path, key: str) -> str:
    if place.env is not None:
        value = os.environ.get(place.env, "")
        if not value.strip():
            msg = f"{key}: the environment variable {place.env} is not set; export it"
            raise MissingTool(msg)
        return value
    if place.file is not None:
        return read_private(base / place.file, key)
    return _command_output(place, base, key)


def read_private(path: Path, key: str) -> str:
    """Read a text file that only its owner may read.

    Args:
        path: The file.
        key: The key in pipeline.toml that names it, for error sentences.

    Raises:
        WrongInput: It is missing, empty, or readable by others.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as stream:
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read(_LONGEST + 1) if stat.S_ISREG(mode) else b""
        text = _text(data)
    except OSError as error:
        msg = f"{key}: the file {path} cannot be read: {error.strerror}"
        raise WrongInput(msg) from None
    except UnicodeDecodeError:
        msg = f"{key}: the file {path} is not UTF-8 text; write the secret as its first line"
        raise WrongInput(msg) from None
    if not stat.S_ISREG(mode):
        msg = f"{key}: {path} is no plain file; write the secret into one"
        raise WrongInput(msg)
    if os.name == "posix" and mode & 0o077:
        msg = f"{key}: others may read {path} (mode {mode & 0o777:o}); run chmod 600 on it"
        raise WrongInput(msg)
    if not text:
        msg = f"{key}: the file {path} is empty"
        raise WrongInput(msg)
    _check_length(data, key, f"the file {path}")
    return text


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without blocking on a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _command_output(place: SecretPlace, base: Path, key: str) -> str:
    """Return the output of a secret's command; its error output is discarded."""
    argv = place.command or ()
    what = f"{key}: {place.description}"
    try:
        printed = run_program(argv, base, _PATIENCE, _LONGEST)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its words are none"
        msg = f"{what} cannot be started on this machine: {why}"
        raise MissingTool(msg) from None
    if not printed.in_time:
        msg = f"{what} did not end within {_PATIENCE:g} seconds and was stopped; run it by hand"
        raise MissingTool(msg)
    data = printed.data
    _check_length(data, key, place.description)
    if printed.code != 0:
        msg = f"{what} ended with exit code {printed.code}; run it by hand to see why"
        raise MissingTool(msg)
    try:
        text = _text(data)
    except UnicodeDecodeError:
        msg = f"{what} prints something that is not UTF-8 text"
        raise MissingTool(msg) from None
    if not text:
        msg = f"{what} prints nothing"
        raise MissingTool(msg)
    return text


def _text(data: bytes) -> str:
    return data.decode("utf-8").strip("\r\n \t")


def _check_length(data: bytes, key: str, where: str) -> None:
    if len(data) > _LONGEST:
        msg = f"{key}: {where} holds more than {_LONGEST:,} bytes, which no program can be given"
        raise WrongInput(msg)


# ---- secrets of stages


@dataclass(frozen=True)
class Given:
    """The secrets that a stage gets."""

    values: dict[str, str] = field(default_factory=dict, repr=False)
    """The secrets, by environment variable."""
    withheld: tuple[str, ...] = ()
    """Sentences about secrets that this run does not get."""


def given_to_stage(
    secrets: Mapping[str, StageSecret],
    branch: str,
    base: Path,
    key: str,
    is_on_it: Callable[[], bool] = lambda: True,
) -> Given:
    """Read the secrets of a stage.

    Args:
        secrets: Their locations, by name.
        branch: The run's branch; secrets may be restricted to branches.
        base: Base of relative paths, and working directory of commands.
        key: The key of the table in pipeline.toml, for error sentences.
        is_on_it: Returns whether the branch contains the run's revision: a person who starts a run
            may combine any revision with any branch. Called only for secrets restricted to
            branches.

    Raises:
        MissingTool: Some cannot be read, or are too short to be masked; gives each reason.
    """
    values: dict[str, str] = {}
    withheld: list[str] = []
    wrong: list[str] = []
    for name, place in secrets.items():
        if not place.is_for(branch):
            where = ", ".join(place.branches)
            restriction = (
                f"the secret {name} is for {where} alone; a run of {branch or 'no branch'} has "
            )
            withheld.append(f"{restriction}none")
            continue
        if place.branches and not is_on_it():
            restriction = f"the secret {name} is for {', '.join(place.branches)} alone"
            withheld.append(f"{restriction}; the revision of this run is not on {branch}")
            continue
        try:
            values[name] = _usable(_given(place, base, f"{key}.{name}"), f"{key}.{name}", place)
        except SlipwayError as error:
            wrong.append(str(error))
    if wrong:
        raise MissingTool("; ".join(wrong))
    return Given(values, tuple(withheld))


def given_here(
    project: Project, stages: Iterable[str], base: Path, name: str
) -> dict[str, dict[str, str]]:
    """Read the secrets of stages for a local run, whatever its branch.

    Raises:
        MissingTool: Some cannot be read here; gives each reason.
    """
    found: dict[str, dict[str, str]] = {}
    wrong: list[str] = []
    for stage in stages:
        own = {
            key: place.model_copy(update={"branches": ()})
            for key, place in project.stages[stage].secrets.items()
        }
        key = f"project.{name}.stages.{stage}.secrets"
        try:
            found[stage] = given_to_stage(own, "", base, key).values
        except SlipwayError as error:
            wrong.append(str(error))
    if wrong:
        raise MissingTool("\n".join(wrong))
    return found


def _usable(value: str, key: str, place: SecretPlace) -> str:
    if is_short(value):
        msg = (
            f"{key}: the value of {place.description} has fewer than {SHORTEST} characters and "
            "cannot be masked without masking everything; take a longer secret"
        )
        raise MissingTool(msg)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        msg = f"{key}: the value of {place.description} is not UTF-8 text; give it as base64"
        raise MissingTool(msg) from None
    if "\0" in value:
        msg = f"{key}: the value of {place.description} holds a NUL, which no program can be given"
        raise MissingTool(msg)
    return value


def variables_of(site: Site) -> set[str]:
    """Return the environment variables of a site's secrets; stages must not inherit them."""
    return {place.env for place in site.secret_places if place.env is not None}
