"""Tell channels of an IRC network; one session for all that waits."""

from __future__ import annotations

import re
import ssl
import time
from collections import deque
from collections.abc import Sequence

from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Retry, Sender
from slipway.notifiers.irc.connection import IrcConnection, Problem
from slipway.notifiers.irc.lines import answer_lines, lines_of
from slipway.notifiers.irc.notifier import IrcNotifier
from slipway.notifiers.trust import trust_of
from slipway.scripts.terminal_text import plain

__all__ = ["IrcSender", "asked"]

_SAID = 300
#: Answers a minute, on one network.
_MOST_ANSWERS, _MINUTE = 10, 60.0
#: Seconds after which a channel is tried again that did not let it in.
_JOINS_AGAIN = 60.0
_LONGEST_QUESTION = 100
_ADDRESSED = re.compile(r"\s*(\S+?)[:,]\s*(.*)", re.DOTALL)


def asked(text: str, nick: str) -> str | None:
    """Return what is asked of a nick, or None if a line is not for it: "slipway: status"."""
    found = _ADDRESSED.fullmatch(text)
    if found is None or found[1].lower() != nick.lower():
        return None
    return plain(" ".join(found[2].split()))[:_LONGEST_QUESTION]


class IrcSender(Sender):
    """Says notices in all channels of one network."""

    settings: IrcNotifier
    _session: IrcConnection | None = None

    def __init__(self, settings: IrcNotifier, site: object) -> None:
        """Keep the settings."""
        super().__init__(settings, site)  # type: ignore[arg-type]
        self.stays = self.settings.commands
        self._answered: deque[float] = deque(maxlen=_MOST_ANSWERS)
        self._joined_at: dict[str, float] = {}
        #: The notice that is being said, and the channels that have it.
        self._said: tuple[str, set[str]] = ("", set())

    def send(self, notice: Notice, context: Context) -> str:
        """Say a notice in each channel that has not got it.

        Returns:
            Where it was said.

        Raises:
            Retry: The server is away, or a channel does not take it.
        """
        if self._said[0] != context.key:
            self._said = (context.key, set())
        had, failed = self._said[1], list[str]()
        lines = lines_of(notice)
        session = self._connected()
        for channel in self.settings.channels:
            if channel in had:
                continue
            try:
                session.join(channel)
                session.say(channel, lines, context.key)
            except Problem as problem:
                if not problem.of_channel:
                    raise self._failed(problem) from None
                failed.append(str(problem))
            except OSError as error:
                raise self._failed(error) from None
            else:
                had.add(channel)
        if failed:
            msg = f"{self._where}: {'; '.join(failed)}"
            raise Retry(msg)
        return f"said in {', '.join(self.settings.channels)} as {session.nick}"

    # ---- questions

    def begin(self) -> None:
        """Connect, sign in, and join the channels that have not refused within the last minute."""
        session = self._connected()
        now = time.monotonic()
        for channel in self.settings.channels:
            if channel.lower() in session.joined or now < self._joined_at.get(channel, 0.0):
                continue
            self._joined_at[channel] = now + _JOINS_AGAIN
            try:
                session.join(channel)
            except Problem as problem:
                if not problem.of_channel:
                    raise self._failed(problem) from None
            except OSError as error:
                raise self._failed(error) from None

    def listen(self) -> None:
        """Answer what was asked in the channels meanwhile."""
        session = self._connected()
        known = {one.lower() for one in self.settings.channels}
        try:
            session.listen()
            while session.heard:
                nick, channel, text = session.heard.popleft()
                question = asked(text, session.nick)
                if question is not None and channel.lower() in known and self._may_answer():
                    mark = f"answer-{time.monotonic_ns()}"
                    lines = answer_lines(plain(nick), self._answer(question))
                    session.say(channel, lines, mark, is_answer=True)
        except Problem as problem:
            if not problem.of_channel:
                raise self._failed(problem) from None
        except OSError as error:
            raise self._failed(error) from None

    def _may_answer(self) -> bool:
        """Return whether one more is within the bound; to the rest of a flood nothing is said."""
        now = time.monotonic()
        if len(self._answered) == _MOST_ANSWERS and now - self._answered[0] < _MINUTE:
            return False
        self._answered.append(now)
        return True

    def _answer(self, question: str) -> Sequence[str]:
        try:
            return self.site.answer(question)
        except Exception:  # noqa: BLE001  a database that is locked ends no session
            return (f"that cannot be told just now; see {self.site.url}",)

    def check(self) -> str:
        """Connect, sign in, and join the channels."""
        session = self._connected()
        try:
            for channel in self.settings.channels:
                session.join(channel)
        except (Problem, OSError) as error:
            raise self._failed(error) from None
        return f"{self._where} knows {session.nick}, who is in {', '.join(self.settings.channels)}"

    def close(self) -> None:
        """Leave the network."""
        session, self._session = self._session, None
        self._joined_at.clear()
        if session is not None:
            session.close()

    @property
    def _where(self) -> str:
        return f"{self.settings.host}:{self.settings.server_port}"

    def _connected(self) -> IrcConnection:
        if self._session is not None:
            return self._session
        settings = self.settings
        password = self.site.secret(settings.password, "password") if settings.password else ""
        try:
            session = IrcConnection(
                settings.host, settings.server_port, self._trust(), settings.timeout
            )
            self._session = session
            session.register(settings.nick, settings.user, password)
        except (Problem, OSError) as error:
            raise self._failed(error) from None
        return session

    def _trust(self) -> ssl.SSLContext | None:
        settings = self.settings
        return trust_of(settings.authorities, self.site.folder) if settings.tls else None

    def _failed(self, error: Problem | OSError) -> Retry:
        """End the session, and return the error that says why."""
        self.close()
        if isinstance(error, ssl.SSLCertVerificationError):
            why = (
                f"its certificate is not trusted, so nothing was said: {error.verify_message}; "
                "correct host, or name its authority by authorities"
            )
        elif isinstance(error, Problem):
            why = str(error)
        else:
            why = plain(error.strerror or str(error) or type(error).__name__)
        msg = f"{self._where}: {why[:_SAID]}"
        return Retry(msg, channel=True)
