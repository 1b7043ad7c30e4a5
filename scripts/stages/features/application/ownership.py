"""Verify that an answer comes from the application that was started."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from slipway.model.errors import StageFailed
from slipway.scripts.stages.features.application.http_probe import LIMIT, Answer, ask, check_url
from slipway.scripts.stages.features.application.port import Owner, find_owner, listening
from slipway.scripts.stages.features.application.settings import ApplicationSettings, Placeholders
from slipway.scripts.stages.features.application.watchdog_client import Keeper

__all__ = ["PortLost", "Proof"]

_SERVER_ERROR = 500
_OK = 200
_OTHERS = (Owner.OTHER, Owner.SHARED)


class PortLost(Exception):
    """Another process has the port."""


class Proof:
    """A check of one start of an application: is it healthy, and does it own the port?"""

    def __init__(
        self,
        settings: ApplicationSettings,
        values: Placeholders,
        keeper: Keeper,
        notice: Callable[[str], None],
    ) -> None:
        """Prepare the check; nothing is requested yet.

        Args:
            settings: The conditions of health.
            values: The address the application was given, and its token.
            keeper: Its processes.
            notice: Receives a sentence if the owner of the port cannot be determined.

        Raises:
            WrongInput: The health setting is not a valid address.
        """
        self._settings = settings
        self._values = values
        self._keeper = keeper
        self._notice = notice
        health = values.fill(settings.health)
        if health.startswith("/"):
            health = values.url + health
        else:
            check_url("application: health", health)
        self._health = health
        self._ours = settings.token_path is not None
        """True: the port is ours, as far as known. Without a token this is checked first."""
        self._answer = ""

    @property
    def last(self) -> str:
        """The last answer, and the ports the application listens on instead of its own, if any."""
        owner, pid = self._owner()
        if owner in _OTHERS:
            return f"{self._answer}; {self._other(pid)}"
        places = listening(self._keeper.processes())
        if not places or any(port == self._values.port for _, port in places):
            return self._answer
        ports = ", ".join(f"{host} port {port}" for host, port in places)
        return (
            f"{self._answer}; it listens on {ports} instead of port {self._values.port}, which it "
            f"is given as {{port}} and {self._settings.port_env or 'in no variable'}"
        )

    def is_healthy(self, seconds: float) -> bool:
        """Request the health page once; return True if it is healthy and ours.

        Args:
            seconds: Timeout of the answer, at most 5.

        Raises:
            PortLost: Another process answers.
            StageFailed: It is ours, but does not answer its token.
        """
        limit = max(0.1, min(LIMIT, seconds))
        answer = self._ask(limit)
        if answer.status is not None and not self._ours:
            self._ours = self._owns_port()
            # The first answer may have come from another process.
            answer = self._ask(limit)
        if not self._ours or not self._good(answer):
            return False
        return self._settings.token_path is None or self._knows_token(limit)

    def _ask(self, limit: float) -> Answer:
        answer = ask(self._health, limit)
        self._answer = f"{self._health} gave: {answer.text}"
        return answer

    def _good(self, answer: Answer) -> bool:
        if answer.status is None:
            return False
        wanted = self._settings.health_status
        return answer.status < _SERVER_ERROR if wanted is None else answer.status == wanted

    def _knows_token(self, limit: float) -> bool:
        path = self._settings.token_path or ""
        answer = ask(self._values.url + path, limit)
        token = answer.body.strip()
        knows = answer.status == _OK and hmac.compare_digest(token, self._values.token.encode())
        owner, pid = self._owner()
        # The token may be answered by a process that is not ours, such as a container's port proxy.
        if knows and owner is not Owner.SHARED:
            return True
        if owner is Owner.OURS:
            what = "another text" if answer.status == _OK else answer.text
            raise StageFailed(
                f"the application must answer its token at {path}, and gave: {what}; have it "
                f"answer the value of {self._settings.token_env or '{token}'} there, or leave "
                f"token-path out"
            )
        raise PortLost(self._other(pid))

    def _owns_port(self) -> bool:
        owner, pid = self._owner()
        if owner in _OTHERS:
            raise PortLost(self._other(pid))
        if owner is Owner.UNKNOWN:
            # The port was leased until the start, and a process that failed to bind it would have
            # ended.
            self._notice(
                f"the system does not tell whose process listens on port {self._values.port}; it "
                f"was free before the start, so it is taken for the application; set token-path "
                f"to be sure"
            )
            return bool(self._keeper.processes())
        if owner is Owner.NOBODY:
            self._answer += f"; but nobody listens on port {self._values.port}"
        return owner is Owner.OURS

    def _owner(self) -> tuple[Owner, int | None]:
        values = self._values
        return find_owner(values.host, values.port, self._keeper.processes())

    def _other(self, pid: int | None) -> str:
        who = f"process {pid}" if pid else "a process"
        return f"{who}, which is not the application's, answers on port {self._values.port}"
