"""What commands of another machine print: in any encoding, in any terminal, for any reader."""

import json
import os
import pty
import subprocess

import pytest

from tests.live.conftest import LiveSite
from tests.support.elsewhere import Elsewhere, furnish, read_all
from tests.support.site import SLIPWAY

pytestmark = pytest.mark.live

#: Each command that shows something; all of them take --json.
SHOWN = [
    *(["runs"], ["releases"], ["environments"], ["workers"], ["audit"], ["poll"]),
    *(["gate", "list"], ["gate", "show", "1"], ["token", "list"]),
    *(["show", "1"], ["logs", "1", "pack"]),
]


@pytest.fixture(scope="module")
def elsewhere(shared_site: LiveSite):
    furnish(shared_site)
    return Elsewhere(shared_site, shared_site.folder / "elsewhere")


def begin(elsewhere, words, **options):
    env = elsewhere.env | options.pop("env", {})
    return subprocess.Popen([*SLIPWAY, *words], cwd=elsewhere.folder, env=env, **options)


def test_json_is_json_and_ascii(elsewhere):
    for words in SHOWN:
        text = elsewhere.say(*words, "--json")
        assert json.loads(text) is not None, words
        assert text.isascii(), words


@pytest.mark.parametrize("encoding", ["cp1252"])
def test_every_encoding_is_spoken(elsewhere, encoding):
    for words in SHOWN:
        env = {"PYTHONIOENCODING": encoding}
        with begin(
            elsewhere, words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            out, err = process.communicate(timeout=120)
        assert process.returncode == 0, (words, err)
        assert out.decode(encoding).strip(), words
        assert b"Traceback" not in err, words


def test_a_reader_that_is_gone_is_no_error(elsewhere):
    for words in [*SHOWN, ["download", "1", "demo.bin", "-o", "-"]]:
        reading, writing = os.pipe()
        os.close(reading)
        with begin(elsewhere, words, stdout=writing, stderr=subprocess.PIPE) as process:
            os.close(writing)
            _, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (141, b""), words


def test_a_dumb_terminal_loses_nothing(elsewhere):
    """However narrow: a word that a pipe gets is in the terminal, too."""
    for words in SHOWN:
        wanted = elsewhere.say(*words)
        master, slave = pty.openpty()
        env = {"TERM": "dumb", "COLUMNS": "60"}
        with begin(
            elsewhere, words, env=env, stdin=slave, stdout=slave, stderr=subprocess.PIPE
        ) as process:
            os.close(slave)
            said = read_all(master)
            _, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, b""), words
        if words != ["logs", "1", "pack"]:
            assert "\x1b" not in said, words
        told = "".join(said.split())
        for word in wanted.split():
            # Times and counts go on between the two.
            if word.isalpha():
                assert word in told, f"{words}: {word} not in {said}"


def test_a_wrong_token_and_a_wrong_place_are_one_sentence(elsewhere):
    for words in (["runs"], ["poll"], ["gate", "show", "1"]):
        for env, code in (
            ({"SLIPWAY_TOKEN": "slw_wrong"}, 2),
            ({"SLIPWAY_TOKEN": ""}, 2),
            ({"SLIPWAY_URL": "ftp://127.0.0.1"}, 2),
            ({"SLIPWAY_URL": "http://127.0.0.1:9/"}, 3),
        ):
            with begin(
                elsewhere, words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            ) as process:
                out, err = process.communicate(timeout=120)
            assert (process.returncode, out) == (code, ""), (words, env, err)
            assert len(err.splitlines()) == 1, (words, env, err)
