"""Walks the pages in a headless Chromium; needs chromedriver on the PATH."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from support import pages

BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
QUIET = ("background-networking", "component-update", "sync")
TEXT = "return [...arguments].map(e => e.innerText.replace(/\\s+/g, ' ').trim())"


def find_browser() -> str | None:
    """Return the browser's program.

    Debian's commands are shell scripts that do not `exec`: ending the script would leave the
    browser running, so the program behind it is taken.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    behind = Path("/usr/lib/chromium") / Path(found or "").name
    return str(behind) if found and behind.is_file() else found


def start_browser() -> webdriver.Chrome:
    """Start the browser; nothing is downloaded."""
    driver = shutil.which("chromedriver")
    binary = find_browser()
    if driver is None or binary is None:
        raise RuntimeError("No chromedriver or no Chromium on the PATH: leave out @javascript.")
    os.environ.update(SE_OFFLINE="true", SE_AVOID_STATS="true")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    options.set_capability("goog:loggingPrefs", {"browser": "SEVERE"})
    arguments = ["--headless=new", "--no-first-run", "--window-size=1000,900"]
    arguments += [f"--disable-{name}" for name in QUIET]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    for argument in arguments:
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=Service(driver))


class BrowserSession:
    """A visitor with JavaScript; what is not there yet is looked for again by the steps."""

    patience = 5.0

    def __init__(self, base: str, driver: webdriver.Chrome) -> None:
        self.base = base
        self.driver = driver

    def close(self) -> None:
        """Forget the visitor; the browser stays for the next one."""
        self.driver.delete_all_cookies()
        self.driver.get("about:blank")

    def open(self, path: str) -> None:
        """Go to a page."""
        self.driver.get(self.base + path)

    def _one(self, path: str) -> WebElement:
        found = self.driver.find_elements(By.XPATH, path)
        assert len(found) == 1, f"{len(found)} elements instead of one for {path}"
        return found[0]

    def click(self, path: str) -> None:
        """Click what is at an XPath."""
        self._one(path).click()

    def follow(self, name: str) -> None:
        """Follow a link."""
        self.click(pages.named("a", name))

    def press(self, name: str) -> None:
        """Press a button."""
        self.click(pages.named("button", name))

    def key(self, name: str) -> None:
        """Press a key where the focus is."""
        self.driver.switch_to.active_element.send_keys(getattr(Keys, name))

    def fill(self, label: str, text: str) -> None:
        """Type into a field."""
        found = self._one(pages.field(label))
        found.clear()
        found.send_keys(text)

    def choose(self, label: str, option: str) -> None:
        """Choose from a list."""
        Select(self._one(pages.field(label))).select_by_visible_text(option)

    def value(self, label: str) -> str:
        """Return what a field holds."""
        return self._one(pages.field(label)).get_property("value") or ""

    def text(self) -> str:
        """Return the text of the page."""
        return " ".join(self.driver.execute_script("return document.body.innerText").split())

    def texts(self, path: str) -> list[str]:
        """Return the text of each element at an XPath."""
        found = self.driver.find_elements(By.XPATH, path)
        return list(self.driver.execute_script(TEXT, *found))

    def focused(self) -> str:
        """Return the name of what has the focus."""
        active = self.driver.switch_to.active_element
        return active.get_attribute("aria-label") or active.text

    def title(self) -> str:
        """Return the title of the page."""
        return self.driver.title

    def path(self) -> str:
        """Return the path of the page."""
        return urlsplit(self.driver.current_url).path

    def evidence(self) -> list[tuple[str, bytes]]:
        """Return what to keep of a page on which a step failed."""
        console = "\n".join(entry["message"] for entry in self.driver.get_log("browser"))
        return [
            ("image/png", self.driver.get_screenshot_as_png()),
            ("text/html", self.driver.page_source.encode()),
            ("text/plain", console.encode()),
        ]
