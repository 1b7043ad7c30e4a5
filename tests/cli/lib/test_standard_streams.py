"""Any encoding, a reader that is gone, no output at all: a sentence at most, never a traceback."""

import io
import os
import pty
import subprocess
import sys

import pytest

from slipway.cli.main import main
from slipway.cli.parsing import parser
from slipway.ledger import runs
from slipway.ledger.database.session import LedgerSession
from slipway.model.commit import Cause, Commit
from tests.support.ledgers import make_ledger

pytestmark = pytest.mark.slow

SLIPWAY = [sys.executable, "-m", "slipway.cli"]
ENCODINGS = ("ascii", "cp1252", "latin-1")
SUBJECT = "日本 → “café” ✓"
COMMANDS = sorted(parser()._subparsers._group_actions[0].choices)
#: What each is told so that it does something or says why not; else nothing.
WORDS = {
    "trigger": ["--reason", SUBJECT],
    "example": [SUBJECT, "target"],
    "worker": ["w", "--name", SUBJECT, "--master", "x", "--password-file", "p"],
    "verify": [SUBJECT],
    "stage": [SUBJECT, "--settings", SUBJECT],
    "run": ["--project", SUBJECT],
    "passwd": [SUBJECT, "--stdin"],
}


@pytest.fixture
def site(place):
    """A site of one project with a run of a commit from far away."""
    place.write(unit=(f"print('{SUBJECT}')", ""), pack=("pass", 'needs = ["unit"]'))
    git = ["git", "-C", str(place.folder / "code"), "-c", "user.name=A", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "One"], check=True)
    (place.folder / ".slipway").mkdir()
    engine = make_ledger(f"sqlite:///{place.folder / '.slipway' / 'state.sqlite'}")
    with LedgerSession(engine) as session:
        commit = Commit("main", "a" * 40, "1.4.0", 1, SUBJECT, "Ánn 日本")
        runs.start_run(session, "demo", commit, Cause("force", "日本"), 1_700_000_000.0)
        session.commit()
    engine.dispose()
    return place


@pytest.fixture
def speak(monkeypatch):
    """Return a way to run a command whose output knows few letters."""

    def run(encoding, *words):
        said = {}
        for name in ("stdout", "stderr"):
            said[name] = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
            monkeypatch.setattr(sys, name, said[name])
        try:
            code = main(list(words))
        except SystemExit as error:
            code = error.code
        # Events of a stage are UTF-8 wherever they are written to.
        return code, *(one.buffer.getvalue().decode(one.encoding) for one in said.values())

    return run


# ASCII lacks most; the others once each, in turn.
@pytest.mark.parametrize(
    ("command", "encoding"),
    [(name, "ascii") for name in COMMANDS]
    + [(name, ENCODINGS[1 + number % 2]) for number, name in enumerate(COMMANDS)],
)
def test_every_command_speaks_in_any_encoding(site, speak, monkeypatch, command, encoding):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    code, out, err = speak(encoding, command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith("usage: slipway")
    if command in {"up", "stage", "features"}:
        site.config.write_text("[site]\ntitel = '✓'\n", "utf-8")
    code, out, err = speak(encoding, command, *WORDS.get(command, []))
    assert code in {0, 1, 2, 3}
    assert "Traceback" not in out + err


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_symbols_degrade_and_letters_can_be_told_apart(site, speak, encoding):
    code, out, _ = speak(encoding, "check")
    assert (code, "+ pipeline.toml: good" in out) == (0, True)
    _, out, _ = speak(encoding, "runs")
    assert r"\u65e5\u672c" in out
    assert ("café" if encoding != "ascii" else r"caf\xe9") in out
    assert "aaaaaaaaaa" in out


def test_where_the_letters_are_known_they_are_printed(site, speak):
    code, out, _ = speak("utf-8", "runs")
    assert (code, SUBJECT in out) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize("words", [["runs"], ["check"], ["audit", "--csv"]])
def test_a_reader_that_is_gone(site, words):
    reading, writing = os.pipe()
    os.close(reading)
    for both in (False, True):
        done = subprocess.run(
            [*SLIPWAY, *words],
            cwd=site.folder,
            stdout=writing,
            stderr=writing if both else subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 141
        # Some machines cannot keep a worker apart, which `check` says.
        said = [line for line in (done.stderr or "").splitlines() if "not isolated" not in line]
        assert said == []
    os.close(writing)


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_no_output_at_all(site, closed):
    for words, code in ((["runs"], 0), (["--version"], 0), (["chekc"], 2)):
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *SLIPWAY, *words],
            cwd=site.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code
        assert "Traceback" not in done.stderr
        assert not (done.stderr and "2>&-" in closed)


def test_what_is_opened_never_becomes_the_output(site):
    """With a closed output the next file would be it, and get what is printed: the ledger, say."""
    ledger = site.folder / ".slipway" / "state.sqlite"
    before = ledger.read_bytes()
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *SLIPWAY, "audit", "--verify"]
    done = subprocess.run(command, cwd=site.folder, timeout=120, check=False)
    assert done.returncode == 0
    assert ledger.read_bytes() == before


def test_the_end_of_input_where_a_password_is_asked_for(site):
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*SLIPWAY, "passwd", "ann"],
        cwd=site.folder,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        os.close(theirs)
        assert process.stderr.read(len("Password")) == "Password"
        os.write(ours, b"\x04")
        out, err = process.communicate(timeout=120)
    os.close(ours)
    assert (process.returncode, out) == (2, "")
    assert err.endswith("the input ended before everything was answered\n")


def test_a_job_is_utf_8_whatever_the_terminal_speaks(place):
    job = (
        '{"project": "demo", "name": "unit", "output": "out", "cache": "cache", "state": "state",'
        '"stage": {"uses": "command", "argv": ["echo", "é日"]},'
        '"run": {"number": 1, "revision": "", "branch": "", "committed_at": 1, "version": "1+1"}}'
    )
    done = subprocess.run(
        [*SLIPWAY, "stage", "command", "--settings", "-"],
        cwd=place.folder,
        input=job.encode(),
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
