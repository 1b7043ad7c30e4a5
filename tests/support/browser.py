"""A headless Chromium that looks at the pages: pictures, axe-core, what the console says."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

AXE = Path(__file__).resolve().parents[2] / "www/src/node_modules/axe-core/axe.min.js"
#: Quiet for so long, in seconds, the page is taken as it is.
_QUIET = 0.4


def available() -> bool:
    """Tell whether there is a browser."""
    return shutil.which("chromedriver") is not None


@contextlib.contextmanager
def browser() -> Iterator[Chrome]:
    """Open a browser and close it."""
    os.environ.update(SE_OFFLINE="true", SE_AVOID_STATS="true")
    options = ChromeOptions()
    for one in ("chromium-headless-shell", "chromium"):
        if path := shutil.which(one):
            options.binary_location = path
            break
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--lang=en-GB"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        profile = driver.capabilities["chrome"]["userDataDir"]
        driver.quit()
        _end(profile)


def _end(profile: str) -> None:
    """End what is left: Debian's browser is behind a shell, and its driver ends that alone."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if f"--user-data-dir={profile}".encode() in place.read_bytes():
                os.kill(int(place.parent.name), signal.SIGKILL)


def sign_in(driver: Chrome, url: str, cookies: dict[str, str]) -> None:
    """Take over a session that was made over HTTP."""
    driver.get(url + "robots.txt")
    driver.delete_all_cookies()
    for name, value in cookies.items():
        driver.add_cookie({"name": name, "value": value})


def view(driver: Chrome, width: int, height: int, *, dark: bool = False) -> None:
    """Set what kind of screen it is."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})


def visit(driver: Chrome, url: str) -> None:
    """Open a page anew and wait until it shows what it has to show."""
    driver.get("about:blank")
    driver.get(url)
    settle(driver)


def settle(driver: Chrome, patience: float = 30) -> None:
    """Wait until Slipway's page is there and its text stays the same."""
    end, before, since = time.monotonic() + patience, "", time.monotonic()
    while time.monotonic() < end:
        found = driver.find_elements(By.CSS_SELECTOR, ".sw-root")
        text = driver.execute_script("return document.querySelector('.sw-root')?.innerHTML ?? ''")
        if text != before or not found or "sw-loading" in text:
            before, since = text, time.monotonic()
        elif time.monotonic() - since > _QUIET:
            return
        time.sleep(0.1)


def violations(driver: Chrome, within: str = ".sw-root") -> list[str]:
    """Return what axe-core finds wrong, each as a sentence."""
    driver.execute_script(AXE.read_text(encoding="utf-8"))
    script = "const done = arguments[1]; axe.run(arguments[0]).then(r => done(r.violations))"
    found: list[dict[str, Any]] = driver.execute_async_script(script, within)
    return [
        f"{one['id']}: {one['help']}: "
        + "; ".join(f"{node['target']} {node['html'][:160]}" for node in one["nodes"][:4])
        for one in found
    ]


def complaints(driver: Chrome) -> list[str]:
    """Return the errors in the browser's console."""
    entries = driver.get_log("browser")
    return [json.dumps(one["message"]) for one in entries if one["level"] == "SEVERE"]


def overflow(driver: Chrome) -> int:
    """Return by how many pixels the page is wider than the window."""
    return int(
        driver.execute_script(
            "const e = document.querySelector('.sw-root');"
            "return Math.max(0, e.scrollWidth - e.clientWidth)"
        )
    )
