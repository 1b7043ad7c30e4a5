"""Versions of releases as Windows installers and Debian packages number them."""

import itertools
import shutil
import subprocess

import pytest

from slipway.model.errors import WrongInput
from slipway.scripts.stages.installer.versions import (
    debian_version,
    msi_numbers,
    windows_numbers,
)

#: Each newer than the one before, by PEP 440 and by the number of the run.
RISING = (
    "1.4.0.dev1+2",
    "1.4.0a1.dev1+3",
    "1.4.0a1+4",
    "1.4.0b2+5",
    "1.4.0rc1+6",
    "1.4.0+local.9",
    "1.4.0+local.10.dirty",
    "1.4.0+7",
    "1.4.0+8",
    "1.4.0+10",
    "1.4.0.post1.dev2+11",
    "1.4.0.post1+12",
    "1.4.1+13",
    "1.10.0+14",
    "1!0.1+15",
)


def test_debian_orders_them_as_pep_440_does():
    if shutil.which("dpkg") is None:
        pytest.skip("dpkg is Debian's own: it cannot be had on other machines")
    for older, newer in itertools.pairwise(RISING):
        words = [debian_version(older), "lt", debian_version(newer)]
        assert subprocess.run(["dpkg", "--compare-versions", *words], check=False).returncode == 0
        assert subprocess.run(["dpkg", "--validate-version", words[0]], check=False).returncode == 0


def test_windows_orders_runs_within_three_numbers():
    assert windows_numbers("1.4.0+7") < windows_numbers("1.4.0+8") < windows_numbers("1.4.1+2")
    assert windows_numbers("1.4.0rc1+6") < windows_numbers("1.4.0+7")
    assert (
        windows_numbers("1.4.0+local.9") == windows_numbers("1.4.0+local.3.dirty") == (1, 4, 0, 0)
    )
    assert windows_numbers("2+3") == (2, 0, 0, 3)
    assert windows_numbers("1.4.0.9+3") == (1, 4, 0, 3)
    assert msi_numbers("255.255.65535+99999") == (255, 255, 65535, 99999)


@pytest.mark.parametrize("text", ["", "latest", "1.0; rm -rf /", "1.0\nPackage: x", "$(id)"])
def test_what_is_no_version_is_refused(text):
    for say in (debian_version, windows_numbers, msi_numbers):
        with pytest.raises(WrongInput, match="cannot be that of an installer"):
            say(text)


def test_what_windows_cannot_number_is_refused():
    with pytest.raises(WrongInput, match="no epoch and no number above 4294967295"):
        windows_numbers("1!2.0+3")
    with pytest.raises(WrongInput, match="no epoch"):
        windows_numbers("4294967296.0+3")
    for text in ("2026.11.3+7", "1.256.0+7", "1.2.65536+7"):
        with pytest.raises(WrongInput, match=r"up to 255\.255\.65535; number releases so"):
            msi_numbers(text)
