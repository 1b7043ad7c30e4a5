"""The contract of what sends notices: what it is given, and what it may answer.

A notifier's runner is either a function `send(settings, notice, context)` or a subclass of
`Sender`, which keeps a connection. See docs/how-to/write-a-plugin.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.model.errors import StageFailed
from slipway.model.notices.notice import Notice
from slipway.model.secrets.location import SecretPlace

__all__ = ["Context", "Recipient", "Refused", "Retry", "Sender", "SendingSite", "rules_url"]


def rules_url(site: str) -> str:
    """Return the URL of the page where people set their own rules.

    Args:
        site: The site's URL, with a trailing slash.
    """
    return f"{site}#/notices"


class Retry(StageFailed):
    """It was not sent now, and may be later. It is tried again for three days."""

    def __init__(self, sentence: str, after: float | None = None, *, channel: bool = False) -> None:
        """Initialize.

        Args:
            sentence: What is wrong and what to do; people see it.
            after: Seconds that the server asks to wait. None: it does not say.
            channel: True: nothing can be sent now, to nobody; the server is away, or refuses the
                password. The channel pauses, and what else waits is not tried meanwhile.
        """
        super().__init__(sentence)
        self.after, self.channel = after, channel


class Refused(StageFailed):
    """This notice will never be sent to this recipient: it becomes a dead letter at once."""


@dataclass(frozen=True)
class Recipient:
    """Whom one sending is for: a person, or the channel itself (`person` is empty)."""

    person: str = ""
    """The name in `[people.NAME]`. Empty: the channel itself, such as an IRC channel."""
    address: str = ""
    """The person's email address. Never empty for a notifier with `to_persons`."""
    name: str = ""
    """The displayed name."""
    time_zone: str = "UTC"
    """The IANA name of the person's time zone."""


@dataclass(frozen=True)
class SendingSite:
    """The site, for a sender."""

    title: str = "Slipway"
    url: str = "http://localhost:8010/"
    """With a trailing slash."""
    folder: Path = Path()
    """Where pipeline.toml lies: base of relative paths."""
    state_folder: Path = Path()
    secret: Callable[[SecretPlace, str], str] = field(default=lambda *_: "", repr=False)
    """Read a secret of one line, given its place and its key for error sentences; raises WrongInput
    or MissingTool. It may start a program."""
    answer: Callable[[str], tuple[str, ...]] = field(default=lambda _: (), repr=False)
    """Answer a question of a chat in lines: "status", "runs almanac", "last", "gates", "help". It
    reads only, about the projects that the notifier tells of, and may be called in the notifier's
    thread alone. The lines hold texts of whoever commits."""


@dataclass(frozen=True)
class Context:
    """One sending: to whom, and which."""

    recipient: Recipient
    key: str
    """The idempotency key: of this notice to this recipient by this channel, the same at each try
    for ever. 40 lower-case letters and digits."""
    attempt: int = 1
    """1, 2, 3 ... Of a second one the first may have arrived all the same."""
    thread_key: str = ""
    """As `key`, of the notice's thread. Empty: it stands alone."""
    unsubscribe: str = ""
    """URL that ends this person's notices by this channel, by POST without signing in (RFC 8058).
    Empty: the recipient is no person."""
    rules_url: str = ""
    """URL of the page where a person sets their own rules. Empty: the recipient is no person."""
    read_artefact: Callable[[str, int], bytes] = field(default=lambda *_: b"", repr=False)
    """Read an artefact, given its hash and the most bytes it may have; b"" if it is longer or is
    not there any more."""
    timeout: float = 60.0
    """Seconds it should take at most. What takes much longer holds only its own channel."""


class Sender:
    """What sends for one notifier, with what it keeps: a connection, a session.

    It is made, used and closed in the channel's own thread.
    """

    stays: bool = False
    """True: `begin()` is called when the master starts and after each loss of the connection,
    `listen()` about once a second, and it is closed at the end alone."""

    def __init__(self, settings: Any, site: SendingSite) -> None:
        """Keep the settings; do not connect yet."""
        self.settings, self.site = settings, site

    def begin(self) -> None:
        """Connect, unless that is done; only for what stays.

        It may raise as `send` does, and is called again after a pause then.
        """

    def listen(self) -> None:
        """Do what has come meanwhile, and do not wait for more; only for what stays.

        It may raise as `send` does; the connection is closed and made anew then.
        """

    def send(self, notice: Notice, context: Context) -> str:
        """Send a notice to one recipient.

        Returns:
            What the server answered, for `slipway notify test` and the outbox; may be empty.

        Raises:
            Retry: Not now.
            Refused: Never.
            OSError: The server cannot be reached: as `Retry(channel=True)`.
            Exception: Any other is as `Retry`.
        """
        raise NotImplementedError

    def check(self) -> str:
        """Reach the server and sign in, but send nothing; for `slipway check`.

        Returns:
            What it found, in a few words. Empty: there is nothing to try.

        Raises:
            Retry: The server is away, refuses the password, has an expired certificate.
            Refused: The settings can never work.
        """
        return ""

    def close(self) -> None:
        """Close what it keeps; it may be used again afterwards.

        Called when nothing has waited for some seconds, after an error, and at the end.
        """
