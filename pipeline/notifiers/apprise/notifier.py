"""Settings of the notifier `apprise`."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from slipway.model.duration import Duration
from slipway.model.kinds.notice import Notifier
from slipway.model.secrets.location import SecretPlace
from slipway.notifiers.trust import lacking_authorities

__all__ = ["LACKS", "AppriseNotifier", "has_apprise"]

LACKS = "kind apprise needs Apprise on the master's machine: uv pip install 'slipway[apprise]'"


class AppriseNotifier(Notifier):
    """Tell any service that Apprise knows, such as Matrix, Slack, Teams, Telegram and ntfy.

    It needs `slipway[apprise]`, and runs in a process of its own.
    """

    runner: ClassVar[str] = "slipway.notifiers.apprise.sender:AppriseSender"

    kind: Literal["apprise"]
    url: SecretPlace
    """The service's address as Apprise writes it, such as "slack://...": it is a secret, for it
    holds the token. See https://github.com/caronc/apprise/wiki."""
    authorities: str | None = None
    """A PEM file with the certificate authorities to trust in place of the system's; relative to
    the folder of pipeline.toml."""
    timeout: Duration = 20
    """How long the service may take for an answer."""

    def problems(self, folder: Path) -> Iterator[str]:
        """Yield sentences if Apprise is not here, or the file of authorities cannot be read."""
        if not has_apprise():
            yield LACKS
        yield from lacking_authorities(self.authorities, folder)


def has_apprise() -> bool:
    """Return whether Apprise is installed; it is not imported."""
    return importlib.util.find_spec("apprise") is not None
