"""What the guest writes of unittest is XML that says what the tests said, whatever they say."""

import subprocess
import sys

import pytest

from slipway.scripts.stages.tests import junit
from slipway.scripts.stages.tests.runners import GUEST

TESTS = r"""
import unittest

PLAIN = "a <b> & 'c' \"d\" ]]> \t| end"
SPECIAL = "bell \a, nul \0, escape \x1b[31m, é, \U0001f6a2, \ud800, \uffff"

class Tests(unittest.TestCase):
    def test_plain(self):
        self.fail(PLAIN)

    def test_special(self):
        self.fail(SPECIAL)

    def test_skipped(self):
        self.skipTest("first\n\tsecond \"third\" \b")

    def test_skipped_for_no_text(self):
        raise unittest.SkipTest(42)

    def test_sub(self):
        for name in ("good", "ill\0<&"):
            with self.subTest(name):
                self.assertEqual(name, "good")

    def test_passed(self):
        pass

setattr(Tests, "test_\x01 & <\"é\">", lambda self: None)
"""


def results(folder):
    (folder / "test_said.py").write_text(TESTS, encoding="utf-8")
    argv = [sys.executable, GUEST, folder / "out.xml"]
    done = subprocess.run(argv, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 1, done.stderr.decode(errors="replace")
    read = junit.read(folder / "out.xml", "unittest", folder)
    return {one.name.removeprefix("test_said.Tests."): one for one in read}


@pytest.mark.slow
def test_what_tests_say_is_in_the_results_and_what_xml_cannot_hold_is_a_question_mark(tmp_path):
    found = results(tmp_path)
    assert "a <b> & 'c' \"d\" ]]> \t| end" in found["test_plain"].message
    said = "bell ?, nul ?, escape ?[31m, é, \U0001f6a2, ?, ?"
    assert said in found["test_special"].message
    assert found["test_skipped"].message == 'first\n\tsecond "third" ?'
    assert found["test_skipped_for_no_text"].message == "42"
    assert "ill?<&" in found["test_sub"].message
    statuses = {name: one.status for name, one in found.items()}
    assert statuses == {
        "test_plain": "failed",
        "test_special": "failed",
        "test_skipped": "skipped",
        "test_skipped_for_no_text": "skipped",
        "test_sub": "failed",
        "test_passed": "passed",
        'test_? & <"é">': "passed",
    }


def test_each_result_has_its_place(tmp_path):
    found = results(tmp_path)
    lines = TESTS.split("\n")
    for name in ("test_plain", "test_sub", "test_passed"):
        assert found[name].file == "test_said.py"
        assert f"def {name}(" in lines[found[name].line - 1]
