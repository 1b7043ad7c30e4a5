"""What ends a command is taken, wherever Python happens to be."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
import weakref

import pytest

from slipway.cli.lib.interrupts import Interrupts

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals to itself")


class _Thing:
    """Something that a weak reference can name."""


def _interrupted(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0)


@posix
def test_a_signal_is_raised_with_its_number_and_the_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts() as interrupts:
        interrupts.check()
        with pytest.raises(KeyboardInterrupt) as raised:
            _interrupted()
        assert raised.value.args == (signal.SIGTERM,)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.slow
@posix
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_comes_while_a_weak_reference_dies_is_not_lost() -> None:
    """As one that came while SQLAlchemy forgot a collection: `slipway up` went on for ever."""
    with Interrupts() as interrupts:
        thing = _Thing()
        kept = weakref.ref(thing, _interrupted)
        # Python prints what is raised in there, and goes on.
        del thing
        gc.collect()
        assert kept() is None
        with pytest.raises(KeyboardInterrupt) as raised:
            interrupts.check()
        assert raised.value.args == (signal.SIGTERM,)


@posix
def test_what_is_ignored_ends_nothing() -> None:
    with Interrupts() as interrupts:
        interrupts.ignore()
        _interrupted()
        interrupts.check()
