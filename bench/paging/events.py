"""From a stage's end in the ledger to its chip's new colour in a page that lies open."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import Any

import httpx
from ledger import API, Site
from selenium.webdriver import Chrome

from tests.support import browser as looking

#: Writes down when each chip was first drawn with a colour, by the machine's clock, which is the
#: ledger's too: the frame after the change is awaited.
_WATCH = """
window.__seen = {};
const look = () => {
  const now = [];
  for (const chip of document.querySelectorAll('.sw-runs .sw-chip')) {
    const [, run, stage] = /pipelines\\/demo\\/(\\d+)\\?stage=([^&]+)/.exec(chip.href) ?? [];
    const tone = /sw-(passed|failed)/.exec(chip.className)?.[1];
    const key = `${run} ${stage}`;
    if (tone && !(key in window.__seen)) { window.__seen[key] = 0; now.push(key); }
  }
  if (now.length) requestAnimationFrame(() => {
    const at = performance.timeOrigin + performance.now();
    for (const key of now) window.__seen[key] = at / 1000;
  });
};
look();
new MutationObserver(look).observe(document.body,
  { childList: true, subtree: true, attributes: true, attributeFilter: ['class', 'href'] });
"""
_PATIENCE = 90


def measure(site: Site, client: httpx.Client, events: int) -> list[float]:
    """Start runs until so many stages have passed or failed while the page of pipelines was open.

    Returns:
        Seconds from each stage's end, as the ledger has it, to its chip's new colour.
    """
    url = f"http://127.0.0.1:{site.web}/"
    found: list[float] = []
    with looking.browser() as driver:
        looking.sign_in(driver, url, dict(client.cookies))
        looking.view(driver, 1280, 900)
        looking.visit(driver, f"{url}#/pipelines")
        driver.execute_script(_WATCH)
        while len(found) < events:
            answer = client.post(f"{API}runs", json={"project": "demo"}).raise_for_status()
            number = int(answer.json()["number"])
            rest(client, number)
            found += _gaps(site, driver, number)
    return found


def rest(client: httpx.Client, number: int | str) -> None:
    """Wait until a run works no more."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        run = client.get(f"{API}runs/demo/{number}").raise_for_status().json()
        if run["state"] != "running":
            return
        time.sleep(0.5)
    raise SystemExit(f"run {number} did not end within {_PATIENCE} s")


def _gaps(site: Site, driver: Chrome, number: int) -> list[float]:
    database = f"file:{site.state / 'state.sqlite'}?mode=ro"
    query = (
        "SELECT s.name, s.finished_at FROM slipway_stage s JOIN slipway_run r ON r.id = s.run_id "
        "WHERE r.number = ? AND s.state IN ('passed', 'failed')"
    )
    with closing(sqlite3.connect(database, uri=True)) as ledger:
        ends: list[Any] = ledger.execute(query, (number,)).fetchall()
    wanted = [f"{number} {name}" for name, _ in ends]
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        seen: dict[str, float] = driver.execute_script("return window.__seen")
        if all(seen.get(key) for key in wanted):
            return [seen[f"{number} {name}"] - at for name, at in ends]
        time.sleep(0.1)
    raise SystemExit(f"the page never showed the end of all of {wanted}")
