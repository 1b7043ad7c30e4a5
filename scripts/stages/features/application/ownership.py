"""Proof that an answer comes from the application that was started, and from no other."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from slipway.model.errors import StageFailed
from slipway.scripts.stages.features.application.http_probe import LIMIT, Answer, ask, check_url
from slipway.scripts.stages.features.application.port import Owner, find_owner, listening
from slipway.scripts.stages.features.application.settings import ApplicationSettings, Placeholders
from slipway.scripts.stages.features.application.watchdog_client import Keeper

_SERVER_ERROR = 500
_OK = 200
_OTHERS = (Owner.OTHER, Owner.SHARED)


class PortLost(Exception):
    """Somebody else has the port."""


class Proof:
    """One start of an application: is what answers healthy, and is it ours?"""

    def __init__(
        self,
        settings: ApplicationSettings,
        values: Placeholders,
        keeper: Keeper,
        notice: Callable[[str], None],
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            settings: What counts as healthy.
            values: Where the application was told to listen, and its token.
            keeper: Its processes.
            notice: Gets a sentence when the owner of the port cannot be found out.

        Raises:
            WrongInput: The health setting is no address.
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
        """Without a token the owner of the port is looked for before any answer counts."""
        self._answer = ""

    @property
    def last(self) -> str:
        """The last answer, and where the application listens if that is not its port."""
        owner, pid = self._owner()
        if owner in _OTHERS:
            return f"{self._answer}; {self._other(pid)}"
        places = listening(self._keeper.processes())
        if not places or any(port == self._values.port for _, port in places):
            return self._answer
        heard = ", ".join(f"{host} port {port}" for host, port in places)
        return (
            f"{self._answer}; it listens on {heard} instead of port {self._values.port}, which it "
            f"is given as {{port}} and {self._settings.port_env or 'in no variable'}"
        )

    def is_healthy(self, seconds: float) -> bool:
        """Ask once.

        Args:
            seconds: How long the answer may take, 5 at most.

        Raises:
            PortLost: Another process answers.
            StageFailed: It is ours, but does not know its token.
        """
        limit = max(0.1, min(LIMIT, seconds))
        answer = self._ask(limit)
        if answer.status is not None and not self._ours:
            self._ours = self._owns_port()
            # What answered before may have been somebody else.
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
        told = answer.body.strip()
        knows = answer.status == _OK and hmac.compare_digest(told, self._values.token.encode())
        owner, pid = self._owner()
        # Who knows the token may well be no process of ours: a container's proxy has the port then.
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
            # The port was leased until the start, and whoever could not bind it would have ended.
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
