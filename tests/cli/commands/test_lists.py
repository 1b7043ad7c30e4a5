"""`slipway runs` and `slipway releases` over a real ledger."""

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import sys
import termios

import pytest

from slipway.cli.main import main
from slipway.ledger import runs
from slipway.ledger.database.session import LedgerSession
from slipway.model.commit import Cause, Commit
from slipway.model.states import StageState
from slipway.scripts.stages.command.stage import CommandStage
from tests.support.ledgers import make_ledger

STAGE = CommandStage(uses="command", argv=("true",))


@pytest.fixture
def told(place):
    """Return a writer of runs, each with one stage that failed and a release."""
    place.write(unit=("pass", ""))
    (place.folder / ".slipway").mkdir()
    engine = make_ledger(f"sqlite:///{place.folder / '.slipway' / 'state.sqlite'}")

    def write(subject="a subject", where="/srv/releases/1"):
        with LedgerSession(engine) as session:
            commit = Commit("main", "abcdef0123" * 4, "1.4.0", 1, subject, "Ann")
            run = runs.start_run(session, "demo", commit, Cause("force", "ann"), 1_700_000_000.0)
            (result,) = runs.first_try(session, run, "unit", STAGE, 1_700_000_001.0)
            runs.finish(result, StageState.FAILED, 1_700_000_003.0, 1)
            runs.settle(run, {"unit": STAGE}, 1_700_000_003.0)
            facts = {"folder": where, "manifest_sha256": "0" * 64}
            runs.keep_release(session, run, facts, [], 1_700_000_004.0)
            session.commit()

    yield write
    engine.dispose()


def test_runs(place, told):
    told()
    told("[bold] and [x] stay :bug:")
    code, out, err = place.slipway("runs")
    assert (code, err) == (0, "")
    head, second, first = lines = out.splitlines()
    assert lines == [line.rstrip() for line in lines]
    assert head.split()[:3] == ["run", "state", "version"]
    for word in ("demo 1", "✗ failed", "1.4.0+1", "abcdef0123 a subject", "✗ unit", "3.0s"):
        assert word in first
    assert "abcdef0123 [bold] and [x] stay :bug:" in second


@pytest.mark.slow
def test_runs_as_json(place, told):
    told()
    told()
    code, out, _ = place.slipway("runs", "--json")
    assert code == 0
    newest, oldest = json.loads(out)
    assert (newest["number"], oldest["number"], oldest["state"]) == (2, 1, "failed")
    assert oldest["stages"]["unit"]["exit_code"] == 1
    (only,) = json.loads(place.slipway("runs", "--json", "--limit", "1", "--project", "demo")[1])
    assert only == newest


def test_releases(place, told):
    told()
    code, out, _ = place.slipway("releases")
    assert code == 0
    assert "/srv/releases/1" in out
    (only,) = json.loads(place.slipway("releases", "--json")[1])
    assert (only["version"], only["place"], only["run"]) == ("1.4.0+1", "/srv/releases/1", 1)


@pytest.mark.parametrize("command", ["runs", "releases"])
def test_json_is_json_whatever_is_in_it(place, told, command):
    told('"quoted" [bold] \u2028 é ' + "long " * 60, "/srv/[bold]/é")
    assert len(json.loads(place.slipway(command, "--json")[1])) == 1


def test_a_subject_with_a_backslash_is_shown(place, told):
    told(r"match \[/a-z] too")
    assert r"match \[/a-z] too" in place.slipway("runs")[1]


def test_a_place_with_brackets_is_shown(place, told):
    told(where="/srv/[old]/releases")
    assert "/srv/[old]/releases" in place.slipway("releases")[1]


@pytest.mark.parametrize(
    ("columns", "kind"), [(40, "xterm"), (40, "dumb"), (80, "dumb"), (80, "xterm"), (300, "dumb")]
)
def test_a_table_fits_its_terminal_and_loses_nothing(place, told, monkeypatch, columns, kind):
    told("A subject of some words")
    told("Another one")
    monkeypatch.setenv("TERM", kind)
    monkeypatch.delenv("COLUMNS")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(theirs, "w") as output, monkeypatch.context() as patch:
        # As the command has it: all three are the terminal.
        for name in ("stdout", "__stdout__"):
            patch.setattr(sys, name, output)
        patch.setattr("rich.console._STD_STREAMS_OUTPUT", (theirs,))
        patch.setattr("rich.console._STD_STREAMS", (theirs,))
        assert main(["runs"]) == 0
    said = b""
    # A terminal whose other end is closed ends in an error.
    with contextlib.suppress(OSError):
        while piece := os.read(ours, 65536):
            said += piece
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;]*m", "", said.decode())
    lines = text.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= columns
    for word in ("took", "stages", "demo 2", "✗ failed", "1.4.0+1", "A subject of some words"):
        assert word in text
    assert len(lines) == 3 if columns == 300 else len(lines) > 3
