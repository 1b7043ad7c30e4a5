"""Build the options of a browser, for this machine or a grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from selenium.webdriver.chrome.options import Options as ChromeOptions
from selenium.webdriver.chromium.options import ChromiumOptions
from selenium.webdriver.common.options import ArgOptions
from selenium.webdriver.edge.options import Options as EdgeOptions
from selenium.webdriver.firefox.options import Options as FirefoxOptions

__all__ = ["PAGE_LOAD", "browser_options"]

#: Timeout of a page or a script in seconds.
PAGE_LOAD = 30.0

_QUIET = (
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-search-engine-choice-screen",
    # Do not throttle background windows: their timers are tested, too.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)


def browser_options(
    kind: str,
    *,
    headless: bool = True,
    window_size: tuple[int, int] = (1280, 900),
    arguments: Sequence[str] = (),
    program: Path | None = None,
    page_load: float = PAGE_LOAD,
) -> ArgOptions:
    """Return the options for a browser.

    Args:
        kind: chromium, chrome, edge or firefox.
        headless: Run without a window.
        window_size: Width and height in pixels.
        arguments: Additional arguments for the browser's command line.
        program: The browser. None: the remote end's own.
        page_load: Timeout in seconds of a page's loading, and of a script.
    """
    if kind == "firefox":
        options: ArgOptions = _firefox(headless=headless, window_size=window_size, program=program)
    else:
        options = _chromium(kind, headless=headless, window_size=window_size, program=program)
    for argument in arguments:
        options.add_argument(argument)
    milliseconds = int(page_load * 1000)
    options.timeouts = {"implicit": 0, "pageLoad": milliseconds, "script": milliseconds}
    # By default the next command closes an alert, and the step for the alert would not find it.
    options.set_capability("unhandledPromptBehavior", "ignore")
    return options


def _chromium(
    kind: str, *, headless: bool, window_size: tuple[int, int], program: Path | None
) -> ChromiumOptions:
    options = EdgeOptions() if kind == "edge" else ChromeOptions()
    if program is not None:
        options.binary_location = str(program)
    if headless:
        options.add_argument("--headless=new")
    for argument in (*_QUIET, f"--window-size={window_size[0]},{window_size[1]}"):
        options.add_argument(argument)
    prefix = "ms" if kind == "edge" else "goog"
    options.set_capability(f"{prefix}:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.add_experimental_option("perfLoggingPrefs", {"enableNetwork": True})
    return options


def _firefox(
    *, headless: bool, window_size: tuple[int, int], program: Path | None
) -> FirefoxOptions:
    options = FirefoxOptions()
    if program is not None:
        options.binary_location = str(program)
    if headless:
        options.add_argument("-headless")
    options.add_argument(f"--width={window_size[0]}")
    options.add_argument(f"--height={window_size[1]}")
    options.set_preference("app.update.enabled", value=False)
    options.set_preference("datareporting.policy.dataSubmissionEnabled", value=False)
    return options
