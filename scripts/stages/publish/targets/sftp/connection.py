"""Connect to a server of SFTP by OpenSSH's ssh, and explain its failures."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, cast

from slipway.model.errors import MissingTool, SlipwayError, StageFailed, WrongInput
from slipway.scripts.process_tree import end_tree
from slipway.scripts.python_env.interpreter import clean_environment
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.ssh.client import is_host_key, is_login
from slipway.scripts.stages.publish.targets.sftp.client import Gone, SftpClient
from slipway.scripts.stages.publish.targets.sftp.settings import SftpTarget
from slipway.scripts.stages.publish.targets.sftp.ssh_files import (
    ALIAS,
    CONFIG,
    variables,
    write_files,
)

__all__ = ["Connection"]

_LAST = 4000
_SHOWN = 300
#: Seconds that a server may take for one answer; one that is gone is noticed by ssh before.
_PATIENCE = 120.0
#: Seconds that ssh may take to end.
_ENDING = 3.0


class _Pipes:
    """The two pipes of ssh. Whoever waits too long for them has ssh ended."""

    def __init__(self, process: subprocess.Popen[bytes], give_up: Callable[[], None]) -> None:
        self._give_up = give_up
        self._output = cast("BinaryIO", process.stdin).fileno()
        self._input = cast("BinaryIO", process.stdout).fileno()
        self._since: float | None = None
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._watched, daemon=True)
        self._watch.start()

    def _watched(self) -> None:
        while not self._over.wait(_PATIENCE / 10):
            since = self._since
            if since is not None and time.monotonic() - since > _PATIENCE:
                self._give_up()
                return

    def send(self, data: bytes) -> None:
        """Send all bytes.

        Raises:
            Gone: ssh has ended.
        """
        left = memoryview(data)
        self._since = time.monotonic()
        try:
            while left:
                left = left[os.write(self._output, left) :]
        except OSError as error:
            raise Gone(str(error)) from None
        finally:
            self._since = None

    def receive(self, count: int) -> bytes:
        """Return exactly that many bytes.

        Raises:
            Gone: ssh has ended.
        """
        self._since = time.monotonic()
        try:
            return self._received(count)
        except OSError as error:
            raise Gone(str(error)) from None
        finally:
            self._since = None

    def _received(self, count: int) -> bytes:
        blocks, left = [], count
        while left:
            block = os.read(self._input, left)
            if not block:
                msg = "the connection was closed"
                raise Gone(msg)
            blocks.append(block)
            left -= len(block)
        return b"".join(blocks)

    def close(self) -> None:
        """End the watch."""
        self._over.set()
        self._watch.join()


class Connection:
    """A connection that is made when it is needed, and again after it was lost."""

    def __init__(
        self, target: SftpTarget, secrets: Mapping[str, str], state: Path, folder: Path
    ) -> None:
        """Initialize; nothing is started.

        Args:
            target: The machine's address and credentials.
            secrets: The stage's secrets, by name.
            state: The state folder; relative paths of the settings are relative to it.
            folder: A folder that exists, for one with the key as long as the connection is used.
        """
        self._target, self._secrets, self._state = target, secrets, state
        self._base, self._folder = folder, Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipes: _Pipes | None = None
        self._client: SftpClient | None = None
        self._is_late = False

    def client(self) -> SftpClient:
        """Return the session, connected.

        Raises:
            SlipwayError: It cannot be: the key or the login is refused, or there is no ssh here.
            TryAgain: The machine cannot be reached now.
        """
        if self._client is None:
            try:
                self._connect()
            except BaseException:
                self.close()
                raise
        return cast("SftpClient", self._client)

    def _connect(self) -> None:
        program = shutil.which("ssh")
        if program is None:
            msg = (
                "there is no ssh on this machine, by which sftp is spoken; install it: "
                "apt install openssh-client, or on Windows the feature OpenSSH Client"
            )
            raise MissingTool(msg)
        self._folder = Path(tempfile.mkdtemp(prefix=".sftp-", dir=self._base))
        write_files(self._target, self._secrets, self._state, self._folder)
        self._is_late = False
        # Paths in the settings are relative to this folder: ssh hands them on to another ssh
        # through a shell, which would part them at spaces.
        with (self._folder / "errors").open("wb") as errors:
            process = subprocess.Popen(
                [program, "-T", "-F", CONFIG, "-s", ALIAS, "sftp"],
                cwd=self._folder,
                env=clean_environment() | variables(self._target, self._folder),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
            )
        self._process = process
        self._pipes = _Pipes(process, self._give_up)
        try:
            self._client = SftpClient(self._pipes)
        except Gone as error:
            raise self._unreachable(error) from None

    def _give_up(self) -> None:
        self._is_late = True
        if self._process is not None:
            end_tree(self._process.pid)

    def lost(self, error: Gone, what: str) -> TryAgain:
        """Close a connection that was lost, and return the error.

        Args:
            error: How it was noticed.
            what: What was being done, such as "writing almanac.zip".
        """
        why = self._last_words(error)
        self.close()
        return TryAgain(f"the connection to {self._target.host} was lost while {what}: {why}")

    def _last_words(self, error: Gone) -> str:
        if self._is_late:
            return f"no answer for {_PATIENCE:.0f} seconds"
        return (self._errors() or [str(error)])[-1][:_SHOWN]

    def _errors(self) -> list[str]:
        """Return the lines that ssh has written to the standard error, once it has ended."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_ENDING)
        try:
            data = (self._folder / "errors").read_bytes()[-_LAST:]
        except OSError:
            return []
        lines = data.decode("utf-8", "replace").splitlines()
        plain = ("".join(c if c.isprintable() else " " for c in line).strip() for line in lines)
        return [line for line in plain if line]

    def _unreachable(self, error: Gone) -> SlipwayError:
        """Return why a session could not begin: ssh's message, and the remedy."""
        target, lines = self._target, self._errors()
        text, where = " ".join(lines), f"{target.host}:{target.port}"
        if is_host_key(text):
            return self._wrong_key(where, text)
        if bad := next((line for line in lines if line.startswith("Load key")), None):
            return WrongInput(f"{_key(target)} is no private key that ssh can use: {bad[:_SHOWN]}")
        if is_login(text):
            return StageFailed(
                f'{where} refuses {_key(target)} for the user "{target.user}"; '
                "see that it is allowed to log in there with it"
            )
        if "subsystem request failed" in text or "speaks no SFTP" in str(error):
            return StageFailed(f"{where} lets the user in, but offers no SFTP; turn it on there")
        why = self._last_words(error)
        if "not known" in text or "Unable to negotiate" in text or "Bad configuration" in text:
            return StageFailed(f"{where} cannot be reached: {why}")
        return TryAgain(f"{where} cannot be reached: {why}")

    def _wrong_key(self, where: str, text: str) -> SlipwayError:
        target = self._target
        there = f"the file {target.known_hosts}" if target.known_hosts else "host-key"
        if target.jump and ("slipway-jump" in text or "Connection closed by UNKNOWN" in text):
            where, there = target.jump, there if target.known_hosts else "jump-host-key"
        verb = "has changed to one" if "HAS CHANGED" in text else "is one"
        return StageFailed(
            f"the host key of {where} {verb} that is not in {there}, so nothing was sent; compare "
            "it with the machine's own, and write it there only if it is the same"
        )

    def close(self) -> None:
        """End ssh and remove its files."""
        process, pipes = self._process, self._pipes
        self._process = self._pipes = self._client = None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    cast("BinaryIO", pipe).close()
            try:
                process.wait(_ENDING)
            except subprocess.TimeoutExpired:
                end_tree(process.pid)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_ENDING)
        if pipes is not None:
            pipes.close()
        if self._folder != Path():
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = Path()


def _key(target: SftpTarget) -> str:
    """Return what the user logs in with, for sentences."""
    used = [f'the key of the secret "{target.key}"'] if target.key else []
    used += [f"the key {target.identity}"] if target.identity else []
    used += [f'the password of the secret "{target.password}"'] if target.password else []
    return " and ".join(used) or "the keys ssh tries by itself"
