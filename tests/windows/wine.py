"""A Windows machine for tests, under Wine.

What bites in Wine 8 (each line was seen):

- Python cannot start where a standard stream is a file: "init_sys_streams: [WinError 6]". All three
  are pipes here.
- `powershell`, `schtasks`, `icacls` and `tasklist` are stubs that do nothing and return 0.
- Variables such as PATH, HOME, TMP and QT_* do not come through from Linux: they are set inside.
- Programs for 32 bits do not start: the prefix has 64 bits alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

__all__ = ["PYTHON", "Windows", "find_wine"]

#: Debian's `wine` is a script that warns at each start of what 64 bits do not need.
_LOADERS = ("/usr/lib/wine/wine64", "wine64")
_SERVERS = ("/usr/lib/wine/wineserver64", "/usr/lib/wine/wineserver", "wineserver")
PYTHON = r"C:\Python311\python.exe"
#: Variables of the Linux side that reach Windows programs; the rest is the prefix's own.
_PASSED = ("LANG", "PIP_", "UV_", "http", "HTTP", "no_proxy", "NO_PROXY", "SSL_CERT")


def find_wine() -> str:
    """Return Wine's loader for 64 bits; empty if it is not installed."""
    return _first(_LOADERS)


def _read(descriptor: int, into: list[bytes]) -> None:
    with suppress(OSError):
        while data := os.read(descriptor, 65536):
            into.append(data)


def _first(names: Sequence[str]) -> str:
    return next((found for name in names if (found := shutil.which(name))), "")


@dataclass(frozen=True)
class Windows:
    """One Wine prefix: a disk C:, a registry, and the processes that use them."""

    prefix: Path

    @property
    def disk(self) -> Path:
        """The folder that is C:."""
        return self.prefix / "drive_c"

    def path(self, name: str) -> Path:
        r"""Return the path on Linux of a path on Windows, such as C:\site."""
        parts = PureWindowsPath(name).parts
        assert parts[0].upper() == "C:\\", name
        return self.disk.joinpath(*parts[1:])

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables of Wine itself and of the programs it starts."""
        kept = {name: value for name, value in os.environ.items() if name.startswith(_PASSED)}
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.prefix.parent),
            "USER": os.environ.get("USER", "root"),
            **kept,
            "WINEPREFIX": str(self.prefix),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            # Neither .NET nor a browser's engine: Wine would offer to download them.
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
            **(more or {}),
        }

    def run(
        self, *argv: str, timeout: float = 300, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a Windows program to its end; its output is UTF-8.

        Services that it starts hold its output open: it is read until the program has ended.
        """
        process = subprocess.Popen(
            [find_wine(), *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment(env),
            cwd=self.prefix.parent,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        read: list[bytes] = []
        reader = threading.Thread(target=_read, args=(process.stdout.fileno(), read), daemon=True)
        reader.start()
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            told = b"".join(read).decode("utf-8", "replace")[-4000:]
            raise AssertionError(f"{argv} did not end within {timeout} s:\n{told}") from None
        reader.join(1)
        if not reader.is_alive():
            process.stdout.close()
        text = b"".join(read).decode("utf-8", "replace").replace("\r\n", "\n")
        return subprocess.CompletedProcess(argv, code, text)

    def done(self, *argv: str, timeout: float = 300, env: Mapping[str, str] | None = None) -> str:
        """Run a Windows program that must succeed; return its output."""
        ended = self.run(*argv, timeout=timeout, env=env)
        told = f"{argv} ended with {ended.returncode}:\n{ended.stdout[-4000:]}"
        assert ended.returncode == 0, told
        return ended.stdout

    @contextmanager
    def started(
        self, *argv: str, cwd: str, output: Path, env: Mapping[str, str] | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a Windows program beside the test, in a folder of the disk; end it afterwards."""
        with output.open("ab") as log:
            # Its output goes through a pipe: a file as standard output stops Python from starting.
            copy = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=log)
            process = subprocess.Popen(
                [find_wine(), *argv],
                stdin=subprocess.PIPE,
                stdout=copy.stdin,
                stderr=copy.stdin,
                env=self.environment(env),
                cwd=self.path(cwd),
                start_new_session=True,
            )
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()
            process.wait()
            for stream in (process.stdin, copy.stdin):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
            copy.kill()
            copy.wait()

    @contextmanager
    def switched_on(self) -> Iterator[None]:
        """Keep the machine running: without a program of a user Wine ends all services."""
        with subprocess.Popen(
            [find_wine(), "cmd", "/k"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.environment(),
            cwd=self.prefix.parent,
        ) as process:
            try:
                yield
            finally:
                process.kill()

    def end(self) -> None:
        """End all processes of the prefix, as a computer that is switched off does."""
        server = _first(_SERVERS)
        for words in (("-k",), ("-w",)):
            with suppress(subprocess.TimeoutExpired):
                subprocess.run(
                    [server, *words],
                    env=self.environment(),
                    timeout=30,
                    check=False,
                    capture_output=True,
                )
