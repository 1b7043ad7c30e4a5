"""The pages in a real browser, on a real site: looked at, typed into, and told of changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from slipway.www.plugin import plugin
from tests.support import browser as looking
from tests.www.pages.demo import API

# It guards against hanging alone, on a busy machine, too.
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


def one(driver: Chrome, css: str):
    return WebDriverWait(driver, PATIENCE).until(lambda d: d.find_element(By.CSS_SELECTOR, css))


def text(driver: Chrome) -> str:
    return one(driver, ".sw-root").text


@pytest.mark.parametrize("width", [360, 1280, 2560])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_inaccessible_or_too_wide(demo, page, width, dark):
    looking.view(page, width, 900, dark=dark)
    with demo.person("ann") as ann:
        gate = demo.gate(ann, 1, "staging")["id"]
    paths = ("pipelines", "pipelines/almanac/1", f"pipelines?gate={gate}", "environments")
    wrong = []
    for path in (*paths, "releases", "tests", "lanes", "notices", "audit", "pipelines/almanac/99"):
        looking.visit(page, f"{demo.url}#/{path}")
        wrong += [f"{path}: {found}" for found in looking.violations(page)]
        if looking.overflow(page):
            wrong.append(f"{path}: wider than the window")
    assert wrong == []


def test_the_site_opens_with_its_pipelines(demo, page):
    looking.visit(page, demo.url)
    assert page.current_url.endswith("#/pipelines")
    assert "Tell the phases of the moon" in text(page)


def test_an_unknown_run_says_so(demo, page):
    looking.visit(page, f"{demo.url}#/pipelines/almanac/99")
    assert "There is no such run." in text(page)


def test_names_are_never_read_as_html(demo, page):
    with demo.person("ann") as ann:
        demo.act(ann, "freezes/almanac", {"reason": "<img src=x onerror=document.title='owned'>"})
    looking.visit(page, f"{demo.url}#/pipelines")
    assert "<img src=x onerror=" in text(page)
    assert page.title != "owned"
    with demo.person("ann") as ann:
        assert ann.delete(f"{API}freezes/almanac", headers={"content-type": "application/json"})


def test_a_gate_is_opened_in_its_dialog_once(demo, page):
    with demo.person("ann") as ann:
        gate = demo.gate(ann, 1, "staging")["id"]
        looking.visit(page, f"{demo.url}#/pipelines/almanac/1?gate={gate}")
        replicas = one(page, "input[name=replicas]")
        replicas.send_keys("17")
        assert "must be at most 9" in one(page, ".sw-field-wrong").text
        replicas.send_keys(Keys.CONTROL + "a")
        replicas.send_keys("3")
        secret = one(page, "input[name=token]")
        secret.send_keys("s3cret-of-ann")
        submit = one(page, ".sw-ask button[type=submit]")
        submit.click()
        # The ticket is missing: nothing was sent, and the focus is where it must be mended.
        assert page.switch_to.active_element.get_attribute("name") == "ticket"
        page.switch_to.active_element.send_keys("OPS-4")
        # The session ends meanwhile; what was typed stays.
        kept = page.get_cookies()
        page.delete_all_cookies()
        submit.click()
        assert "Sign in" in WebDriverWait(page, PATIENCE).until(
            lambda d: d.find_element(By.CSS_SELECTOR, ".sw-ask .sw-alert").text
        )
        assert one(page, "input[name=ticket]").get_attribute("value") == "OPS-4"
        for cookie in kept:
            page.add_cookie(cookie)
        ActionChains(page).double_click(submit).perform()
        demo.gate(ann, 1, "production")
        whole = ann.get(f"{API}runs/almanac/1").json()
    assert [(one_["environment"], one_["values"]["replicas"]) for one_ in whole["deployments"]] == [
        ("staging", 3)
    ]
    assert "s3cret-of-ann" not in page.page_source


WATCH_LINE = """
    window.lines = [];
    const note = (all) => all.forEach((one) => window.lines.push(one.target.dataset.line));
    const what = {attributes: true, attributeFilter: ["data-line"], subtree: true};
    new MutationObserver(note).observe(document.body, what);
