"""Secrets that were given for gates: in the master's memory, and nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping

from pydantic import SecretStr


class Vault:
    """Secrets by the asking they were given with.

    They are put in before the asking is committed: whoever reads of it in the ledger finds them.
    Database threads and the reactor's come here at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, dict[str, SecretStr]] = {}

    def put(self, asking: str, secrets: Mapping[str, SecretStr]) -> None:
        """Keep the secrets of an asking."""
        if secrets:
            with self._lock:
                self._kept[asking] = dict(secrets)

    def drop(self, askings: Iterable[str]) -> None:
        """Forget the secrets of askings."""
        with self._lock:
            for asking in askings:
                self._kept.pop(asking, None)

    def askings(self) -> list[str]:
        """Return the askings whose secrets are kept."""
        with self._lock:
            return list(self._kept)

    def holds(self, asking: str, names: Collection[str]) -> bool:
        """Tell whether all the secrets of an asking are here."""
        with self._lock:
            return not set(names) - set(self._kept.get(asking, {}))

    def read(self, asking: str, names: Collection[str]) -> dict[str, str] | None:
        """Return the secrets of an asking; None where they are lost."""
        with self._lock:
            kept = self._kept.get(asking, {})
        if set(names) - set(kept):
            return None
        return {name: secret.get_secret_value() for name, secret in kept.items()}
