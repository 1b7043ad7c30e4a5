"""Send statuses of commits to one repository of a service."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from slipway.model.notices.events import Event
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Refused, Retry, Sender
from slipway.notifiers.answers import beginning, one_line
from slipway.notifiers.commit_status.complaints import (
    Asked,
    complaint,
    is_there_already,
    message_of,
    missing_commit,
)
from slipway.notifiers.commit_status.notifier import CommitStatusNotifier
from slipway.notifiers.commit_status.services import SERVICES, ServiceFacts
from slipway.notifiers.commit_status.statuses import Light, Status, statuses_of
from slipway.notifiers.trust import trust_of

__all__ = ["CommitStatusSender"]

#: So many statuses are remembered, so that an older one does not take the place of a newer.
_MOST_KNOWN = 5000
#: No commit has this hash: a status of it says what the token may do, and changes nothing.
_NO_COMMIT = "0" * 40


class CommitStatusSender(Sender):
    """Tells one repository the states of its commits."""

    settings: CommitStatusNotifier
    _client: httpx.Client | None = None
    _token: str = ""

    def __init__(self, settings: CommitStatusNotifier, site: Any) -> None:
        """Keep the settings."""
        super().__init__(settings, site)
        #: What was told last, by commit and context. It outlives the connection.
        self._told: OrderedDict[tuple[str, str], Status] = OrderedDict()

    def send(self, notice: Notice, context: Context) -> str:  # noqa: ARG002  one recipient
        """Tell the states that a notice changes.

        Returns:
            What was told.

        Raises:
            Retry: The service is away, does not accept the token, or lacks the commit.
            Refused: It says that it will never take this status.
        """
        if notice.event is Event.TRIAL:
            return self.check()
        said = [self._tell(one) for one in statuses_of(notice, self.settings.context)]
        return "; ".join(said) or "nothing: it is of no commit's state"

    def check(self) -> str:
        """See whether the token may write statuses of the repository, and write none."""
        repository = self.settings.repository
        path = self._service.repository_path(repository)
        answer, said = self._ask("GET", path, None)
        if not answer.is_success:
            raise complaint(self._service, answer, said, self._asked("", ""))
        trial = Status(
            f"{self.settings.context}/trial", Light.PENDING, "a trial", "", _NO_COMMIT, "", 0.0
        )
        answer, said = self._post(trial)
        if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise complaint(self._service, answer, said, self._asked(trial.context, _NO_COMMIT))
        return f"{self.settings.api} knows {repository}, and the token may write statuses there"

    def close(self) -> None:
        """End the connection, and forget the token."""
        client, self._client, self._token = self._client, None, ""
        if client is not None:
            client.close()

    # ---- one status

    def _tell(self, status: Status) -> str:
        key = (status.revision, status.context)
        before = self._told.get(key)
        if before is not None and before.at > status.at:
            return f"{status.context}: a later state was told already"
        if before is not None and _is_same(before, status):
            self._told[key] = status
            return f"{status.context}: is told already"
        answer, said = self._post(status)
        if not answer.is_success and not is_there_already(self._service, answer, said):
            raise self._refused(status, answer, said)
        self._told[key] = status
        self._told.move_to_end(key)
        while len(self._told) > _MOST_KNOWN:
            self._told.popitem(last=False)
        return f"{status.context}: {self._service.lights[status.light]} ({answer.status_code})"

    def _refused(self, status: Status, answer: httpx.Response, said: str) -> Retry | Refused:
        """Return the error that a refused status is."""
        asked = self._asked(status.context, status.revision)
        failed = answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
        if self._service.hides_missing and failed:
            path = self._service.commit_path(self.settings.repository, status.revision)
            found, _ = self._ask("GET", path, None)
            if found.status_code == HTTPStatus.NOT_FOUND:
                return missing_commit(asked)
        return complaint(self._service, answer, said, asked)

    def _post(self, status: Status) -> tuple[httpx.Response, str]:
        path = self._service.status_path(self.settings.repository, status.revision)
        return self._ask("POST", path, self._service.body(status))

    @property
    def _service(self) -> ServiceFacts:
        return SERVICES[self.settings.service]

    def _asked(self, context: str, revision: str) -> Asked:
        settings = self.settings
        return Asked(settings.api, settings.repository, context, revision, self._token)

    # ---- requests

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> tuple[httpx.Response, str]:
        """Ask, and return the answer with the message in its beginning."""
        self._token = self._token or self._read_token()
        headers = self._service.headers(self._token)
        url = f"{self.settings.api}{path}"
        try:
            with self._connected().stream(method, url, headers=headers, json=body) as answer:
                data = beginning(answer, seconds=self.settings.timeout)
        except httpx.TransportError as error:
            self.close()
            why = one_line(str(error) or type(error).__name__)
            msg = f"{self.settings.api} cannot be reached: {why}"
            raise Retry(msg, channel=True) from None
        return answer, message_of(data)

    def _read_token(self) -> str:
        token = self.site.secret(self.settings.token, "token")
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            msg = "token: is no token, which is letters, digits and signs without blanks"
            raise Retry(msg, channel=True)
        return token

    def _connected(self) -> httpx.Client:
        if self._client is None:
            trust = trust_of(self.settings.authorities, self.site.folder)
            # A token is for this server alone: what leads elsewhere is not followed.
            self._client = httpx.Client(
                verify=trust, timeout=self.settings.timeout, follow_redirects=False
            )
        return self._client


def _is_same(before: Status, status: Status) -> bool:
    """Return whether a run was told to be running: each of its stages that starts says so."""
    lights = (before.light, status.light)
    return lights == (Light.RUNNING, Light.RUNNING) and before.url == status.url
