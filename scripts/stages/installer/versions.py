"""Say a release's version as Windows installers and Debian packages number theirs.

By all of them a later release is newer: first by the version's own numbers, then by the number of
the run. Windows Installer itself compares three numbers alone; the fourth is compared by what the
installer is given to compare.
"""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from slipway.model.errors import WrongInput

__all__ = ["Numbers", "debian_version", "msi_numbers", "numbers_after", "windows_numbers"]

#: Three numbers of the version, and the run's.
Numbers = tuple[int, int, int, int]

#: Largest numbers that Windows Installer compares.
_MSI = (255, 255, 65535)
_DWORD = 0xFFFFFFFF


def _parsed(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        msg = f'the version "{text}" cannot be that of an installer: write one such as 1.4.0'
        raise WrongInput(msg) from None


def windows_numbers(text: str) -> Numbers:
    """Return the numbers that NSIS installers of a product are compared by.

    Args:
        text: The release's version, such as "1.4.0+7". Of a build from a working tree
            ("1.4.0+local.3") the run's number is 0: any run's release is newer.

    Raises:
        WrongInput: The version has an epoch, or too large a number.
    """
    version = _parsed(text)
    first, second, third = (*version.release, 0, 0)[:3]
    local = version.local or ""
    numbers = (first, second, third, int(local) if local.isdecimal() else 0)
    if version.epoch or max(numbers) > _DWORD:
        msg = (
            f'the version "{text}" cannot be that of a Windows installer: it takes no epoch and '
            f"no number above {_DWORD}"
        )
        raise WrongInput(msg)
    return numbers


def msi_numbers(text: str) -> Numbers:
    """Return the numbers of an MSI package.

    Raises:
        WrongInput: One is too large for Windows Installer.
    """
    numbers = windows_numbers(text)
    if any(number > most for number, most in zip(numbers, _MSI, strict=False)):
        msg = (
            f'the version "{text}" cannot be that of an MSI package: its numbers go up to '
            "255.255.65535; number releases so (26.11.3 instead of 2026.11.3), or make nsis"
        )
        raise WrongInput(msg)
    return numbers


def numbers_after(numbers: Numbers) -> tuple[int, int, int]:
    """Return the first version of an MSI package after one's three numbers."""
    first, second, third, _ = numbers
    _, most_of_second, most_of_third = _MSI
    if third < most_of_third:
        return first, second, third + 1
    return (first, second + 1, 0) if second < most_of_second else (first + 1, 0, 0)


def debian_version(text: str) -> str:
    """Return a version that dpkg orders as PEP 440 orders releases.

    A tilde sorts before everything: 1.4.0~~dev1 < 1.4.0~rc1 < 1.4.0 < 1.4.0.post1.

    Args:
        text: The release's version.

    Raises:
        WrongInput: It is no version.
    """
    version = _parsed(text)
    said = f"{version.epoch}:" if version.epoch else ""
    said += ".".join(str(number) for number in version.release)
    if version.pre is not None:
        said += "~{}{}".format(*version.pre)
    if version.post is not None:
        said += f".post{version.post}"
    if version.dev is not None:
        said += f"~{'' if version.pre or version.post is not None else '~'}dev{version.dev}"
    if version.local is not None:
        # Letters would sort after the numbers of runs.
        said += f"+{'' if version.local[0].isdigit() else '0.'}{version.local}"
    return said
