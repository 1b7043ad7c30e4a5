"""Timeouts of a browser's pages, and a check whether a page still answers."""

from __future__ import annotations

from selenium.webdriver.remote.webdriver import WebDriver

from slipway.sessions.browser.errors import Slow, translated_errors
from slipway.sessions.browser.options import PAGE_LOAD
from slipway.sessions.errors import SessionLost

__all__ = ["stuck"]

# Seconds that a page gets to answer.
_PROBE = 2.0


def _limit_of(browser: WebDriver) -> float:
    """Return the timeout of a page's loading and answers in seconds."""
    kept = browser.capabilities.get("timeouts", {})
    return float(kept.get("pageLoad", 1000 * PAGE_LOAD)) / 1000


def stuck(browser: WebDriver) -> str | None:
    """Return why the browser cannot answer at all: it is gone, or a script never ends.

    Returns None if it can.

    On a page whose script never ends, picture and logs would each block until the client's own
    timeout, a minute.
    """
    limit = _limit_of(browser)
    try:
        with translated_errors("the page"):
            browser.set_page_load_timeout(min(limit, _PROBE))
            try:
                browser.execute_script("return 1")
            finally:
                browser.set_page_load_timeout(limit)
    except (Slow, SessionLost) as stuck:
        return str(stuck)
    except Exception:  # noqa: BLE001  such as an open alert: the browser does answer
        return None
    return None
