"""Secrets given at gates; held only in the master's memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from pydantic import SecretStr

from slipway.ledger.tables.gates import Gate

__all__ = ["GivenSecrets"]


class GivenSecrets:
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

    def holds(self, gate: Gate) -> bool:
        """Return whether all secrets that were given at a gate are stored."""
        with self._lock:
            return not set(gate.secret_names) - set(self._kept.get(gate.asking, {}))

    def read(self, gate: Gate) -> dict[str, str] | None:
        """Return the secrets that were given at a gate; None if any of them is missing."""
        with self._lock:
            kept = self._kept.get(gate.asking, {})
        if set(gate.secret_names) - set(kept):
            return None
        return {name: secret.get_secret_value() for name, secret in kept.items()}
