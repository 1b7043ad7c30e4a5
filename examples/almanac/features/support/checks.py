"""Checks that give a browser time."""

from __future__ import annotations

import time
from collections.abc import Callable

from behave.runner import Context


def expect(context: Context, check: Callable[[], None]) -> None:
    """Run a check; a browser is given some time to get there."""
    deadline = time.monotonic() + context.session.patience
    while True:
        try:
            return check()
        except Exception:
            if time.monotonic() >= deadline:
                raise
        time.sleep(0.05)


def equal(found: object, wanted: object) -> None:
    """Say what was found instead."""
    assert found == wanted, f"found {found!r} instead of {wanted!r}"
