"""Complaints: what a service answers in place of taking a status, each as one sentence."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from slipway.model.notices.sending import Refused, Retry
from slipway.notifiers.answers import SAID, one_line, pause_of
from slipway.notifiers.commit_status.services import ServiceFacts

__all__ = ["Asked", "complaint", "is_there_already", "message_of", "missing_commit"]

_SERVER = 500
_MOST_PAUSE = 3700.0


@dataclass(frozen=True)
class Asked:
    """What was asked for, for error sentences."""

    where: str
    """The address of the API."""
    repository: str
    context: str
    revision: str
    token: str

    def hide(self, text: str) -> str:
        """Return what a server said, without the token, in one line."""
        return one_line(text.replace(self.token, "***") if self.token else text)


def message_of(data: bytes) -> str:
    """Return the message of an answer; all of it if it is not JSON."""
    text = data.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(found, dict):
        return text
    parts = [_words(found.get(key)) for key in ("message", "error", "errors", "error_description")]
    return "; ".join(part for part in parts if part)


def _words(value: Any, depth: int = 3) -> str:
    """Return the texts of a message: services send a text, a list or a table of them."""
    if isinstance(value, str):
        return value
    if depth and isinstance(value, list):
        return ", ".join(filter(None, (_words(one, depth - 1) for one in value[:5])))
    if depth and isinstance(value, dict):
        if isinstance(value.get("message"), str):
            return str(value["message"])
        pairs = list(value.items())[:5]
        return ", ".join(f"{key} {_words(one, depth - 1)}".strip() for key, one in pairs)
    return ""


def is_there_already(service: ServiceFacts, answer: httpx.Response, said: str) -> bool:
    """Return whether GitLab refuses a status since the commit has an open one of the name.

    It lets no open status become open again, and has no way to change the text of one.
    """
    return (
        service.is_gitlab
        and answer.status_code == HTTPStatus.BAD_REQUEST
        and said.startswith(
            ("Cannot transition status via :enqueue", "Cannot transition status via :run ")
        )
    )


def complaint(
    service: ServiceFacts, answer: httpx.Response, said: str, asked: Asked
) -> Retry | Refused:
    """Return the error that an answer is.

    Args:
        service: The service.
        answer: Its answer, which is no success.
        said: The message in it.
        asked: What was asked for.
    """
    told = asked.hide(said)
    more = f" ({told})" if told else ""
    of_token = _of_token(service, answer, said, asked, more)
    return of_token or _of_place(service, answer, said, asked, more) or _other(answer, asked, told)


def missing_commit(asked: Asked, more: str = "") -> Retry:
    """Return the error that a commit is not there: others are told meanwhile."""
    sentence = (
        f"repository: {asked.repository} has no commit {asked.revision[:12]}{more}; push it there, "
        "or correct repository"
    )
    return Retry(sentence)


def _of_token(
    service: ServiceFacts, answer: httpx.Response, said: str, asked: Asked, more: str
) -> Retry | None:
    """Return that the token is not good for this, or has done too much."""
    code = answer.status_code
    if code == HTTPStatus.UNAUTHORIZED:
        sentence = f"token: {asked.where} does not accept it{more}; make a new one"
        return Retry(sentence, channel=True)
    if _asks_to_wait(answer, said):
        sentence = f"{asked.where} takes no more for now{more}; it is tried again by itself"
        return Retry(sentence, after=_wait(answer), channel=True)
    if code == HTTPStatus.FORBIDDEN:
        sentence = (
            f"token: it may not write statuses of {asked.repository} at {asked.where}{more}; "
            f"give it {service.right}"
        )
        return Retry(sentence, channel=True)
    return None


def _of_place(
    service: ServiceFacts, answer: httpx.Response, said: str, asked: Asked, more: str
) -> Retry | None:
    """Return that there is no such repository or commit, or somewhere else."""
    if answer.is_redirect:
        sentence = (
            f"{asked.where} leads {asked.repository} elsewhere, and a token is sent nowhere else; "
            "write the new name as repository, or the address as url"
        )
        return Retry(sentence, channel=True)
    if _lacks_commit(service, answer.status_code, said):
        return missing_commit(asked, more)
    if answer.status_code == HTTPStatus.NOT_FOUND:
        sentence = (
            f"repository: {asked.where} has no {asked.repository}, or none that the token may see"
            f"{more}; correct url, repository or token"
        )
        return Retry(sentence, channel=True)
    return None


def _other(answer: httpx.Response, asked: Asked, told: str) -> Retry | Refused:
    code, more = answer.status_code, f": {told}" if told else ""
    if code == HTTPStatus.CONFLICT:
        return Retry(f"{asked.where} answers {code}{more}")
    if code >= _SERVER or code == HTTPStatus.REQUEST_TIMEOUT:
        return Retry(
            f"{asked.where} answers {code}{more}",
            after=pause_of(answer.headers.get("retry-after", "")),
            channel=True,
        )
    return Refused(f"{asked.where} refuses the status {asked.context[:SAID]} ({code}){more}")


def _asks_to_wait(answer: httpx.Response, said: str) -> bool:
    """Return whether a limit was reached. GitHub says so by 403, too."""
    code = answer.status_code
    if code == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    headers = answer.headers
    is_limit = (
        "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in said.lower()
    )
    return code == HTTPStatus.FORBIDDEN and is_limit


def _wait(answer: httpx.Response) -> float | None:
    asked = pause_of(answer.headers.get("retry-after", ""))
    reset = answer.headers.get("x-ratelimit-reset", "")
    if asked is None and reset.isascii() and reset.isdigit():
        return min(max(float(reset[:15]) - time.time(), 0.0), _MOST_PAUSE)
    return asked


def _lacks_commit(service: ServiceFacts, code: int, said: str) -> bool:
    if service.is_gitlab:
        return code == HTTPStatus.NOT_FOUND and ("Commit" in said or "References" in said)
    return code == HTTPStatus.UNPROCESSABLE_ENTITY and "No commit found" in said
