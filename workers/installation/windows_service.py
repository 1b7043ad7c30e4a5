"""The Windows service of a worker: it runs the worker, and runs it again when it has ended."""

# mypy: disable-error-code="import-untyped,import-not-found,attr-defined,misc,unused-ignore"

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
import winreg
from collections import deque
from pathlib import Path

import pywintypes
import servicemanager
import win32api
import win32event
import win32job
import win32service
import win32serviceutil

__all__ = ["WorkerService"]

_TWISTD = "from twisted.scripts.twistd import run; run()"
#: Pauses in seconds before the worker is started again; the last one is repeated.
_PAUSES = (5, 10, 30, 60)
#: Seconds after which a worker counts as having run well.
_WELL = 600
_LINES = 40
#: Size in bytes at which the service's log is begun anew.
_MOST = 1_000_000


class WorkerService(win32serviceutil.ServiceFramework):
    """The service; Windows passes its name, which is the worker's."""

    # pywin32 wants a name before it knows for which service it was started.
    _svc_name_ = "SlipwayWorker"
    _svc_display_name_ = "Slipway worker"

    def __init__(self, args: list[str]) -> None:
        """Prepare to run the worker of the service with this name."""
        self._svc_name_ = args[0]
        super().__init__(args)
        self._stopping = win32event.CreateEvent(None, 1, 0, None)  # by hand, not set
        self._last: deque[str] = deque(maxlen=_LINES)

    def SvcStop(self) -> None:
        """End the worker and everything it has started."""
        self.ReportServiceStatus(win32service.SERVICE_STOP_PENDING)
        win32event.SetEvent(self._stopping)

    SvcShutdown = SvcStop

    def SvcDoRun(self) -> None:
        """Run the worker until the service is stopped."""
        folder = _folder(self._svc_name_)
        failures = 0
        while True:
            began = time.monotonic()
            try:
                if self._run(folder):
                    return
                said = "\n".join(self._last) or "it has said nothing; see twistd.log"
            except Exception as error:  # noqa: BLE001  whatever it is, the worker is to be started
                said = f"{type(error).__name__}: {error}"
            failures = 0 if time.monotonic() - began > _WELL else failures + 1
            pause = _PAUSES[min(max(failures, 1), len(_PAUSES)) - 1]
            _report(folder, f"the worker has ended and starts again in {pause} s: {said}")
            if self._is_stopped(pause * 1000):
                return

    def _is_stopped(self, milliseconds: int) -> bool:
        waited = win32event.WaitForSingleObject(self._stopping, milliseconds)
        return bool(waited == win32event.WAIT_OBJECT_0)

    def _run(self, folder: Path) -> bool:
        """Run the worker once; return True if the service was stopped."""
        self._last.clear()
        job = _job()
        # Not sys.executable: that is pythonservice.exe.
        python = os.path.join(sys.exec_prefix, "python.exe")  # noqa: PTH118
        with subprocess.Popen(
            [python, "-P", "-c", _TWISTD, "--nodaemon", "-y", "buildbot.tac"],
            cwd=folder,
            env={**os.environ, "PYTHONUTF8": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        ) as process:
            reader = threading.Thread(target=self._read, args=(process,), daemon=True)
            reader.start()
            try:
                win32job.AssignProcessToJobObject(job, int(process._handle))  # noqa: SLF001
                while process.poll() is None:
                    if self._is_stopped(500):
                        return True
                return False
            finally:
                # Closing the job ends all its processes: the worker's stages, too.
                win32job.TerminateJobObject(job, 1)
                process.kill()
                process.wait()
                reader.join(5)
                win32api.CloseHandle(job)

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self._last.append(line.rstrip())


def _folder(name: str) -> Path:
    """Return a worker's folder. pywin32's own function asks for the right to write the key."""
    place = rf"SYSTEM\CurrentControlSet\Services\{name}\Parameters"
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
        return Path(winreg.QueryValueEx(key, "folder")[0])


def _report(folder: Path, text: str) -> None:
    """Write a line into the service's log, in the worker's folder, and into Windows's."""
    log = folder / "service.log"
    with contextlib.suppress(OSError):
        if log.exists() and log.stat().st_size > _MOST:
            log.replace(log.with_name("service.log.1"))
        with log.open("a", encoding="utf-8") as stream:
            stream.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
    # It fails if Windows's log is full, for example: no reason to end the worker.
    with contextlib.suppress(pywintypes.error):
        servicemanager.LogWarningMsg(text)


def _job() -> int:
    """Return a job whose processes end when it is closed, as when this process is killed."""
    job: int = win32job.CreateJobObject(None, "")
    kind = win32job.JobObjectExtendedLimitInformation
    limits = win32job.QueryInformationJobObject(job, kind)
    wanted = win32job.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
    limits["BasicLimitInformation"]["LimitFlags"] |= wanted
    win32job.SetInformationJobObject(job, kind, limits)
    return job
