"""Measure the time until a page is usable, of ours and of Buildbot's own."""

from __future__ import annotations

from dataclasses import dataclass, field

from selenium.webdriver import Chrome

from tests.support import browser as looking

#: Told by the document before any script of a page runs. Once what is looked for is there, one
#: frame is drawn, and a task of its own then finds the page's thread free: that is the time.
_WATCH = """
window.__usable = new Promise((done) => {
  const there = () => document.querySelector(%r);
  const answer = () => requestAnimationFrame(() => {
    const line = new MessageChannel();
    line.port1.onmessage = () => done(performance.now());
    line.port2.postMessage(0);
  });
  const look = new MutationObserver(() => {
    if (there()) { look.disconnect(); answer(); }
  });
  look.observe(document, { childList: true, subtree: true });
});
"""
_ASK = "const done = arguments[0]; window.__usable.then(done)"


@dataclass
class Page:
    """A page, and what it was seen to take."""

    name: str
    route: str
    data: str
    """The CSS selector of its first row or box of data."""
    ours: bool
    cold: list[float] = field(default_factory=list)
    """Seconds with nothing of the site in the browser's cache."""
    warm: list[float] = field(default_factory=list)


def pages(run: int) -> list[Page]:
    """Return what is compared; `run` is the number of the run whose page is opened."""
    link = "[data-bb-test-id=build-link]"
    return [
        Page("pipelines", "pipelines", ".sw-runs .sw-chip", ours=True),
        Page("run", f"pipelines/demo/{run}", ".sw-root .sw-box", ours=True),
        Page("environments", "environments", ".sw-grid .sw-card", ours=True),
        Page("tests", "tests", ".sw-testlist .sw-test", ours=True),
        Page("builders, a name", "builders", "td a[href^='#/builders/']", ours=False),
        Page("builders, a build", "builders", f"td {link}", ours=False),
        Page("grid", "grid", f"td {link}", ours=False),
        Page("console", "console", f"td {link}", ours=False),
        Page("waterfall", "waterfall", ".bb-waterfall-view g.build", ours=False),
    ]


def measure(url: str, cookies: dict[str, str], found: list[Page], warm: int, cold: int) -> None:
    """Load every page anew, in turns, and write down the seconds.

    Args:
        url: The site's.
        cookies: Of somebody who is signed in.
        found: The pages.
        warm: Loads of each with what the browser kept of the site.
        cold: Loads of each without.
    """
    with looking.browser() as driver:
        looking.sign_in(driver, url, cookies)
        looking.view(driver, 1280, 900)
        driver.set_script_timeout(60)
        # A browser that has drawn nothing yet is slower than one ever is again.
        for page in found:
            _load(driver, url, page)
        for _ in range(cold):
            for page in found:
                driver.execute_cdp_cmd("Network.clearBrowserCache", {})
                page.cold.append(_load(driver, url, page))
        for _ in range(warm):
            for page in found:
                page.warm.append(_load(driver, url, page))


def _load(driver: Chrome, url: str, page: Page) -> float:
    driver.get("about:blank")
    added = driver.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH % page.data}
    )
    try:
        driver.get(f"{url}#/{page.route}")
        return float(driver.execute_async_script(_ASK)) / 1000
    finally:
        driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
