"""A report that never says a secret, whoever printed it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from slipway.model.event import EVENTS, AnyEvent
from slipway.scripts.report import Report

#: Shorter ones would hide half of every log, and are guessed in no time anyway.
SHORTEST = 4
STARS = "****"


class MaskedReport(Report):
    """Passes on to another report, with `****` in the place of each secret."""

    def __init__(self, inner: Report, secrets: Iterable[str]) -> None:
        """Make it.

        Args:
            inner: Gets the rest.
            secrets: The values. Of one with several lines each line is a secret too, since
                output comes line by line.
        """
        self._inner = inner
        parts = {part for value in secrets for part in (value, *value.splitlines())}
        parts |= {part.strip() for part in parts}
        # The longest first: one may hold another.
        self._secrets = sorted((p for p in parts if len(p) >= SHORTEST), key=len, reverse=True)

    def emit(self, event: AnyEvent) -> None:
        """Pass one event on, masked."""
        plain = event.model_dump()
        masked = self._mask(plain)
        self._inner.emit(event if masked == plain else EVENTS.validate_python(masked))

    def log(self, text: str) -> None:
        """Pass a line on, masked."""
        self._inner.log(self.mask(text))

    def mask(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, STARS)
        return text

    def _mask(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, dict):
            # What an event says, not what it is.
            return {key: one if key == "event" else self._mask(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._mask(one) for one in value]
        return value
