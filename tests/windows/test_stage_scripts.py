"""Stage scripts on Windows: process trees, long paths, line ends, code pages, locks, names."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.git_daemon import git_daemon

from .wine import PYTHON, Windows

pytestmark = [pytest.mark.windows, pytest.mark.timeout(600)]

ANN = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]
LONG = "/".join(["l" * 90] * 4)
#: Names that Linux takes and Windows does not.
WRONG = ("con", "a:b", "dir/aux.txt", "nul.c")


def _git(folder: Path, *words: str, given: str | None = None) -> str:
    done = subprocess.run(
        ["git", *ANN, *words], cwd=folder, input=given, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def source(tmp_path: Path) -> tuple[str, list[str]]:
    """A repository: its good revision, and one for each name that Windows cannot have."""
    folder = tmp_path / "source"
    (folder / LONG).mkdir(parents=True)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    for name in ("plain.txt", "attributed.text", f"{LONG}/deep.txt"):
        (folder / name).write_bytes(b"one\ntwo\n")
    (folder / "dos.bat").write_bytes(b"@echo\r\n")
    (folder / "żółw ✓.txt").write_text("żółw\n")
    (folder / ".gitattributes").write_text("*.text text=auto\n*.bat text eol=crlf\n")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "-m", "good")
    good = _git(folder, "rev-parse", "HEAD")
    wrong = []
    for number, name in enumerate(WRONG):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
        _git(folder, "-c", "core.protectNTFS=false", "add", "--all")
        _git(folder, "commit", "--quiet", "-m", name)
        wrong.append(_git(folder, "rev-parse", "HEAD"))
        _git(folder, "branch", f"wrong{number}")
        _git(folder, "reset", "--quiet", "--hard", good)
    return good, wrong


def test_what_bites_on_windows(
    windows: Windows, tmp_path: Path, source: tuple[str, list[str]]
) -> None:
    place = windows.path(r"C:\tests")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    shutil.copy(Path(__file__).with_name("inside.py"), place)
    good, wrong = source
    with git_daemon(tmp_path) as address:
        done = windows.run(
            *(PYTHON, "-X", "utf8", r"C:\tests\inside.py", "-v"),
            env={"SLIPWAY_TEST_SOURCE": f"{address}/source {good} {','.join(wrong)}"},
            timeout=500,
        )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-8000:]
    assert re.search(r"Ran \d\d tests", done.stdout)
