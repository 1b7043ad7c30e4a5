"""Ask a program: one line of JSON and perhaps a file to it, JSON or a file from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway.model.duration import format_duration
from slipway.model.errors import StageFailed
from slipway.scripts.releases.outgoing import OutgoingStream
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.stages.publish.targets.command.talk import Talk

__all__ = ["TRY_AGAIN", "Program"]

#: Exit code of a program whose failure may pass by itself: EX_TEMPFAIL of sysexits.h.
TRY_AGAIN = 75
#: The largest answer, in bytes.
_LONGEST = 16_000_000
#: Characters of its standard error that a sentence quotes.
_QUOTED = 500
#: The most seconds that it may ask to wait.
_MOST_WAIT = 3600.0


class Program:
    """A program, with what it is always given."""

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        timeout: float,
        log: Callable[[str], None],
    ) -> None:
        """Initialize; nothing is started.

        Args:
            argv: The program, found already, and its arguments.
            env: Its whole environment.
            timeout: Seconds that each request may take.
            log: Receives its standard error.
        """
        self._argv, self._env, self._timeout, self._log = tuple(argv), env, timeout, log
        self.name = Path(argv[0]).name

    def ask(
        self, request: Mapping[str, Any], stream: OutgoingStream | None = None
    ) -> dict[str, Any]:
        """Have something done.

        Args:
            request: What; `verb` names it.
            stream: The file whose bytes follow the request.

        Returns:
            The JSON object that it answers; an empty one if it says nothing.

        Raises:
            MissingTool: It cannot be started.
            StageFailed: It failed, took too long, or answers no JSON object.
            TryAgain: It ended with exit code 75.
        """
        with self._begun(request, stream) as talk:
            said = bytearray()
            for block in talk.blocks():
                said += block
                if len(said) > _LONGEST:
                    msg = f"{self._doing(request)} answers with more than {_LONGEST:,} bytes"
                    raise StageFailed(msg)
            self._conclude(talk, request, bytes(said))
        return self._parsed(request, bytes(said))

    def read(self, request: Mapping[str, Any]) -> Iterator[bytes]:
        """Yield the bytes of a file that it writes to its standard output.

        Raises:
            MissingTool: It cannot be started.
            StageFailed: It failed, or took too long.
            TryAgain: It ended with exit code 75.
        """
        with self._begun(request, None) as talk:
            yield from talk.blocks()
            self._conclude(talk, request, b"")

    def _begun(self, request: Mapping[str, Any], stream: OutgoingStream | None) -> Talk:
        talk = Talk(self._argv, self._env, self._timeout)
        talk.begin(json.dumps(request), stream, self._log)
        return talk

    def _doing(self, request: Mapping[str, Any]) -> str:
        words = (request["verb"], request.get("file", {}).get("name", ""))
        return f"{self.name} ({' '.join(filter(None, words))})"

    def _conclude(self, talk: Talk, request: Mapping[str, Any], said: bytes) -> None:
        """Wait for the end.

        Raises:
            StageFailed: It failed, or took too long.
            TryAgain: It ended with exit code 75.
        """
        code, last = talk.ended()
        doing = self._doing(request)
        if talk.is_late:
            msg = f"{doing} did not end within {format_duration(self._timeout)} and was stopped"
            raise StageFailed(msg)
        if code == 0:
            return
        shown = "".join(sign if sign.isprintable() else " " for sign in last[-_QUOTED:])
        msg = f"{doing} ended with exit code {code}: {shown or 'it says nothing'}"
        if code == TRY_AGAIN:
            raise TryAgain(msg, _after(said))
        raise StageFailed(msg)

    def _parsed(self, request: Mapping[str, Any], said: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(said.decode() or "{}") if said.strip() else {}
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            shown = ascii(said[:80].decode(errors="replace"))
            msg = f"{self._doing(request)} answers no JSON object: {shown}"
            raise StageFailed(msg)
        return answer


def _after(said: bytes) -> float | None:
    """Return the seconds that the program asks to wait: {"after": 30}."""
    try:
        after = json.loads(said)["after"]
        return min(max(0.0, float(after)), _MOST_WAIT)
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
