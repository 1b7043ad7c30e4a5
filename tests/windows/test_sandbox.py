"""The script for Windows Sandbox, run by cmd on a machine on which nothing was installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.scripts.stages.freeze.clean_room.windows_sandbox import write_sandbox_files
from slipway.scripts.stages.freeze.smoke_runs import Start

from .installation import NotHere, fresh
from .wine import Windows

pytestmark = pytest.mark.windows

#: Prints its arguments, one a line, and ends with the number of them.
_PROGRAM = r"""
#include <stdio.h>
int main(int count, char **words) {
    for (int i = 1; i < count; i++) printf("[%s]\n", words[i]);
    return count - 1;
}
"""
_WORDS = ("a b", "100%PATH%", "a&echo broken", 'say "x"', "x|y>z<w^v", "(!x!)", "")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Windows]:
    compiler = shutil.which("x86_64-w64-mingw32-gcc")
    if compiler is None:
        pytest.skip("no compiler for Windows: apt install gcc-mingw-w64-x86-64-win32")
    try:
        with fresh(tmp_path / "machine") as found:
            tree = found.path(r"C:\frozen\app")
            tree.mkdir(parents=True)
            (tmp_path / "app.c").write_text(_PROGRAM)
            subprocess.run([compiler, "-o", tree / "app.exe", tmp_path / "app.c"], check=True)
            yield found
    except NotHere as why:
        pytest.skip(str(why))


def test_each_run_is_started_as_it_is_asked_for(machine: Windows) -> None:
    starts = (
        Start("app", _WORDS, code=len(_WORDS)),
        Start("app", ("a\nb",)),
        Start("app", ("-v",)),
    )
    asked = [(one, "app/app.exe") for one in starts]
    results = machine.path(r"C:\results")
    results.mkdir()
    write_sandbox_files(machine.path(r"C:\frozen"), "app-win-amd64", asked)
    machine.done("cmd", "/c", r"C:\frozen\app-win-amd64-sandbox.cmd")
    assert (results / "results.txt").read_text().splitlines() == [
        f"run 1: exit code {len(_WORDS)}; it has to be {len(_WORDS)}",
        "run 2: left out: an argument of several lines",
        "run 3: exit code 1; it has to be 0",
        "done",
    ]
    assert (results / "run-1.txt").read_text().splitlines() == [f"[{word}]" for word in _WORDS]
