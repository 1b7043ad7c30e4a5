"""Read JSON of strangers: of limited size, and with one meaning for every reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from slipway.model.errors import WrongInput
from slipway.scripts.opened_files import read_plain

__all__ = ["explain", "parse", "read_small"]

#: Bytes of a small file of a release: a signature, an envelope, the keys.
_SMALL = 8 << 20

_Model = TypeVar("_Model", bound=BaseModel)


def parse(data: bytes, where: str) -> Any:
    """Parse JSON; a name that an object has twice is an error.

    One reader takes the first of two values, another the last: what one has checked, the other
    would not use.

    Args:
        data: The text, in UTF-8.
        where: Its place, for the error sentence.

    Raises:
        WrongInput: It is no such text.
    """
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        msg = f"{where}: is not UTF-8 at byte {error.start}"
    except json.JSONDecodeError as error:
        msg = f"{where}:{error.lineno}: is not readable as JSON: {error.msg}"
    except _TwiceError as error:
        msg = f"{where}: has {error} twice in one object: it could mean two things"
    except (RecursionError, ValueError):
        # Nested too deeply, a number with thousands of digits, or NaN.
        msg = f"{where}: is not readable as JSON: it is no such file"
    raise WrongInput(msg)


class _TwiceError(ValueError):
    """An object has a name twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _TwiceError(json.dumps(name[:100]))
        found[name] = value
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def read_small(folder: Path, name: str, most: int = _SMALL) -> bytes:
    """Read a small plain file of a folder that somebody else has filled.

    Raises:
        WrongInput: It is missing, a link, no plain file, or too large.
    """
    try:
        return read_plain(folder.resolve(), name, most)
    except FileNotFoundError:
        msg = f"{folder / name}: is missing"
    except OSError as error:
        msg = f"{folder / name}: cannot be read: {(error.strerror or str(error)).lower()}"
    except ValueError:
        msg = f"{folder / name}: is larger than {most:,} bytes, as no such file is"
    raise WrongInput(msg)


def explain(kind: type[_Model], content: Any, where: str) -> _Model:
    """Validate parsed JSON.

    Raises:
        WrongInput: It is not of that kind; names the first key that is wrong.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole file"
        more = f" (in all {error.error_count()} errors)" if error.error_count() > 1 else ""
        msg = f"{where}: {key}: {first['msg']}{more}"
        raise WrongInput(msg) from None
