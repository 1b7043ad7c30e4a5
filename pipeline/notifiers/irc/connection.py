"""Speak IRC with a server: register, join, say, and know that it was taken."""

from __future__ import annotations

import base64
import contextlib
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from slipway.scripts.terminal_text import plain

__all__ = ["IrcConnection", "Problem"]

#: Bytes of a line that is read; the protocol has 512, and tags of messages 8191 more.
_LONGEST = 16_384
#: So many underscores more a name may have, if it is taken.
_MOST_MORE = 5
_SAID = 200
#: Lines at once, and the seconds between those after them: servers end who says more.
_BURST, _PAUSE = 4, 1.0
#: Messages of others that are kept until somebody looks; of a flood the rest is forgotten.
_MOST_HEARD = 20
#: Seconds without a word of the server after which it is asked whether it is there.
_SILENT = 180.0
_TAKEN = {"433", "436", "437"}
_SASL_FAILED = {"902", "904", "905", "906", "908"}
_NOT_JOINED = {"403", "405", "437", "471", "473", "474", "475", "476", "477", "489", "520"}
_NOT_SAID = {"401", "403", "404", "442", "531"}


class Problem(Exception):
    """What the server says is wrong."""

    def __init__(self, sentence: str, *, of_channel: bool = False) -> None:
        """Initialize.

        Args:
            sentence: What is wrong.
            of_channel: True: only one channel of the network is concerned.
        """
        super().__init__(sentence)
        self.of_channel = of_channel


@dataclass(frozen=True)
class _Message:
    """A line of the server."""

    nick: str
    """Who sends it; empty: the server."""
    command: str
    parameters: tuple[str, ...]

    @property
    def text(self) -> str:
        """The last parameter, for people."""
        return plain(self.parameters[-1])[:_SAID] if self.parameters else ""


def _parse(line: str) -> _Message:
    """Return what a line of the server says."""
    rest = line.partition(" ")[2].lstrip() if line.startswith("@") else line
    prefix = ""
    if rest.startswith(":"):
        prefix, _, rest = rest[1:].partition(" ")
    head, colon, tail = f" {rest}".partition(" :")
    words = [*head.split(), *([tail] if colon else [])]
    command, *parameters = words or [""]
    nick = prefix.partition("!")[0] if "!" in prefix else ""
    return _Message(nick, command.upper(), tuple(parameters))


