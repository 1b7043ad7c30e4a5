"""Floods that a committer's stage makes: what its program does, in the folder of the checkout."""

from __future__ import annotations

from tests.support.site import command

PRINTS = """
import sys
block = ("x" * 99 + "\\n") * 10_000
for _ in range(200):
    sys.stdout.write(block)
"""
BREEDS = """
import os, time
for _ in range(200):
    if os.fork() == 0:
        os.setsid()
        time.sleep(300)
        os._exit(0)
time.sleep(SECONDS)
"""
FAILS = """
import unittest

TEXT = "\\n".join(f"line {n} of what was expected and was not there" for n in range(80))[:3500]

class Tests(unittest.TestCase):
    pass

def test(self):
    self.fail(TEXT)

for number in range(20_000):
    setattr(Tests, f"test_{number}", test)
"""
TESTS = """
[project.demo.stages.flood]
uses = "tests"
timeout = "1h"
suites = [{ runner = "unittest", arguments = ["--quiet", "flood"] }]
"""
RUNS = command("flood", "import flood", timeout='"1h"')
#: By the names that the command line has: the stage, and the program that makes the flood.
STAGES = {"prints": (RUNS, PRINTS), "tests": (TESTS, FAILS), "processes": (RUNS, BREEDS)}
