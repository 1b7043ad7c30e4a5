"""The drivers `selenium` and `grid`: a real browser, on this machine or on a Selenium Grid."""

from __future__ import annotations

from slipway.sessions.browser.grid import GridSession, connect
from slipway.sessions.browser.launch import start_browser
from slipway.sessions.browser.session import BrowserSession
from slipway.sessions.errors import DriverMissing
from slipway.sessions.session import Session
from slipway.sessions.settings import Settings

__all__ = ["open_on_grid", "open_session"]


def open_session(settings: Settings, patience: float) -> Session:
    """Start a browser on this machine.

    Raises:
        DriverMissing: No browser is installed.
        WrongSetting: The application's address is not set.
    """
    target = settings.target()
    browser = start_browser(
        settings.browser,
        headless=settings.headless,
        window_size=settings.window_size,
        trust_any_certificate=settings.trust_any_certificate,
    )
    return BrowserSession(target, browser, patience=patience)


def open_on_grid(settings: Settings, patience: float) -> Session:
    """Open a browser on a Selenium Grid.

    Raises:
        DriverMissing: No grid is configured, or it does not answer.
        WrongSetting: The application's address is not set.
    """
    if settings.grid_url is None:
        msg = "the driver grid needs the address of a Selenium Grid; set grid-url"
        raise DriverMissing(msg)
    target = settings.target()
    trusting = settings.trust_any_certificate
    browser = connect(
        settings.grid_url,
        settings.browser,
        headless=settings.headless,
        window_size=settings.window_size,
        capabilities={"acceptInsecureCerts": True} if trusting else None,
    )
    return GridSession(target, browser, patience=patience)
