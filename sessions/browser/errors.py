"""Translate a browser's errors for steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from selenium.common.exceptions import (
    DetachedShadowRootException,
    ElementClickInterceptedException,
    ElementNotInteractableException,
    InvalidElementStateException,
    InvalidSelectorException,
    InvalidSessionIdException,
    JavascriptException,
    MoveTargetOutOfBoundsException,
    NoAlertPresentException,
    NoSuchElementException,
    StaleElementReferenceException,
    TimeoutException,
    UnexpectedAlertPresentException,
    WebDriverException,
)
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as NoAnswer

from slipway.sessions.errors import NotThere, SessionError, SessionLost, Transient, Unsupported

__all__ = [
    "LEFT_SENTENCE",
    "LeftPage",
    "Slow",
    "Stalled",
    "first_line",
    "translated",
    "translated_errors",
]


class LeftPage(Transient):
    """An element has left the page: it must be searched again."""


class Slow(Unsupported):
    """A page exceeded its timeout: a retry would take as long again."""


class Stalled(Slow):
    """A query exceeded its timeout; it changes nothing, so a retry may succeed."""


#: Message about an element that has left the page.
LEFT_SENTENCE = "what was found has left the page"
_LEFT_PAGE = (StaleElementReferenceException, DetachedShadowRootException)
_CHANGING = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    MoveTargetOutOfBoundsException,
    NoSuchElementException,
)
# chromedriver's generic errors when a page goes away during a command.
_LEFT_PAGE_WORDS = re.compile(
    r"does not belong to the document|no node with given id|could not find node|stale element"
    r"|node is detached|cannot find node",
    re.IGNORECASE,
)
_CHANGING_WORDS = re.compile(
    r"execution context|cannot find context|uniquecontextid not found|aborted by navigation"
    r"|navigated or closed|unhandled inspector error|frame .*detached|document unloaded"
    r"|target frame|net::err_aborted|not attached to an active page|has no size and location"
    r"|loader has changed|no such window|internal error: missing",
    re.IGNORECASE,
)
_LOST_WORDS = re.compile(
    r"tab crashed|page crash|not connected to devtools|chrome not reachable|invalid session id"
    r"|unable to find session|browser has closed|session deleted|failed to decode response"
    r"|session timed out|cannot find session|target crashed",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(
    r"net::ERR_(CONNECTION_\w+|EMPTY_RESPONSE|NAME_NOT_RESOLVED|ADDRESS_\w+|INTERNET_\w+)"
    r"|about:neterror",
)


def first_line(error: Exception) -> str:
    """Return an error's first line, without stack and version."""
    message = (getattr(error, "msg", None) or str(error) or type(error).__name__).strip()
    line = message.splitlines()[0]
    return line.split("; For documentation")[0].removeprefix("unknown error: ").strip()


def _reasons(error: Exception) -> str:
    """Return an error's first line and the following lines with its causes.

    chromedriver calls it a "timeout", "from aborted by navigation", when a page navigates during a
    script, even if no time has passed.
    """
    lines = (getattr(error, "msg", None) or "").splitlines()[1:]
    return "\n".join([first_line(error), *(one for one in lines if one.startswith("from "))])


@contextmanager
def translated_errors(doing: str = "the browser") -> Iterator[None]:
    """Translate the browser's errors in a block.

    Args:
        doing: The subject of the error sentence.

    Raises:
        Transient: The page is changing.
        SessionLost: The browser or its driver is gone.
        SessionError: The browser refuses the command.
    """
    try:
        yield
    except (WebDriverException, HTTPError, OSError) as error:
        raise translated(error, doing) from None


def translated(error: Exception, doing: str = "the browser") -> Exception:
    """Return the translation of a browser's error."""
    line = first_line(error)
    if isinstance(error, NoAnswer):
        return SessionLost("the browser does not answer any more")
    if not isinstance(error, WebDriverException):
        return SessionLost("the browser's driver is gone: it ended or was killed")
    if isinstance(error, InvalidSessionIdException) or _LOST_WORDS.search(_reasons(error)):
        return SessionLost(f"the browser is gone: it crashed or was closed ({line})")
    if isinstance(error, UnexpectedAlertPresentException):
        text = error.alert_text or ""
        return SessionError(f'{doing}: an alert is open, "{text}"; answer it first')
    return _of_page(error, line, doing)


def _of_page(error: WebDriverException, line: str, doing: str) -> Exception:
    """Return the translation of an error of a living browser; the first match counts."""
    unreachable = _UNREACHABLE.search(line)
    reasons = _reasons(error)
    changing = bool(_CHANGING_WORDS.search(reasons))
    sentence = f"{doing}: {line}"
    meanings: list[tuple[object, Exception]] = [
        (
            isinstance(error, _LEFT_PAGE) or _LEFT_PAGE_WORDS.search(reasons),
            LeftPage(LEFT_SENTENCE),
        ),
        (isinstance(error, NoAlertPresentException), NotThere("no alert is open")),
        (unreachable, SessionLost(f"{doing}: the application is not reachable ({line})")),
        (isinstance(error, JavascriptException) and not changing, Unsupported(sentence)),
        (isinstance(error, _CHANGING) or changing, Transient(line)),
        (isinstance(error, TimeoutException), Slow(f"{doing}: it takes too long ({line})")),
        (isinstance(error, InvalidSelectorException), Unsupported(sentence)),
        (
            isinstance(error, InvalidElementStateException),
            SessionError(f"{doing}: it is read-only or disabled"),
        ),
    ]
    return next((meant for fits, meant in meanings if fits), SessionError(sentence))
