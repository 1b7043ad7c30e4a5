"""Make senders of notifiers: their own class, or one around their function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slipway.model.kinds.notice import Notifier
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Sender, SendingSite

__all__ = ["make_sender"]


class _FunctionSender(Sender):
    """Calls a function for each notice."""

    def __init__(
        self,
        function: Callable[[Notifier, Notice, Context], str | None],
        settings: Notifier,
        site: SendingSite,
    ) -> None:
        super().__init__(settings, site)
        self._function = function

    def send(self, notice: Notice, context: Context) -> str:
        """Call the function."""
        return self._function(self.settings, notice, context) or ""


def make_sender(settings: Notifier, site: SendingSite) -> Sender:
    """Return what sends for a notifier.

    Raises:
        MissingTool: Its runner cannot be imported.
    """
    runner: Any = settings.load_runner()
    if isinstance(runner, type) and issubclass(runner, Sender):
        return runner(settings, site)
    return _FunctionSender(runner, settings, site)
