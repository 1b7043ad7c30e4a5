"""Hold a process and all it starts together in a Job Object of Windows.

A process that ends gives its children to nobody there: what they were is forgotten, and neither
their parent's parent nor the stage can find them. The job knows all its members, and ends them when
its last handle is closed, as when this process ends or is killed.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

__all__ = ["join", "members"]

#: JobObjectBasicProcessIdList and JobObjectExtendedLimitInformation of winnt.h.
_PROCESS_IDS, _EXTENDED_LIMITS = 3, 9
_KILL_ON_JOB_CLOSE = 0x2000
#: Members that are listed at once; the rest is listed when those have ended.
_MOST = 4000
_BIT_64 = ctypes.c_uint64


class _Limits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = (
        ("times", ctypes.c_int64 * 2),
        ("flags", ctypes.c_uint32),
        ("working_set", ctypes.c_size_t * 2),
        ("processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("classes", ctypes.c_uint32 * 2),
        ("io", _BIT_64 * 6),
        ("memory", ctypes.c_size_t * 4),
    )


class _Members(ctypes.Structure):
    """JOBOBJECT_BASIC_PROCESS_ID_LIST."""

    _fields_ = (
        ("all", ctypes.c_uint32),
        ("listed", ctypes.c_uint32),
        ("pids", ctypes.c_size_t * _MOST),
    )


#: The job's handle: never closed, so that Windows closes it with this process.
_job: int | None = None


def join() -> bool:
    """Put this process, and all that it starts from now on, into a job of their own.

    Returns:
        False where there are no jobs, or this one could not be made.
    """
    global _job  # noqa: PLW0603  there is one job for a process
    if os.name != "nt" or _job is not None:
        return _job is not None
    kernel = _kernel()
    made = kernel.CreateJobObjectW(None, None)
    limits = _Limits(flags=_KILL_ON_JOB_CLOSE)
    size = ctypes.sizeof(limits)
    done = made and kernel.SetInformationJobObject(
        made, _EXTENDED_LIMITS, ctypes.byref(limits), size
    )
    if done and kernel.AssignProcessToJobObject(made, kernel.GetCurrentProcess()):
        _job = made
        return True
    if made:
        kernel.CloseHandle(made)
    return False


def members() -> list[int] | None:
    """Return the processes of the job but for this one; None if there is no job."""
    if _job is None:
        return None
    found = _Members()
    # It fails if there are more, and lists what it can.
    _kernel().QueryInformationJobObject(
        _job, _PROCESS_IDS, ctypes.byref(found), ctypes.sizeof(found), None
    )
    here = os.getpid()
    return [pid for pid in found.pids[: found.listed] if pid != here]


def _kernel() -> Any:
    """Return Windows' kernel32, with the types of what is called."""
    kernel: Any = getattr(ctypes, "WinDLL")("kernel32", use_last_error=True)  # noqa: B009
    handle, pointer, number = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32
    kernel.CreateJobObjectW.restype = kernel.GetCurrentProcess.restype = handle
    kernel.CreateJobObjectW.argtypes = (pointer, ctypes.c_wchar_p)
    kernel.SetInformationJobObject.argtypes = (handle, ctypes.c_int, pointer, number)
    kernel.AssignProcessToJobObject.argtypes = (handle, handle)
    kernel.QueryInformationJobObject.argtypes = (handle, ctypes.c_int, pointer, number, pointer)
    kernel.CloseHandle.argtypes = (handle,)
    return kernel
