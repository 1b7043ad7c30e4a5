"""Tell frozen programs among a stage's inputs from other products."""

from __future__ import annotations

import re

from slipway.model.protocol.job import Input

__all__ = ["BILL", "SUFFIX", "is_bill", "is_frozen", "platform_tag"]

#: Of the archive that a frozen program is in, as the stage `freeze` leaves it.
SUFFIX = ".tar.zst"
#: Of the bill of materials beside it (CycloneDX).
BILL = ".cdx.json"
#: Kinds of stages that leave bills of materials: that of a frozen program goes with its installers.
_BILLED = frozenset({"freeze", "sign", "installer"})
# Platform tags of sysconfig.get_platform(): linux-x86_64, win-amd64, win32, macosx-11.0-arm64.
_PLATFORM = re.compile(r".+-((?:linux|win|macosx|darwin|freebsd)\d*(?:-[A-Za-z0-9_.]+){0,2})")


def is_frozen(given: Input) -> bool:
    """Return whether an input is the archive of a frozen program."""
    if not given.name.endswith(SUFFIX):
        return False
    # What `sign` has only passed on may be any archive.
    return given.uses == "freeze" or (given.uses == "sign" and bool(platform_tag(given.name)))


def is_bill(given: Input) -> bool:
    """Return whether an input is the bill of materials of a frozen program."""
    return given.uses in _BILLED and given.name.endswith(BILL)


def platform_tag(name: str) -> str | None:
    """Return the platform that a frozen program's archive names, such as "win-amd64".

    Args:
        name: The archive's file name.

    Returns:
        The tag; None: the name has none.
    """
    match = _PLATFORM.fullmatch(name.removesuffix(SUFFIX))
    return match[1] if match else None
