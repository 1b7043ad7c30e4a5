"""What every test gets: orphans that go where they would outside of a test."""

import ctypes
import sys

import pytest

_PR_SET_CHILD_SUBREAPER = 36


@pytest.fixture(autouse=True)
def orphans_go_to_init():
    """Undo what a stage in this process asks of Linux: no other test shall inherit its orphans."""
    yield
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
