"""Find drivers by name among the entry points of installed packages, Slipway's included.

A driver is a function that opens a session: `open_session(settings, patience) -> Session`. The name
of its entry point in the group slipway.drivers is its name in tags: @session:NAME.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from slipway.sessions.errors import DriverMissing
from slipway.sessions.session import Session
from slipway.sessions.settings import Settings

__all__ = ["GROUP", "Opener", "find_opener"]

GROUP = "slipway.drivers"
#: Opens a session, given the project's settings and the patience in seconds.
Opener = Callable[[Settings, float], Session]
#: The distributions of Slipway's own drivers; other packages cannot override their names.
_OURS = ("slipway", "slipway-sessions")


def find_opener(name: str) -> Opener:
    """Return the function that opens a driver's sessions.

    Raises:
        DriverMissing: No driver has this name, or it cannot be loaded.
    """
    offers = _offers().get(name, [])
    if not offers:
        known = sorted(_offers())
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
        msg = f'there is no driver "{name}"; {hint}'
        raise DriverMissing(msg)
    used = offers[0] if len(offers) == 1 else _ours_among(name, offers)
    try:
        opener: object = used.load()
    except (Exception, SystemExit) as error:
        if isinstance(error, ImportError) and _is_ours(used):
            raise DriverMissing(_no_package(error)) from None
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        called = " ".join(_package(used))
        msg = f'the driver "{name}" of {called} cannot be loaded: {reason}; mend or remove it'
        raise DriverMissing(msg) from error
    if not callable(opener):
        called = " ".join(_package(used))
        msg = f'the driver "{name}" of {called} is no function that opens a session'
        raise DriverMissing(msg)
    found: Opener = opener
    return found


def _ours_among(name: str, offers: list[EntryPoint]) -> EntryPoint:
    """Return Slipway's own of several drivers with one name.

    Raises:
        DriverMissing: None of them is Slipway's.
    """
    ours = next((one for one in offers if _is_ours(one)), None)
    if ours is None:
        others = " and ".join(" ".join(_package(one)) for one in offers)
        msg = f'{others} all have a driver "{name}"; remove all but one of them'
        raise DriverMissing(msg)
    return ours


def _is_ours(offer: EntryPoint) -> bool:
    return _package(offer)[0] in _OURS


@cache
def _offers() -> dict[str, list[EntryPoint]]:
    offers: dict[str, list[EntryPoint]] = {}
    for one in entry_points(group=GROUP):
        same = [known for known in offers.get(one.name, []) if known.value == one.value]
        if not same:
            offers.setdefault(one.name, []).append(one)
    return offers


def _package(offer: EntryPoint) -> tuple[str, str]:
    return (offer.dist.name, offer.dist.version) if offer.dist is not None else ("unknown", "")


def _no_package(error: ImportError) -> str:
    return (
        f"browsers need the package {error.name}, which is not installed; "
        'run: pip install "slipway[features]", or leave out @javascript'
    )
