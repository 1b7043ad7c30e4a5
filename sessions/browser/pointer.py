"""Click with the mouse pointer at a position that the page has checked and observes."""

from __future__ import annotations

import contextlib
from typing import Any

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.command import Command
from selenium.webdriver.remote.webdriver import WebDriver

from slipway.sessions.browser import scripts
from slipway.sessions.browser.errors import translated_errors
from slipway.sessions.errors import Transient

__all__ = ["click_at"]


def click_at(browser: WebDriver, place: dict[str, Any]) -> dict[str, Any]:
    """Click at a position, and let the page begin its reaction.

    Args:
        browser: The browser.
        place: The result of page/pointing.js: x and y, relative to the centre of an origin.

    Returns:
        The page's observation: `why` the click missed its target; empty if another page is
        shown.

    Raises:
        Transient: The page went away before the click.
    """
    moves = [
        {"type": "pointerMove", "duration": 0, **place},
        {"type": "pointerDown", "button": 0},
        {"type": "pointerUp", "button": 0},
    ]
    mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
    try:
        with translated_errors("the click"):
            browser.execute(Command.W3C_ACTIONS, {"actions": [{**mouse, "actions": moves}]})
    except Transient:
        _outcome(browser)
        raise
    return _outcome(browser)


def _outcome(browser: WebDriver) -> dict[str, Any]:
    """Stop the page's observation of the click, and return what it has observed.

    The next command waits for a requested page. A form is submitted in a separate task: on a busy
    machine WebDriver may not see it yet, and the next step's page would be opened in its place. So
    this script lets the page run that task first.
    """
    with contextlib.suppress(WebDriverException):
        return dict(browser.execute_script(scripts.PAGE_SCRIPT, "clicked") or {})
    return {}
