"""Secrets given at gates; held only in the master's memory."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping

from pydantic import SecretStr


class Vault:
    """Secrets by the asking (request) they were given with. Thread-safe.

    They are stored before the asking is committed, so that readers of the ledger always find them.
    Database threads and the reactor thread access it concurrently.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, dict[str, SecretStr]] = {}

    def put(self, asking: str, secrets: Mapping[str, SecretStr]) -> None:
        """Store the secrets of an asking."""
        if secrets:
            with self._lock:
                self._kept[asking] = dict(secrets)

    def drop(self, askings: Iterable[str]) -> None:
        """Delete the secrets of askings."""
        with self._lock:
            for asking in askings:
                self._kept.pop(asking, None)

    def askings(self) -> list[str]:
        """Return the askings with stored secrets."""
        with self._lock:
            return list(self._kept)

    def holds(self, asking: str, names: Collection[str]) -> bool:
        """Return whether all named secrets of an asking are stored."""
        with self._lock:
            return not set(names) - set(self._kept.get(asking, {}))

    def read(self, asking: str, names: Collection[str]) -> dict[str, str] | None:
        """Return the secrets of an asking; None if any of the named ones is missing."""
        with self._lock:
            kept = self._kept.get(asking, {})
        if set(names) - set(kept):
            return None
        return {name: secret.get_secret_value() for name, secret in kept.items()}
