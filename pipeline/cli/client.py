"""Asking this site's running master, as its admin, over HTTP."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx

from slipway.home import Home
from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.model.people import ADMIN
from slipway.model.site import Site, connectable

_TIMEOUT = 30.0
_LONGEST = 200


class MasterClient:
    """One conversation with the master; as a context manager it ends it."""

    def __init__(self, site: Site, home: Home) -> None:
        """Prepare; nothing is sent yet.

        Raises:
            MissingTool: The site has never been started: there is no password.
        """
        try:
            password = home.admin_password.read_text(encoding="utf-8").strip()
        except OSError:
            msg = f"{home.admin_password} is not there; start the site first: slipway up"
            raise MissingTool(msg) from None
        self._home = home
        self._url = f"http://{connectable(site.site.listen)}:{site.site.web_port}/"
        # No proxy of this machine's shall see the password.
        self._client = httpx.Client(
            base_url=self._url, timeout=_TIMEOUT, trust_env=False, auth=(ADMIN, password)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def poll(self, projects: list[str]) -> None:
        """Have the master look for new commits.

        Raises:
            MissingTool: No master answers.
            WrongInput: It does not take the password.
            StageFailed: It could not do it.
        """
        pollers = {"poller": [f"{name}-poller" for name in projects]}
        self._ask("POST", "change_hook/poller", params=pollers)

    def force_run(self, project: str, builder: str, values: dict[str, str]) -> None:
        """Start a run as the button "Run the pipeline" does.

        Args:
            project: The project.
            builder: Any of its builders: Buildbot wants one named.
            values: The fields of the form, such as branch and revision.

        Raises:
            MissingTool: No master answers.
            WrongInput: It does not take the password, or a value.
            StageFailed: It could not do it.
        """
        params = {"builderNames": [builder], **values}
        body = {"id": 1, "jsonrpc": "2.0", "method": "force", "params": params}
        self._ask("POST", f"api/v2/forceschedulers/{project}-run", json=body)

    def _ask(self, method: str, path: str, **options: Any) -> None:
        url = f"{self._url}{path}"
        try:
            answer = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            msg = f"no master answers at {url} ({error}); start the site: slipway up"
            raise MissingTool(msg) from None
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            msg = (
                f"the master at {url} refused the password in {self._home.admin_password}; "
                "is it this site's?"
            )
            raise WrongInput(msg)
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise WrongInput(_reasons(answer))
        if answer.is_error:
            told = answer.text.strip()[:_LONGEST]
            msg = f"the master at {url} answered {answer.status_code}: {told}"
            raise StageFailed(msg)


def _reasons(answer: httpx.Response) -> str:
    """Return what Buildbot's REST says of values it refused."""
    try:
        told = answer.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return answer.text.strip()[:_LONGEST]
    return "; ".join(str(one) for one in told.values()) if isinstance(told, dict) else str(told)
