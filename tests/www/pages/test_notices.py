"""The page of notices in a real browser: one's own rules, the outbox, notices of the browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from slipway.www.plugin import plugin
from tests.support import browser as looking
from tests.www.pages.demo import API

PATIENCE = 60.0

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.skipif(not looking.available(), reason="no chromedriver on this machine"),
    pytest.mark.skipif(
        not (Path(str(plugin.static_dir)) / "scripts.js").is_file(),
        reason="the web pages are not built: make www",
    ),
]
#: Keeps what the page shows, in place of a desktop that headless browsers lack.
SHOWN = """
window.shown = [];
window.Notification = class {
  static get permission() { return localStorage.allowed ?? "default"; }
  static async requestPermission() { return localStorage.allowed = "granted"; }
  constructor(title, options) {
    window.shown.push({ title, ...options });
    this.close = () => {};
    window.last = this;
  }
};
document.hasFocus = () => false;
"""


def part(driver: Chrome, label: str):
    return WebDriverWait(driver, PATIENCE).until(
        lambda d: d.find_element(By.CSS_SELECTOR, f"section[aria-label='{label}']")
    )


def labelled(within, word: str):
    """Return the control within a label that begins with a word."""
    found = within.find_elements(By.CSS_SELECTOR, "label")
    label = next(one for one in found if one.text.startswith(word))
    return label.find_element(By.CSS_SELECTOR, "input, select")


#: Browsers write times as their own language does; the page gets what is chosen there.
CHOOSE = """
const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
set.call(arguments[0], arguments[1]);
arguments[0].dispatchEvent(new Event("input", { bubbles: true }));
"""


def press(within, word: str):
    found = within.find_elements(By.TAG_NAME, "button")
    next(one for one in found if one.text.startswith(word)).click()


def wait(driver: Chrome, condition):
    return WebDriverWait(driver, PATIENCE).until(lambda _: condition())


def rules_of(demo, name: str):
    with demo.person(name) as client:
        return client.get(f"{API}notices/rules").json()["rules"]


def test_a_person_sets_rules_of_their_own_and_nobody_elses(demo, page):
    before = rules_of(demo, "bob")
    looking.visit(page, f"{demo.url}#/notices")
    own = part(page, "Your rules")
    press(own, "Add a rule")
    rule = own.find_element(By.CSS_SELECTOR, "li[aria-label='Rule 1']")
    Select(labelled(rule, "What to do")).select_by_visible_text("Do not tell me")
    labelled(rule, "Branches").send_keys("topic/*, main")
    rule.find_element(By.TAG_NAME, "summary").click()
    labelled(rule, "a run passed").click()
    page.execute_script(CHOOSE, labelled(own, "Quiet from"), "22:00")
    page.execute_script(CHOOSE, labelled(own, "to"), "07:00")
    press(own, "Save")
    wait(page, lambda: "Saved" in part(page, "Your rules").text)
    found = rules_of(demo, "ann")
    assert found["quiet"] == "22:00-07:00"
    assert found["rules"] == [
        {
            "channel": "",
            "events": ["run-passed"],
            "projects": [],
            "branches": ["topic/*", "main"],
            "environments": [],
            "tell": False,
            "digest": "",
        }
    ]
    assert rules_of(demo, "bob") == before
    looking.visit(page, f"{demo.url}#/notices")
    assert "Of a run passed" in part(page, "Your rules").text


def test_what_the_server_refuses_is_said_and_nothing_is_lost(demo, page):
    before = rules_of(demo, "ann")
    looking.visit(page, f"{demo.url}#/notices")
    own = part(page, "Your rules")
    press(own, "Add a rule")
    last = own.find_elements(By.CSS_SELECTOR, "ol > li")[-1]
    labelled(last, "Projects").send_keys("<b>No Name</b>")
    press(own, "Save")
    alert = WebDriverWait(page, PATIENCE).until(
        lambda _: own.find_element(By.CSS_SELECTOR, "[role=alert]")
    )
    assert "projects" in alert.text
    assert labelled(last, "Projects").get_attribute("value") == "<b>No Name</b>"
    assert rules_of(demo, "ann") == before


def test_who_looks_after_the_site_sees_the_outbox_and_ends_a_notice(demo, page):
    looking.visit(page, f"{demo.url}#/notices")
    outbox = part(page, "Outbox")
    assert "the channel" in outbox.text
    Select(outbox.find_element(By.TAG_NAME, "select")).select_by_visible_text("is tried again")
    wait(page, lambda: outbox.find_elements(By.XPATH, ".//button[starts-with(., 'Discard')]"))
    count = len(outbox.find_elements(By.CSS_SELECTOR, "tbody tr"))
    press(outbox, "Discard")
    dialog = WebDriverWait(page, PATIENCE).until(
        lambda d: d.find_element(By.CSS_SELECTOR, "dialog[open], .sw-modal[open]")
    )
    press(dialog, "Discard")
    wait(page, lambda: len(outbox.find_elements(By.CSS_SELECTOR, "tbody tr")) < count)


def test_others_see_their_own_notices_alone(demo):
    with looking.browser() as driver, demo.person("cleo") as cleo:
        looking.sign_in(driver, demo.url, dict(cleo.cookies))
        looking.view(driver, 1280, 900)
        looking.visit(driver, f"{demo.url}#/notices")
        outbox = part(driver, "Outbox")
        assert "Your notices" in outbox.text
        assert not outbox.find_elements(By.XPATH, ".//button[starts-with(., 'Discard')]")
        assert "Dead letters" not in part(driver, "Channels").text


def test_who_is_not_signed_in_is_asked_to(demo):
    with looking.browser() as driver:
        looking.view(driver, 1280, 900)
        looking.visit(driver, f"{demo.url}#/notices")
        assert "Sign in" in driver.find_element(By.CSS_SELECTOR, ".sw-root").text
        assert not driver.find_elements(By.CSS_SELECTOR, "section[aria-label='Your rules']")


def test_the_browser_tells_of_a_gate_that_begins_to_wait_once(demo, page):
    page.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": SHOWN})
    looking.visit(page, f"{demo.url}#/notices")
    switch = part(page, "This browser").find_element(By.CSS_SELECTOR, "input")
    assert not switch.is_selected()
    switch.click()
    wait(page, switch.is_selected)
    # What waits already is no news.
    wait(page, lambda: page.execute_script("return localStorage['slipway-notices-seen']"))
    assert page.execute_script("return window.shown") == []
    with demo.person("ann") as ann:
        number = demo.start(ann)
        gate = demo.gate(ann, number, "staging")
    shown = wait(page, lambda: page.execute_script("return window.shown"))
    assert [one["title"] for one in shown] == ["staging waits for you"]
    assert shown[0]["body"].startswith("almanac 1.4.0")
    page.execute_script("window.last.onclick()")
    dialog = WebDriverWait(page, PATIENCE).until(
        lambda d: d.find_element(By.CSS_SELECTOR, ".sw-modal[open]")
    )
    wait(page, lambda: "staging" in dialog.text)
    assert page.current_url.endswith(f"gate={gate['id']}")
    # Another page of the site, or the same one opened anew, tells nothing twice.
    looking.visit(page, f"{demo.url}#/notices")
    assert part(page, "This browser").find_element(By.CSS_SELECTOR, "input").is_selected()
    assert page.execute_script("return window.shown") == []
