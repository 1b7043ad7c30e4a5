"""Write compiled modules so that the same source gives the same bytes, whatever else is loaded.

marshal marks an object for later reference where anything else refers to it as well: a name that
another module happens to have, too, or a constant of a module that was compiled a moment ago and
not read from its cache. So what is frozen would depend on its surroundings.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable
from types import CodeType, SimpleNamespace
from typing import Any

__all__ = ["steady_bytes", "write_steadily"]


def steady_bytes(code: CodeType) -> bytes:
    """Return a code object as marshal writes it."""
    # As if it had been read from its cache.
    fresh = marshal.loads(marshal.dumps(code))  # noqa: S302  what was dumped here
    # Every text is referred to once more, in all modules alike.
    held: list[str] = []
    _hold(fresh, held)
    found = marshal.dumps(fresh)
    held.clear()
    return found


def _hold(value: Any, held: list[str]) -> None:
    if isinstance(value, str):
        held.append(value)
    elif isinstance(value, (tuple, frozenset)):
        _hold_all(value, held)
    elif isinstance(value, CodeType):
        held += [value.co_name, value.co_filename, getattr(value, "co_qualname", "")]
        for names in (value.co_names, value.co_varnames, value.co_cellvars, value.co_freevars):
            held += names
        _hold_all(value.co_consts, held)


def _hold_all(values: Iterable[Any], held: list[str]) -> None:
    for one in values:
        _hold(one, held)


def write_steadily(freezer: Any) -> None:
    """Have cx_Freeze write all modules so.

    Args:
        freezer: Its module of that name.
    """
    freezer.marshal = SimpleNamespace(dumps=steady_bytes)
