"""An application that somebody else runs, such as staging: nothing is started and nothing ended."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import urlsplit, urlunsplit

from slipway.model.duration import format_duration
from slipway.model.errors import MissingTool, StageFailed
from slipway.scripts.application_answer import check_url

_LIMIT = 10.0
_PAUSE = 0.5


class UnderTest(Protocol):
    """What features are run against: `Application` or `Elsewhere`."""

    @property
    def url(self) -> str:
        """Its address, without a slash at its end."""

    def start(self) -> None:
        """See that it is there."""

    def stop(self) -> None:
        """Leave nothing of it behind."""

    def check(self) -> None:
        """Raise StageFailed if it is gone."""

    def restore(self) -> None:
        """Put its seeds back."""

    @property
    def databases(self) -> dict[str, Path]:
        """Its copies of the seed databases, by name."""

    def mark(self) -> None:
        """Have `log_tail` begin here."""

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of its output since `mark`."""


class Elsewhere:
    """An existing address."""

    def __init__(self, base_url: str, patience: float = _LIMIT) -> None:
        """Prepare; nothing is asked yet.

        Args:
            base_url: Where it is; a name and password in it are never shown.
            patience: Seconds it may take to answer at the start.

        Raises:
            WrongInput: That is no address.
        """
        self.url = check_url("base-url", base_url)
        self._patience = patience

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Wait until it answers, whatever it says.

        Raises:
            StageFailed: It does not.
        """
        end = time.monotonic() + self._patience
        while (why := self._ask(max(0.1, min(_LIMIT, end - time.monotonic())))) is not None:
            if time.monotonic() + _PAUSE > end:
                raise StageFailed(
                    f"{self._shown()} did not answer within {format_duration(self._patience)}: "
                    f"{why}; is it up, and is base-url right?"
                )
            time.sleep(_PAUSE)

    def check(self) -> None:
        """See that it still answers.

        Raises:
            StageFailed: It does not.
        """
        if why := self._ask(_LIMIT):
            raise StageFailed(f"{self._shown()} answers no more: {why}")

    def stop(self) -> None:
        """Do nothing: it is not ours to end."""

    def restore(self) -> None:
        """Do nothing: its databases are not ours."""

    def mark(self) -> None:
        """Do nothing: its log is not here."""

    @property
    def databases(self) -> dict[str, Path]:
        """None: its databases are not ours."""
        return {}

    def log_tail(self, lines: int = 40) -> str:  # noqa: ARG002  the interface's
        """Return nothing: its log is not here."""
        return ""

    def _ask(self, seconds: float) -> str | None:
        """Ask once; return what went wrong."""
        try:
            import httpx
        except ImportError as error:
            raise MissingTool(
                "httpx is not in this Python; install it with: python -m pip install 'slipway"
                "[features]'"
            ) from error
        try:
            # Proxies of the environment are used: staging may be behind one.
            with httpx.stream("GET", self.url, timeout=seconds, follow_redirects=False):
                return None
        except httpx.TimeoutException:
            return f"no answer within {format_duration(seconds)}"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return str(error) or type(error).__name__

    def _shown(self) -> str:
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
