"""Check the health of a deployment: URLs that answer, programs that exit with 0."""

from __future__ import annotations

import http.client
import ipaddress
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from slipway.model.duration import format_duration
from slipway.model.errors import SlipwayError, StageFailed
from slipway.model.kinds.environment import HealthCheck
from slipway.scripts.process import run

__all__ = ["Healthy", "wait"]

_BODY = 1 << 20
_FIRST_PAUSE = 0.1
_SHOWN = 200
#: Minimum timeout in seconds of the last try, so that it ends with a reason of its own.
_LEAST = 2.0


@dataclass(frozen=True)
class Healthy:
    """The result of a passed check."""

    name: str
    seconds: float
    """Seconds from the first try to the passed one."""
    tries: int


def wait(
    check: HealthCheck, cwd: Path, env: Mapping[str, str], log: Callable[[str], None]
) -> Healthy:
    """Retry a check until it passes, or its patience is over.

    Args:
        check: The check.
        cwd: The working folder of programs.
        env: The complete environment of programs.
        log: Receives each new reason why it does not pass yet.

    Raises:
        StageFailed: It did not pass in time; with its last result.
    """
    began = time.monotonic()
    pause, tries, last = _FIRST_PAUSE, 0, ""
    while True:
        tries += 1
        remaining = check.patience - (time.monotonic() - began)
        why = _try(check, min(check.timeout, max(_LEAST, remaining)), cwd, env)
        seconds = time.monotonic() - began
        if why is None:
            return Healthy(check.name, round(seconds, 3), tries)
        if why != last:
            log(f"not healthy yet: {check.name} {why}")
            last = why
        if seconds + pause > check.patience:
            patience = format_duration(check.patience)
            msg = f"{check.name} {last} (tried {tries} times in {patience})"
            raise StageFailed(msg)
        time.sleep(pause)
        pause = min(check.interval, pause * 2)


def _try(check: HealthCheck, timeout: float, cwd: Path, env: Mapping[str, str]) -> str | None:
    """Try once; return the reason if it does not pass, else None."""
    if check.argv:
        return _try_program(check, timeout, cwd, env)
    # In its own thread: a server that sends a byte per second never exceeds a socket's timeout.
    answer: list[str | None] = []
    thread = threading.Thread(
        target=lambda: answer.append(_try_page(check, timeout)), name="health", daemon=True
    )
    thread.start()
    thread.join(timeout)
    return answer[0] if answer else f"did not answer within {format_duration(timeout)}"


def _try_program(
    check: HealthCheck, timeout: float, cwd: Path, env: Mapping[str, str]
) -> str | None:
    try:
        finished = run(check.argv, cwd=cwd, env=env, timeout=timeout)
    except SlipwayError as error:
        return f"did not hold: {error}"
    if finished.code == 0:
        return None
    lines = [line for line in finished.tail.splitlines() if line.strip()]
    hint = f": {lines[-1].strip()[:_SHOWN]}" if lines else ""
    return f"ended with exit code {finished.code}{hint}"


class _Still(urllib.request.HTTPRedirectHandler):
    """A handler that returns redirects instead of following them."""

    def redirect_request(self, *_args: Any) -> None:
        """Follow no redirect."""


def _try_page(check: HealthCheck, timeout: float) -> str | None:
    url = check.url or ""
    headers = {"User-Agent": "slipway-health", "Accept": "*/*", **check.headers}
    try:
        with _opener(url).open(_request(url, headers), timeout=timeout) as response:
            return _judge(check, response.status, response)
    except urllib.error.HTTPError as error:
        with error:
            return _judge(check, error.code, error)
    except urllib.error.URLError as error:
        reason = error.reason
        return f"does not answer: {getattr(reason, 'strerror', None) or reason}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        return f"does not answer: {problem or type(error).__name__}"


def _request(url: str, headers: Mapping[str, str]) -> urllib.request.Request:
    return urllib.request.Request(url, headers=dict(headers))  # noqa: S310  http and https alone


def _opener(url: str) -> urllib.request.OpenerDirector:
    handlers: list[urllib.request.BaseHandler] = [_Still()]
    if _is_here(urlsplit(url).hostname or ""):
        # No proxy can reach this machine's own loopback addresses.
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _judge(check: HealthCheck, status: int, body: HTTPResponse | IO[bytes]) -> str | None:
    if status != check.status:
        return f"answered {status} instead of {check.status}"
    if check.contains is not None:
        text = body.read(_BODY).decode("utf-8", "replace")
        if check.contains not in text:
            return f'answered {status}, but without "{check.contains}"'
    return None