class IrcConnection:
    """A session with a server."""

    def __init__(self, host: str, port: int, trust: ssl.SSLContext | None, seconds: float) -> None:
        """Connect.

        Args:
            host: The server.
            port: Its port.
            trust: Verifies its certificate. None: the connection is not encrypted.
            seconds: How long it may take for an answer.

        Raises:
            OSError: It cannot be reached, or has a certificate that is not trusted.
        """
        self._seconds, self._buffer = seconds, b""
        self._socket: socket.socket = socket.create_connection((host, port), seconds)
        if trust is not None:
            try:
                self._socket = trust.wrap_socket(self._socket, server_hostname=host)
            except BaseException:
                self._socket.close()
                raise
        self.nick, self.joined = "", set[str]()
        #: What others have said: who, where, what.
        self.heard: deque[tuple[str, str, str]] = deque(maxlen=_MOST_HEARD)
        self._last_word, self._asked = time.monotonic(), False
        self._is_known, self._longest_nick = False, 0

    def close(self) -> None:
        """Say good-bye and close."""
        with contextlib.suppress(OSError):
            self._send("QUIT", "bye")
        self._socket.close()

    def register(self, nick: str, user: str, password: str) -> None:
        """Become known to the server.

        Args:
            nick: The name to have.
            user: The account. Empty: none.
            password: The account's.

        Raises:
            Problem: The server refuses.
        """
        self.nick, self._longest_nick = nick, len(nick) + _MOST_MORE
        if user:
            self._send("CAP", "REQ", "sasl")
        self._send("NICK", nick)
        self._send("USER", nick, "0", "*", "Slipway")
        if user:
            self._sign_in(user, password)
        if not self._is_known:
            self._until(lambda _message: self._is_known)

    def _register(self, message: _Message) -> None:
        """Take what the server says of the name to have."""
        if message.command == "001" and message.parameters:
            self._is_known, self.nick = True, message.parameters[0]
        elif message.command in _TAKEN and len(self.nick) < self._longest_nick:
            self.nick += "_"
            self._send("NICK", self.nick)
        elif message.command in {"432", "464", "465", *_TAKEN}:
            msg = f"it does not let {self.nick} in: {message.text}"
            raise Problem(msg)

    def _sign_in(self, user: str, password: str) -> None:
        def offered(message: _Message) -> bool:
            answer = message.parameters[1:2] if message.command == "CAP" else ()
            if message.command == "421" or answer == ("NAK",):
                raise Problem("it knows no accounts (SASL); leave out user and password")
            return answer == ("ACK",)

        self._until(offered)
        self._send("AUTHENTICATE", "PLAIN")
        self._until(lambda message: message.command == "AUTHENTICATE")
        said = base64.b64encode(f"{user}\0{user}\0{password}".encode()).decode()
        # Source of the parts: IRCv3, SASL 3.1: 400 bytes each, and an empty one after a full one.
        parts = [said[at : at + 400] for at in range(0, len(said), 400)]
        for part in [*parts, *(["+"] if len(parts[-1]) == 400 else [])]:  # noqa: PLR2004
            self._send("AUTHENTICATE", part)

        def signed_in(message: _Message) -> bool:
            if message.command in _SASL_FAILED:
                told = f'it refuses the sign-in of "{user}": {message.text}'
                raise Problem(f"{told}; correct user and password")
            return message.command == "903"

        self._until(signed_in)
        self._send("CAP", "END")

    def join(self, channel: str) -> None:
        """Join a channel, unless it is joined.

        Raises:
            Problem: The server refuses.
        """
        if channel.lower() in self.joined:
            return
        self._send("JOIN", channel)

        def is_joined(message: _Message) -> bool:
            about = channel.lower() in (one.lower() for one in message.parameters)
            if message.command in _NOT_JOINED and about:
                raise Problem(f"{channel} cannot be joined: {message.text}", of_channel=True)
            return channel.lower() in self.joined

        self._until(is_joined)

    def say(self, channel: str, lines: list[str], mark: str, *, is_answer: bool = False) -> None:
        """Say lines in a channel, and wait until the server has taken them.

        Args:
            channel: A channel that is joined.
            lines: The lines, each short enough and without control characters.
            mark: A word that the server is to answer with.
            is_answer: Somebody has asked. It is said in a way that no program may answer to.

        Raises:
            Problem: It refuses.
        """
        for number, line in enumerate(lines):
            if number >= _BURST:
                time.sleep(_PAUSE)
            # RFC 2812, section 3.3.2: nothing answers to a NOTICE, so that no two programs talk on.
            self._send("NOTICE" if is_answer else "PRIVMSG", channel, line)
        self._send("PING", mark)

        def taken(message: _Message) -> bool:
            about = channel.lower() in (one.lower() for one in message.parameters)
            if message.command in _NOT_SAID and about:
                self.joined.discard(channel.lower())
                raise Problem(f"{channel} takes no lines: {message.text}", of_channel=True)
            return message.command == "PONG" and mark in message.parameters

        self._until(taken)

    # ---- lines

    def _send(self, *words: str) -> None:
        *first, last = words
        line = " ".join([*first, f":{last}" if " " in last or last[:1] in {":", ""} else last])
        self._socket.sendall(line.replace("\r", " ").replace("\n", " ").encode() + b"\r\n")

    def _until(self, found: Callable[[_Message], bool]) -> None:
        """Read until a message is found; answer what the server asks meanwhile.

        Raises:
            Problem: The server ends the session, or says nothing of it in time.
        """
        deadline = time.monotonic() + self._seconds
        for line in self._lines(deadline):
            message = _parse(line)
            self._take(message)
            if found(message):
                return

    def listen(self) -> None:
        """Take what the server has sent meanwhile, without waiting for more.

        Raises:
            Problem: It ends the session, or has said nothing for minutes.
            OSError: The connection is lost.
        """
        self._take_whole_lines()
        while self._pending() or select.select([self._socket], [], [], 0)[0]:
            self._socket.settimeout(self._seconds)
            self._receive()
            self._take_whole_lines()
        silent = time.monotonic() - self._last_word
        if silent > _SILENT + self._seconds:
            raise Problem(f"it has said nothing for {silent:.0f} s")
        if silent > _SILENT and not self._asked:
            self._send("PING", "there")
            self._asked = True

    def _take_whole_lines(self) -> None:
        for line in self._whole_lines():
            self._take(_parse(line))

    def _pending(self) -> bool:
        """Return whether TLS has data that the socket shows no more."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def _take(self, message: _Message) -> None:
        """Answer what the server asks, and remember where this session is.

        Raises:
            Problem: The server ends the session.
        """
        own = message.nick == self.nick
        if message.command == "PING":
            self._send("PONG", *message.parameters[-1:] or ("",))
        elif message.command == "ERROR":
            raise Problem(f"it ends the session: {message.text}")
        elif message.command == "JOIN" and own and message.parameters:
            self.joined.add(message.parameters[0].lower())
        elif (message.command == "PART" and own and message.parameters) or (
            message.command == "KICK" and message.parameters[1:2] == (self.nick,)
        ):
            self.joined.discard(message.parameters[0].lower())
        elif message.command == "PRIVMSG" and message.nick and len(message.parameters) > 1:
            self.heard.append((message.nick, message.parameters[0], message.parameters[-1]))
        elif not self._is_known:
            self._register(message)
        elif message.command == "NICK" and own and message.parameters:
            self.nick = message.parameters[0]

    def _lines(self, deadline: float) -> Iterator[str]:
        while True:
            yield from self._whole_lines()
            left = deadline - time.monotonic()
            if left <= 0:
                raise Problem(f"it has not answered within {self._seconds:g} s")
            self._socket.settimeout(left)
            with contextlib.suppress(TimeoutError):
                self._receive()

    def _whole_lines(self) -> Iterator[str]:
        while b"\n" in self._buffer:
            line, _, self._buffer = self._buffer.partition(b"\n")
            yield line.strip(b"\r").decode("utf-8", "replace")
        if len(self._buffer) > _LONGEST:
            raise Problem("it sends a line without end")

    def _receive(self) -> None:
        data = self._socket.recv(4096)
        if not data:
            raise Problem("it has closed the connection")
        self._buffer += data
        self._last_word, self._asked = time.monotonic(), False
