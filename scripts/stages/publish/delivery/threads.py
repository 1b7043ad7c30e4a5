"""Do something for each target in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from slipway.model.errors import SlipwayError, StageFailed, error_line
from slipway.scripts.stages.publish.delivery.clock import Clock

__all__ = ["error_of", "side_by_side"]

#: Seconds between two looks for a signal, and to wait for threads of a stage that is stopped.
_LOOK, _PATIENCE = 0.5, 10.0


def side_by_side(works: Sequence[Callable[[], None]], clock: Clock) -> None:
    """Do all of it at once, and wait for all; a signal ends the waiting.

    Args:
        works: Each does a part, and raises nothing.
        clock: It is stopped if this is.
    """
    # Daemons: a stage that is stopped does not wait for a connection that hangs.
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(_LOOK)
    except BaseException:
        clock.stop()
        until = time.monotonic() + _PATIENCE
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        raise


def error_of(error: Exception, where: str) -> SlipwayError:
    """Return an error of ours for any error of a target or of the library it uses."""
    if isinstance(error, SlipwayError):
        return error
    return StageFailed(f"{where}: {getattr(error, 'strerror', None) or error_line(error)}")
