"""A person with a headless Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.machine import wait_for

#: The browser's programs themselves: Debian's commands are scripts, and ending a script would
#: leave the browser running.
PROGRAMS = ("/usr/lib/chromium/chromium-headless-shell", "/usr/lib/chromium/chromium")
COMMANDS = ("chromium-headless-shell", "google-chrome", "chromium", "chrome")
PATIENCE = 30.0
TEXT = "return document.body.innerText"


def find_browser() -> str | None:
    """Return the browser's program."""
    there = (program for program in PROGRAMS if Path(program).is_file())
    return next(there, None) or next(filter(None, map(shutil.which, COMMANDS)), None)


def missing() -> str:
    """Say what is missing for @javascript; nothing if it can run."""
    lacking = [] if shutil.which("chromedriver") else ["chromedriver"]
    lacking += [] if find_browser() else ["a Chromium"]
    install = "apt install chromium-headless-shell chromium-driver"
    told = f"no {' and no '.join(lacking)} here; for the @javascript features: {install}"
    return told if lacking else ""


class Browser:
    """One browser, started for one person."""

    def __init__(self, base: str) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        os.environ.update(SE_OFFLINE="true", SE_AVOID_STATS="true")
        options = webdriver.ChromeOptions()
        options.binary_location = find_browser()
        arguments = ["headless=new", "no-first-run", "window-size=1200,900", "disable-sync"]
        arguments += ["disable-background-networking", "disable-component-update"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            arguments.append("no-sandbox")
        for argument in arguments:
            options.add_argument(f"--{argument}")
        self.base = base
        self.driver = webdriver.Chrome(options=options, service=Service(find_driver()))

    def quit(self) -> None:
        """End the browser."""
        self.driver.quit()

    def open(self, fragment: str = "") -> None:
        """Go to a page of Buildbot's web UI."""
        self.driver.get(f"{self.base}{fragment}")

    def sign_in(self, name: str, password: str) -> None:
        """Sign in as a browser does: with the name and the password in the address."""
        self.driver.get(f"http://{name}:{password}@{urlsplit(self.base).netloc}/auth/login")
        self.see(name)

    def text(self) -> str:
        """Return what the page shows; one call, as pages change meanwhile."""
        return " ".join(self.driver.execute_script(TEXT).split())

    def see(self, text: str) -> None:
        """Wait until the page shows a text."""
        self.patiently(lambda: text in self.text(), f"the page to show {text!r}")

    def press(self, name: str) -> None:
        """Press a button."""
        path = f"//button[normalize-space() = '{name}']"
        self.patiently(lambda: self._click(path), f"a button {name!r}")

    def _click(self, path: str) -> bool:
        shown = [one for one in self._find("xpath", path) if one.is_displayed()]
        for one in shown[-1:]:
            one.click()
        return bool(shown)

    def _find(self, way: str, what: str) -> list[Any]:
        return self.driver.find_elements(way, what)

    def patiently(self, look: Callable[[], Any], what: str) -> Any:
        """Look again until it is there; while a page changes, the driver knows no better."""
        from selenium.common.exceptions import WebDriverException

        def once() -> Any:
            try:
                return look()
            except WebDriverException:
                return None

        return wait_for(once, lambda: f"{what}; there is: {self.text()}", PATIENCE)

    def evidence(self) -> list[tuple[str, bytes]]:
        """Return what to keep of a page on which a step failed."""
        return [
            ("image/png", self.driver.get_screenshot_as_png()),
            ("text/html", self.driver.page_source.encode()),
        ]


def find_driver() -> str:
    """Return chromedriver's program; Selenium shall look for none by itself."""
    found = shutil.which("chromedriver")
    assert found, missing()
    return found
