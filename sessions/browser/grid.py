"""Connect to a browser on another machine: a Selenium Grid, or any W3C WebDriver remote end."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.options import ArgOptions
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.file_detector import LocalFileDetector, UselessFileDetector
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from urllib3.exceptions import HTTPError

from slipway.sessions.browser.errors import first_line
from slipway.sessions.browser.launch import client
from slipway.sessions.browser.options import PAGE_LOAD, browser_options
from slipway.sessions.browser.programs import KINDS
from slipway.sessions.browser.session import BrowserSession
from slipway.sessions.errors import DriverMissing

__all__ = ["GridBrowser", "GridSession", "connect"]

# Seconds between a command's own timeout and that of the grid's answer.
_MARGIN = 30
_NO_MATCH = re.compile(
    r"no nodes support|no matching capabilities|cannot find .*binary", re.IGNORECASE
)
_ADVICE = "start it (workers/grid has units for services), or leave out grid-url to use a browser"
_ADVICE += " of this machine"


class GridSession(BrowserSession):
    """A visitor in a browser of a grid; attached files are uploaded to it."""

    driver = "grid"

    def send_files(self, field: WebElement, files: Sequence[Path]) -> None:
        """Upload files to the browser's machine, and attach them to a file field."""
        try:
            with self.browser.file_detector_context(LocalFileDetector):
                super().send_files(field, files)
        except WebDriverException as error:
            if "unknown command" not in first_line(error).lower():
                raise
            # Uploads are an extension of Selenium: a bare driver as remote end reads its machine's
            # files.
            super().send_files(field, files)


class GridBrowser(WebDriver):
    """A browser at a remote end, which ends with `quit` or with the grid's session timeout."""

    def __init__(self, url: str, options: ArgOptions, how: ClientConfig) -> None:
        """Request a browser.

        Args:
            url: The remote end.
            options: The browser's options.
            how: The client's settings.
        """
        self._ended = False
        # Other detectors upload a file if typed text happens to be the path of one.
        detector = UselessFileDetector()
        super().__init__(url, options=options, file_detector=detector, client_config=how)

    def quit(self) -> None:
        """End the grid's session. Idempotent."""
        if not self._ended:
            self._ended = True
            super().quit()


def connect(
    url: str,
    browser: str | None = None,
    *,
    headless: bool = True,
    window_size: tuple[int, int] = (1280, 900),
    arguments: Sequence[str] = (),
    capabilities: Mapping[str, Any] | None = None,
    program: Path | None = None,
    wait: float = 60.0,
) -> GridBrowser:
    """Request a browser of a grid.

    Args:
        url: The grid, for example "http://grid:4444".
        browser: chromium, chrome, edge or firefox. None: chromium.
        headless: Run without a window.
        window_size: Width and height in pixels.
        arguments: Additional arguments for the browser's command line.
        capabilities: Additional capabilities, such as {"platformName": "windows"}.
        program: The browser's program on the grid's machine. None: the grid's own.
        wait: Seconds to wait for a free browser.

    Raises:
        DriverMissing: No grid answers, it has no such browser, or none was free in time.
    """
    kind = browser or "chromium"
    if kind not in KINDS:
        msg = f'a grid has no browser "{kind}"; it may have {", ".join(KINDS)}'
        raise DriverMissing(msg)
    options = browser_options(
        kind, headless=headless, window_size=window_size, arguments=arguments, program=program
    )
    for name, value in (capabilities or {}).items():
        options.set_capability(name, value)
    deadline = time.monotonic() + wait
    _wait_until_ready(url, deadline)
    how = client(url, max(1.0, deadline - time.monotonic()))
    try:
        found = GridBrowser(url, options, how)
    except (WebDriverException, HTTPError, OSError, ValueError) as error:
        raise DriverMissing(_why(error, url, kind, wait)) from None
    # The timeout so far was that of waiting for a free browser; commands have another one.
    how.timeout = int(PAGE_LOAD + _MARGIN)
    return found


def _wait_until_ready(url: str, deadline: float) -> None:
    """Wait until a grid has nodes.

    Raises:
        DriverMissing: No grid answers.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        msg = f'"{_safe(url)}" is no address of a grid; write it as http://host:4444'
        raise DriverMissing(msg)
    status = url.rstrip("/") + "/status"
    while True:
        ready = _ready(status, url)
        if ready:
            return
        if time.monotonic() > deadline:
            msg = f"the grid at {_safe(url)} is not ready: no node has registered with it"
            raise DriverMissing(msg)
        time.sleep(0.25)


def _ready(status: str, url: str) -> bool:
    request = urllib.request.Request(_plain(status))  # noqa: S310  the scheme is checked
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  as above
            data = json.load(answer)
        # A grid whose browsers are all in use is not "ready", but queues requests.
        return bool(data["value"]["ready"] or data["value"].get("nodes"))
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        msg = f"no grid answers at {_safe(url)} ({reason}); {_ADVICE}"
    except (ValueError, LookupError, TypeError, AttributeError):
        msg = f"what answers at {_safe(url)} is no grid; check grid-url"
    raise DriverMissing(msg)


def _plain(url: str) -> str:
    """Return a URL without user and password, which urllib would take for the host."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=place))


def _safe(url: str) -> str:
    """Return a URL without password, for messages."""
    return _plain(url)


def _why(error: Exception, url: str, kind: str, wait: float) -> str:
    """Return the error sentence for a browser that was not available."""
    line = first_line(error)
    whole = getattr(error, "msg", None) or str(error)
    if _NO_MATCH.search(whole):
        return f"the grid at {_safe(url)} has no browser {kind} as asked for ({line})"
    if isinstance(error, HTTPError) or "timed out" in whole.lower():
        return f"the grid at {_safe(url)} had no free browser {kind} within {wait:g} s"
    return f"the grid at {_safe(url)} starts no browser {kind}: {line}"
