"""The Windows machine of these tests; skipped where Wine cannot be had."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .installation import NotHere, machine
from .wine import Windows


@pytest.fixture(scope="session")
def windows() -> Iterator[Windows]:
    """Provide the machine, with this checkout's Slipway."""
    try:
        with machine() as found:
            yield found
    except NotHere as why:
        pytest.skip(str(why))
