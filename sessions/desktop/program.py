"""Start a session's desktop program under a supervisor; the agent inside it connects back."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.sessions.desktop.link import Link, greet
from slipway.sessions.errors import SessionError
from slipway.sessions.settings import WrongSetting

__all__ = ["VARIABLE", "DesktopSettings", "Program"]

#: Environment variable with the address that the agent connects to.
VARIABLE = "SLIPWAY_DESKTOP_AGENT"
_SUPERVISOR = Path(__file__).parents[1] / "supervisor.py"
_PAUSE = 0.02
_END = 10.0
_TAIL = 40
#: Qt's offscreen platform prints this whenever a window is raised.
_NOISE = "This plugin does not support "
_LAST = 6
_PLACEHOLDER = re.compile(r"\{(?:(folder)|database(?::([^{}]+))?)\}")
_NO_LIBRARY = re.compile(r"(lib[\w.+-]+\.so[\d.]*): cannot open shared object file")
_DEBIAN = "libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon0 fonts-dejavu-core"


@dataclass(frozen=True)
class DesktopSettings:
    """Settings for starting the program."""

    command: tuple[str, ...]
    """Program and arguments; "python" is the Python that runs the features."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Additional environment variables."""
    seeds: Mapping[str, Path] = field(default_factory=dict)
    """Seed databases by name; each program gets its own copies."""
    cwd: Path | None = None
    """The working directory. None: that of the features."""
    patience: float = 30.0
    """Timeout of the agent's connection in seconds."""


class Program:
    """A process of the program.

    In command and env, {folder} is replaced by a fresh folder, {database} or {database:NAME} by the
    copy of a seed.
    """

    def __init__(self, settings: DesktopSettings) -> None:
        """Start the program and wait until its agent connects.

        Raises:
            SessionError: It ends, Qt is missing, or its agent does not call.
            WrongSetting: The command's program does not exist.
        """
        self._settings = settings
        self._token = secrets.token_urlsafe(24)
        self.folder = Path(tempfile.mkdtemp(prefix="slipway-desktop-"))
        self._process: subprocess.Popen[bytes] | None = None
        try:
            with socket.create_server(("127.0.0.1", 0)) as listening:
                self._start(listening.getsockname()[1])
                self.link, self.agent = self._await(listening)
        except BaseException:
            self.end()
            raise

    def _start(self, port: int) -> None:
        copies = self._copies()

        def fill(text: str) -> str:
            return _PLACEHOLDER.sub(lambda found: _filled(found, self._own(), copies), text)

        cwd = (self._settings.cwd or Path.cwd()).resolve()
        program, *arguments = [fill(word) for word in self._settings.command]
        env = {**os.environ, **{name: fill(text) for name, text in self._settings.env.items()}}
        if sys.platform == "linux" and not (env.get("DISPLAY") or env.get("WAYLAND_DISPLAY")):
            env.setdefault("QT_QPA_PLATFORM", "offscreen")
        env.setdefault("PYTHONUNBUFFERED", "1")
        env[VARIABLE] = f"{port}:{self._token}"
        keeper = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(self.folder)]
        self._process = subprocess.Popen(
            [*keeper, _find(program, cwd, env), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=cwd,
            env=env,
            # A new session: a signal to our process group must not end the supervisor first.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def _own(self) -> Path:
        own = self.folder / "own"
        own.mkdir(exist_ok=True)
        return own

    def _copies(self) -> dict[str, Path]:
        copies = {}
        for name, seed in self._settings.seeds.items():
            copies[name] = self._own() / seed.name
            shutil.copyfile(seed, copies[name])
        return copies

    def _await(self, listening: socket.socket) -> tuple[Link, dict[str, Any]]:
        """Wait for the connection of the started program; reject all others."""
        deadline = time.monotonic() + self._settings.patience
        listening.settimeout(_PAUSE)
        while time.monotonic() < deadline:
            try:
                called, _ = listening.accept()
            except TimeoutError:
                if self.ending is not None:
                    raise self._ended_early() from None
                continue
            greeted = greet(called, self._token)
            if greeted is not None:
                return greeted
        msg = (
            f"no agent called from the desktop program within {self._settings.patience:.0f} "
            'seconds: put it in with `slipway features --desktop-agent FILE` and call its "serve" '
            f"after QApplication is made; the program said: {self._output_sentence()}"
        )
        raise SessionError(msg)

    def _ended_early(self) -> SessionError:
        tail = self.tail()
        sentence = f"the desktop program ended {self.ending} before its window was there"
        library = _NO_LIBRARY.search(tail)
        if library or "Could not find the Qt platform plugin" in tail:
            lacks = library[1] if library else "a library of Qt's platform plugin"
            return SessionError(
                f"{sentence}: {lacks} is missing on this machine (Debian: apt install {_DEBIAN})"
            )
        if re.search(r"No module named '(PySide6|PyQt6)", tail):
            return SessionError(
                f"{sentence}: PySide6 is not in the environment it runs in; add "
                f"pyside6-essentials to the project's dependencies"
            )
        return SessionError(f"{sentence}: {self._output_sentence()}")

    @property
    def ending(self) -> str | None:
        """The description of its end, such as "with exit code 1"; None while it runs."""
        try:
            code = int((self.folder / "ended").read_text())
        except (OSError, ValueError):
            if self._process is not None and self._process.poll() is not None:
                return "as its keeper was ended from outside"
            return None
        return f"with exit code {code}" if code >= 0 else f"by signal {-code}"

    def await_ending(self, seconds: float = 2.0) -> str | None:
        """Return the description of its end, after a short wait for one that has just hung up."""
        deadline = time.monotonic() + seconds
        while (how := self.ending) is None and time.monotonic() < deadline:
            time.sleep(_PAUSE)
        return how

    def tail(self, lines: int = _TAIL) -> str:
        """Return the last lines of its output, without its token."""
        try:
            output = (self.folder / "output.log").read_text("utf-8", errors="replace")
        except OSError:
            return ""
        kept = [one for one in output.replace(self._token, "***").splitlines() if _NOISE not in one]
        return "\n".join(kept[-lines:])

    def _output_sentence(self) -> str:
        return " | ".join(one for one in self.tail(_LAST).splitlines() if one.strip()) or "nothing"

    def end(self) -> None:
        """End the program and its descendants, and remove its folder. Idempotent."""
        with contextlib.suppress(AttributeError):
            self.link.close()
        if self._process is not None:
            with contextlib.suppress(OSError):
                if self._process.stdin is not None:
                    self._process.stdin.close()
            try:
                self._process.wait(_END)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _find(program: str, cwd: Path, env: Mapping[str, str]) -> str:
    """Return the path of a program."""
    if program == "python":
        return sys.executable
    if Path(program).name != program:
        for path in (cwd / program, cwd / f"{program}.exe"):
            if path.is_file():
                return str(path)
        raise WrongSetting(f'desktop: the program "{program}" is not in {cwd}; correct it')
    found = shutil.which(program, path=env.get("PATH"))
    if found is None:
        msg = f'desktop: the program "{program}" is not on PATH; install it or name its file'
        raise WrongSetting(msg)
    return str((cwd / found).absolute())


def _filled(found: re.Match[str], own: Path, copies: Mapping[str, Path]) -> str:
    if found[1]:
        return str(own)
    named = found[2]
    if named is None and len(copies) == 1:
        return str(next(iter(copies.values())))
    if named in copies:
        return str(copies[named])
    known = ", ".join(copies) or "none; let the stage need one that uses databases"
    raise WrongSetting(f"desktop: {found[0]} is no seed database; there are: {known}")
