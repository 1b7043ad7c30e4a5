"""What tests of the command line share: a small site of commands that runs for real."""

import os
import subprocess
import sys

import pytest

from slipway.cli.main import main
from slipway.cli.preflight import checks as outlook
from slipway.cli.preflight.isolation import isolation

PYTHON = sys.executable
SITE = """\
[project.demo]
repository = "code"
{stages}
[workers.local]
"""


@pytest.fixture(autouse=True)
def whatever_machine_this_is(monkeypatch):
    """Leave out the look at what this machine can keep apart; tests/attack looks at it."""
    checks = tuple(check for check in outlook.CHECKS if check is not isolation)
    monkeypatch.setattr(outlook, "CHECKS", checks)


class Place:
    """A folder with a site in it, and `slipway` in this process."""

    def __init__(self, folder, capsys):
        self.folder, self._capsys = folder, capsys
        self.config = folder / "pipeline.toml"

    def write(self, **stages):
        """Write a site whose stages run Python programs: name=(program, keys)."""
        text = ""
        for name, (program, keys) in stages.items():
            text += f"[project.demo.stages.{name}]\nuses = 'command'\n"
            text += f"argv = ['{PYTHON}', '-c', '''{program}''']\n{keys}\n"
        self.config.write_text(SITE.format(stages=text), "utf-8")
        (self.folder / "code").mkdir(exist_ok=True)
        return self

    def slipway(self, *words):
        """Run a command; return its exit code, what it printed, and what it complained about."""
        try:
            code = main([str(word) for word in words])
        except SystemExit as error:
            code = error.code
        said = self._capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def place(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("SLIPWAY_STATE", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path, capsys)


@pytest.fixture
def start(place):
    """Start `slipway` as a process of its own; what is left of it is ended after the test."""
    started = []

    def begin(*words, **options):
        process = subprocess.Popen(
            [PYTHON, "-m", "slipway.cli", *words],
            cwd=place.folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
