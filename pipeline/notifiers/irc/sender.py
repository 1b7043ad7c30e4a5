"""Tell channels of an IRC network; one session for all that waits."""

from __future__ import annotations

import ssl

from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Retry, Sender
from slipway.notifiers.irc.connection import IrcConnection, Problem
from slipway.notifiers.irc.lines import lines_of
from slipway.notifiers.irc.notifier import IrcNotifier
from slipway.notifiers.trust import trust_of
from slipway.scripts.terminal_text import plain

__all__ = ["IrcSender"]

_SAID = 300


class IrcSender(Sender):
    """Says notices in all channels of one network."""

    settings: IrcNotifier
    _session: IrcConnection | None = None

    def __init__(self, settings: IrcNotifier, site: object) -> None:
        """Keep the settings."""
        super().__init__(settings, site)  # type: ignore[arg-type]
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
