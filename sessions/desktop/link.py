"""The connection between a session and the agent in a desktop program: handshake, requests."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import secrets
import socket
from typing import Any

from slipway.sessions.errors import SessionError, SessionLost, Transient

__all__ = ["VERSION", "HungUp", "Link", "greet", "proof"]

#: Version of the agent's protocol; a program with an older copy of the agent needs a new one.
VERSION = 1
_GREETING = 5.0
#: Seconds that a program may take for an answer.
_ANSWER = 60.0


class HungUp(SessionLost):
    """The program, or the agent in it, has ended."""


class Link:
    """Send requests to the agent, one at a time."""

    def __init__(self, called: socket.socket) -> None:
        """Take over a connection after the agent was authenticated."""
        self._socket = called
        self._buffer = b""
        self._number = 0

    def ask(self, do: str, **about: Any) -> Any:
        """Send a request to the agent; return its answer.

        Raises:
            HungUp: The program has ended.
            SessionError: The action is impossible for a person, too.
            SessionLost: The program does not answer.
            Transient: The element no longer exists.
        """
        self._number += 1
        try:
            self.send({"id": self._number, "do": do, **about})
            answer = self.receive()
            # Discard answers to requests that timed out.
            while answer.get("id") != self._number:
                answer = self.receive()
        except TimeoutError:
            msg = f"the desktop program has not answered for {_ANSWER:.0f} seconds"
            raise SessionLost(msg) from None
        except OSError:
            raise HungUp("the desktop program has hung up") from None
        if "refused" in answer:
            raise SessionError(str(answer["refused"]))
        if "gone" in answer:
            raise Transient(str(answer["gone"]))
        if "failed" in answer:
            raise SessionLost(f"the agent in the desktop program failed: {answer['failed']}")
        return answer["ok"]

    def send(self, line: dict[str, Any]) -> None:
        """Send a line of JSON.

        Raises:
            OSError: The connection is closed.
        """
        self._socket.sendall(json.dumps(line).encode() + b"\n")

    def receive(self, seconds: float = _ANSWER) -> dict[str, Any]:
        """Receive the next line.

        Raises:
            OSError: The connection is closed, or the wait times out.
        """
        self._socket.settimeout(seconds)
        while b"\n" not in self._buffer:
            more = self._socket.recv(1 << 16)
            if not more:
                raise ConnectionError
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """Close the connection, which ends the program."""
        with contextlib.suppress(OSError):
            self._socket.close()


def proof(token: str, side: str, nonce: str) -> str:
    """Return the proof that a side ("agent" or "driver") knows the token."""
    return hmac.new(token.encode(), f"{side}:{nonce}".encode(), hashlib.sha256).hexdigest()


def greet(called: socket.socket, token: str) -> tuple[Link, dict[str, Any]] | None:
    """Authenticate a caller; return the link and the agent's facts, or None for a stranger.

    Raises:
        SessionError: The agent has another version of the protocol.
    """
    link, nonce = Link(called), secrets.token_hex(16)
    try:
        link.send({"nonce": nonce})
        greeting = link.receive(_GREETING)
        if not hmac.compare_digest(str(greeting["proof"]), proof(token, "agent", nonce)):
            link.close()
            return None
        link.send({"proof": proof(token, "driver", str(greeting["nonce"]))})
    except (OSError, ValueError, KeyError, TypeError):
        link.close()
        return None
    if greeting.get("version") != VERSION:
        msg = "the agent in the desktop program is of another version: take it anew with "
        raise SessionError(msg + "`slipway features --desktop-agent FILE`")
    return link, greeting
