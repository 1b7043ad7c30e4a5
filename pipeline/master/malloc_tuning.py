"""Reduce the idle master's resident memory (glibc malloc settings, malloc_trim)."""

from __future__ import annotations

import ctypes
import gc
import sys

__all__ = ["ENVIRONMENT", "trim_heap"]

#: glibc's allocator: one arena for all threads, which share the GIL anyway (saves 10 MB); large
#: blocks are returned to the system when freed (saves 1 MB).
ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}


def trim_heap() -> None:
    """Return the memory left over from loading the configuration to the system (3 MB).

    Objects in use are frozen: the garbage collector no longer scans them, which would stop all
    threads for 0.2 s each time.
    """
    # Collect the configuration of an earlier load, which is garbage after a reconfiguration.
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        # Other C libraries lack it.
        if trim is not None:
            trim(0)
