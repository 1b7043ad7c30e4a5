"""The command line."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from almanac import __version__
from almanac.cli import main

ROOT = Path(__file__).parent.parent
WHEN = ["--on", "2026-12-01", "--from", "09:00", "--to", "09:30"]
ADD = ["add", "Check", "--for", "ann@example.org", *WHEN]


def test_the_version_needs_no_database() -> None:
    command = [sys.executable, "-m", "almanac", "--database", "nonsense", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"almanac {__version__}\n"
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__


@pytest.mark.usefixtures("url")
def test_a_day_is_filled_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["add-person", "Ann Lee", "ann@example.org", "--born", "1980-02-29"]) == 0
    assert main([*ADD, "--place", "Room 1", "--fee", "45"]) == 0
    capsys.readouterr()
    assert main(["list", "--on", "2026-12-01"]) == 0
    assert capsys.readouterr().out == "09:00-09:30 Check: Ann Lee (Room 1)\n"
    assert main(["list", "--on", "2026-12-02"]) == 0
    assert capsys.readouterr().out == "No appointments on 2026-12-02.\n"
    assert main(["history", "--limit", "1"]) == 0
    assert "command line: insert appointments 1: " in capsys.readouterr().out


@pytest.mark.usefixtures("url")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add-person", "Ann", "nowhere"], "almanac: email: This is not an e-mail address.\n"),
        (["list", "--on", "tomorrow"], "almanac: on: Write the date as YYYY-MM-DD.\n"),
        (ADD, "almanac: person: Nobody here has the address ann@example.org.\n"),
        (["history", "--limit", "0"], "almanac: limit: Must be 1 or more.\n"),
        (["serve", "--port", "70000"], "almanac: port: Must be between 0 and 65535.\n"),
    ],
)
def test_wrong_input_is_one_sentence(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", message)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "'nonsense' is not a database URL"),
        ("strange://x", "no driver for strange"),
        (f"sqlite:///{__file__}/book.db", "cannot be made"),
        (f"sqlite:///{ROOT}", "cannot be opened: unable to open"),
    ],
)
def test_a_database_that_does_not_work_is_one_sentence(
    url: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--database", url, "list"]) == 1
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_an_unknown_command_is_wrong_input() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["dance"])
    assert caught.value.code == 2
