"""What a master's memory costs while it waits."""

from __future__ import annotations

import ctypes
import gc
import sys

#: For glibc's allocator: one heap for all threads of the master, which take turns anyway (10 MB);
#: blocks of artefacts go back to the system when they are freed (1 MB).
ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}


def give_back() -> None:
    """Return to the system what loading the configuration has left unused (3 MB).

    What is in use then stays in use. The collector need not look at it again: it stops all threads
    for 0.2 s each time it does.
    """
    # A configuration that was read before, and another one has taken the place of, goes now.
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        # Other C libraries have none.
        if trim is not None:
            trim(0)
