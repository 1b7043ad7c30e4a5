"""Ending what a program has left where that is thousands."""

import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux")
#: Has thousands of children that have ended, and one that has not.
MANY = """import os, sys, time
from slipway.scripts.process_tree import end_descendants
for _ in range(2500):
    if os.fork() == 0:
        os._exit(0)
if os.fork() == 0:
    time.sleep(100)
began = time.monotonic()
end_descendants(patience=0.5, keep_deployed=sys.argv[1] == "deploy")
print(time.monotonic() - began)
try:
    left = os.waitpid(-1, os.WNOHANG) == (0, 0)
except ChildProcessError:
    left = False
print("left" if left else "none left")
"""


@pytest.mark.slow
@pytest.mark.parametrize("what", ["command", "deploy"])
def test_thousands_that_have_ended_keep_nobody(what):
    began = time.monotonic()
    words = [sys.executable, "-c", MANY, what]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[1] == "none left"
    assert time.monotonic() - began < 40, done.stdout
