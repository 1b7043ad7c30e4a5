"""Remember whose key signs the releases of a place, and the newest release that was seen there."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import BaseModel, ConfigDict, Field

from slipway.model.errors import WrongInput
from slipway.scripts.atomic_files import write_text
from slipway.scripts.releases.signing.public_keys import Fingerprint
from slipway.scripts.releases.strict_json import explain, parse
from slipway.secrets.site_mark import VARIABLE, memory_file

__all__ = ["Remembered", "recall", "remember"]


class Remembered(BaseModel):
    """What is remembered of a place."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    keys: tuple[Fingerprint, ...] = ()
    newest_run: int = 0


class _Memory(BaseModel):
    model_config = ConfigDict(extra="ignore")

    places: dict[str, Remembered] = Field(default_factory=dict)


def recall(place: str) -> Remembered:
    """Return what is remembered of a project's folder, a path or a URL.

    Raises:
        WrongInput: The file was damaged.
    """
    return _read().places.get(place, Remembered())


def remember(place: str, keys: Collection[str], run: int) -> None:
    """Remember a key and a run of a project's folder, beside those that are known.

    Raises:
        WrongInput: The file cannot be written.
    """
    memory = _read()
    before = memory.places.get(place, Remembered())
    known = tuple(dict.fromkeys((*before.keys, *keys)))
    memory.places[place] = Remembered(keys=known, newest_run=max(before.newest_run, run))
    file = memory_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, memory.model_dump_json(indent=2) + "\n")
    except OSError as error:
        msg = f"{file} cannot be written: {error.strerror}; set {VARIABLE} to another file"
        raise WrongInput(msg) from None


def _read() -> _Memory:
    file = memory_file()
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return _Memory()
    except OSError as error:
        msg = f"{file} cannot be read: {error.strerror}; set {VARIABLE} to another file"
        raise WrongInput(msg) from None
    return explain(_Memory, parse(data, str(file)), str(file))
