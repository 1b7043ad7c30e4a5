"""Talk to the guest that manages a folder of releases, here or over ssh."""

from __future__ import annotations

import contextlib
import json
import queue
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, cast

from slipway.model.errors import MissingTool, SlipwayError, StageFailed, WrongInput
from slipway.scripts.archives.entries import Entry
from slipway.scripts.process_tree import end_tree
from slipway.scripts.python_env.interpreter import clean_environment

__all__ = ["BOOTSTRAP", "GUEST", "Lost", "Refused", "Session", "here"]

GUEST = Path(__file__).parent / "guest" / "releases_folder.py"
#: Reads the guest from its input (its length on a line, then its source) and runs it.
BOOTSTRAP = (
    "import sys; i = sys.stdin.buffer; n = int(i.readline()); "
    'exec(compile(i.read(n), "slipway", "exec"), {"__name__": "__main__"})'
)
_MARK = "\x1e"
_BLOCK = 1 << 20
_LAST = 2000


class Lost(StageFailed):
    """The connection to the guest is lost; no further request is possible."""


class Refused(StageFailed):
    """The guest refused a request."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind

    def as_untouched(self) -> SlipwayError:
        """Return it as the error of a deployment that has changed nothing yet."""
        kinds = {"taken": WrongInput}
        return kinds.get(self.kind, MissingTool)(str(self))


class Session:
    """One connection to a guest; the folder is locked as long as it lasts."""

    def __init__(self, argv: Sequence[str], log: Callable[[str], None]) -> None:
        """Start the guest.

        Args:
            argv: Runs Python with the bootstrap, on this machine or another.
            log: Receives the output of programs that the guest runs.

        Raises:
            MissingTool: `argv[0]` is not on this machine.
        """
        self._log = log
        self._number = 0
        self._is_lost = False
        self._answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
        try:
            self._process = subprocess.Popen(
                list(argv),
                env=clean_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
        except OSError as error:
            self._errors.close()
            msg = f"{argv[0]} is not on this machine ({error.strerror}); install it"
            raise MissingTool(msg) from error
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        guest = GUEST.read_bytes()
        self._send(f"{len(guest)}\n".encode() + guest)

    def ask(self, what: str, **order: Any) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            Lost: The connection is lost.
            Refused: The guest refused it.
        """
        self._order({"do": what, **order})
        return self._answer()

    def send_tree(self, entries: Sequence[Entry], **order: Any) -> None:
        """Send a release's files and have the guest unpack them.

        Raises:
            Lost: The connection is lost.
            Refused: The guest refused them.
        """
        self._order({"do": "unpack", **order})
        frames = _Frames(self._send)
        with tarfile.open(
            fileobj=cast("IO[bytes]", frames),
            mode="w|",
            bufsize=_BLOCK,
            format=tarfile.PAX_FORMAT,
        ) as tar:
            for entry in entries:
                _add(tar, entry)
        self._send(struct.pack(">I", 0))
        self._answer()

    @property
    def alive(self) -> bool:
        """True: requests are possible; ssh may go on running after its connection is lost."""
        return not self._is_lost and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """The exit code of ssh or Python; None if it does not end within five seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(5)
        return None

    @property
    def errors(self) -> list[str]:
        """The last lines that ssh or the guest wrote to the standard error."""
        if self._errors.closed:
            return []
        self._errors.seek(0)
        text = self._errors.read().decode("utf-8", "replace")[-_LAST:]
        return [line.strip() for line in text.splitlines() if line.strip()]

    def close(self) -> None:
        """Close the connection, which releases the folder's lock."""
        with contextlib.suppress(OSError):
            cast("IO[bytes]", self._process.stdin).close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            end_tree(self._process.pid)
        self._listener.join(1)
        if not self._listener.is_alive():
            cast("IO[bytes]", self._process.stdout).close()
        self._errors.close()

    def _order(self, order: dict[str, Any]) -> None:
        self._number += 1
        self._send(json.dumps({"id": self._number, **order}).encode() + b"\n")

    def _send(self, data: bytes) -> None:
        stream = cast("IO[bytes]", self._process.stdin)
        try:
            stream.write(data)
            stream.flush()
        except (OSError, ValueError):
            raise self._lost() from None

    def _answer(self) -> dict[str, Any]:
        # After an interrupt, discard replies to earlier requests.
        while (answer := self._answers.get()) is not None and answer["id"] != self._number:
            pass
        if answer is None:
            # The next request fails in the same way.
            self._answers.put(None)
            raise self._lost()
        if "error" in answer:
            raise Refused(answer["kind"], answer["error"])
        return answer

    def _lost(self) -> Lost:
        self._is_lost = True
        errors = self.errors
        return Lost(errors[-1] if errors else f"it ended with exit code {self.code}")

    def _listen(self) -> None:
        for raw in cast("IO[bytes]", self._process.stdout):
            line = raw.decode("utf-8", "replace")
            answer = _read(line)
            if answer is None:
                self._log(line)
            elif "log" in answer:
                self._log(answer["log"])
            else:
                self._answers.put(answer)
        self._answers.put(None)


def here(log: Callable[[str], None]) -> Session:
    """Start a session on this machine."""
    return Session([sys.executable, "-I", "-c", BOOTSTRAP], log)


def _read(line: str) -> dict[str, Any] | None:
    """Parse an answer; None for the login shell's own output."""
    if not line.startswith(_MARK):
        return None
    try:
        answer = json.loads(line[1:])
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


class _Frames:
    """A file object for tarfile that sends each block as a frame."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send

    def write(self, data: bytes) -> int:
        """Send a block.

        Raises:
            Lost: The connection is lost.
        """
        self._send(struct.pack(">I", len(data)) + data)
        return len(data)


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    member = tarfile.TarInfo(entry.name)
    member.mode = entry.mode
    if entry.kind == "folder":
        member.type = tarfile.DIRTYPE
        tar.addfile(member)
    elif entry.kind == "link":
        member.type, member.linkname = tarfile.SYMTYPE, entry.link
        tar.addfile(member)
    else:
        member.size, member.mtime = entry.size, int(entry.path.stat().st_mtime)
        with entry.open() as content:
            tar.addfile(member, content)
