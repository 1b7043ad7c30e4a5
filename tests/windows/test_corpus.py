"""Freeze applications with a trap each on Windows, and have them do their job.

The whole corpus takes an hour under Wine. Here are those whose trap has another form on Windows:
metadata and entry points, spawned processes. The rest, or others: SLIPWAY_WINDOWS_CORPUS
names them, or says "all".
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.freeze_corpus import CORPUS, cases

from .installation import ROOT
from .wine import PYTHON, Windows

pytestmark = [pytest.mark.windows, pytest.mark.timeout(1800)]

_NAMES = os.environ.get("SLIPWAY_WINDOWS_CORPUS", "plugins spawns")
#: What cannot be had under Wine, and why.
_NOT_HERE = {
    "keeps_alive": "there is no compiler for Windows' Python",
}
#: Kept between the cases: uv's downloads, and environments that two of them share.
_CACHE = r"C:\slipway\corpus"


def _wanted() -> list[str]:
    return cases() if _NAMES == "all" else _NAMES.split()


@pytest.mark.parametrize("name", _wanted())
def test_it_does_its_job(name: str, windows: Windows) -> None:
    if name in _NOT_HERE:
        pytest.skip(_NOT_HERE[name])
    assert (CORPUS / name).is_dir()
    support = str(Path("Z:") / ROOT / "tests" / "support" / "freeze_corpus.py").replace("/", "\\")
    windows.done(PYTHON, support, name, "--cache", _CACHE, timeout=900)