"""


def test_a_change_is_pushed(demo, page):
    """The page asks by itself only while its line to the master is lost."""
    looking.visit(page, f"{demo.url}#/pipelines")
    WebDriverWait(page, PATIENCE).until(lambda d: "almanac" in text(d))
    live = "return document.querySelector('[data-line]').dataset.line"
    WebDriverWait(page, PATIENCE).until(lambda d: d.execute_script(live) == "live")
    page.execute_script(WATCH_LINE)
    with demo.person("ann") as ann:
        number = demo.start(ann, wait=False)
        WebDriverWait(page, PATIENCE, poll_frequency=0.05).until(lambda d: f"#{number}" in text(d))
        assert page.execute_script("return window.lines") == []
        demo.rest(ann, number)


def test_buildbots_force_page_leads_to_the_gate(demo, page):
    with demo.person("ann") as ann:
        number = demo.start(ann)
        builders = ann.get("api/v2/builders?name=almanac.staging").json()["builders"]
    looking.visit(page, f"{demo.url}#/builders/{builders[0]['builderid']}/force/any")
    WebDriverWait(page, PATIENCE).until(lambda d: "gate=" in d.current_url)
    assert f"1.4.0+{number} to staging" in one(page, "dialog h2").text


def press(driver: Chrome, words: str) -> None:
    """Press the button of these words, when it can be pressed."""

    def look(d: Chrome):
        found = d.find_elements(By.CSS_SELECTOR, ".sw-modal button")
        return next((b for b in found if b.text.strip() == words and b.is_enabled()), None)

    WebDriverWait(driver, PATIENCE).until(look).click()


def dialog(driver: Chrome) -> str:
    return one(driver, ".sw-modal").text


def says(driver: Chrome, *words: str) -> None:
    WebDriverWait(driver, PATIENCE).until(lambda d: all(word in dialog(d) for word in words))


def test_what_is_asked_anew_is_looked_at_before_it_is_approved(demo, page):
    with demo.person("ann") as ann, demo.person("bob") as bob:
        number = demo.start(ann)
        demo.deploy(ann, number)
        gate = demo.gate(ann, number, "production")
        ask = {"token": gate["token"], "values": {"ticket": "harmless"}}
        asking = demo.act(ann, gate["ask"], ask)["gate"]["asking"]
        looking.sign_in(page, demo.url, dict(bob.cookies))
        looking.visit(page, f"{demo.url}#/pipelines/almanac/{number}?gate={gate['id']}")
        says(page, "harmless", "Asked for by ann", "Approve")
        assert looking.violations(page) == []
        demo.act(ann, gate["ask"], {"token": asking, "values": {"ticket": "DESTROY"}})
        says(page, "ann has asked anew while you looked", "harmless → DESTROY")
        approve = page.find_elements(By.CSS_SELECTOR, ".sw-foot .sw-primary")
        assert [b.is_enabled() for b in approve] == [False]
        assert looking.violations(page) == []
        # A page that has heard of nothing sends what it has shown, and is told.
        stale = bob.post(f"{API}gates/{gate['id']}/approve", json={"asking": asking})
        assert (stale.status_code, "has asked anew" in stale.json()["error"]) == (409, True)
        press(page, "I have looked at it")
        press(page, "Approve")
        wait = WebDriverWait(page, PATIENCE)
        wait.until(lambda d: not d.find_elements(By.CSS_SELECTOR, ".sw-modal"))
        demo.rest(ann, number, "passed", "failed")
        whole = ann.get(f"{API}runs/almanac/{number}").json()
    reached = {one_["environment"]: one_["values"] for one_ in whole["deployments"]}
    assert reached["production"] == {"ticket": "DESTROY"}


def test_a_rollback_asks_in_a_dialog_that_writes_nothing(demo, page):
    with demo.person("ann") as ann:
        for _ in range(2):
            demo.deploy(ann, demo.start(ann))
        before = len(ann.get(f"{API}gates?state=all&limit=100").json()["items"])
        looking.visit(page, f"{demo.url}#/environments")
        one(page, "article[aria-label='almanac staging']")
        buttons = page.find_elements(By.CSS_SELECTOR, "[aria-label='almanac staging'] button")
        next(b for b in buttons if b.text.strip() == "Roll back …").click()
        one(page, ".sw-choice").click()
        says(page, "goes back to", "Roll back staging")
        assert looking.violations(page) == []
        press(page, "Not now")
        after = ann.get(f"{API}gates?state=all&limit=100").json()["items"]
        assert len(after) == before
        looking.visit(page, f"{demo.url}#/pipelines?gate=../../api/v2/builds")
        assert not page.find_elements(By.CSS_SELECTOR, ".sw-modal")
