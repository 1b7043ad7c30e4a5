"""The report of a features run in a real browser: what works, and what must not."""

import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from slipway.scripts.stages.features.report.page import write_report
from slipway.scripts.stages.features.results import (
    Attempt,
    EvidenceFile,
    FeaturesRun,
    ScenarioResult,
    StepResult,
)
from slipway.sessions.browser.launch import find_browser
from slipway.sessions.errors import DriverMissing

DRIVER = shutil.which("chromedriver")
START = datetime(2026, 11, 21, 14, 5, 12, tzinfo=UTC)
STEPS = (
    StepResult("Given", 'my cart holds 2 of "Almanac"', "passed", 0.1),
    StepResult("Then", "I should see it", "failed", 0.2, "it is not there\n" + "x" * 400, "a.py:5"),
    StepResult("And", "a message is sent", "untested"),
)
PASSED = Attempt(1, "passed", "", 0.3, (StepResult("Given", "all is well", "passed", 0.3),))
HOSTILE = "</script></style></textarea>'\"><script>document.title='HACKED'</script><img src=x>"


def scenario(status, line, *attempts, name="A scenario"):
    attempts = attempts or (PASSED,)
    file = "features/checkout.feature"
    return ScenarioResult("Checkout", file, name, line, status, 0.3, attempts, ("javascript",))


@pytest.fixture
def kept(tmp_path):
    def keep(name, data, media_type="text/plain"):
        (tmp_path / name).write_bytes(data)
        return EvidenceFile(name, media_type, tmp_path / name)

    return keep


@pytest.fixture(scope="module")
def browser():
    try:
        # Debian's command is a script that would leave the browser running when it is ended.
        program = find_browser()
    except DriverMissing as error:
        pytest.skip(str(error))
    options = webdriver.ChromeOptions()
    options.binary_location = str(program)
    for argument in ("--headless", "--no-sandbox", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, tmp_path):
    def load(run):
        browser.get_log("browser")
        browser.get(write_report(run, tmp_path / "r.html").as_uri())
        return browser

    yield load
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    browser.get("about:blank")


def shown(browser):
    everything = browser.find_elements(By.CSS_SELECTOR, ".case")
    return [one.get_dom_attribute("data-s") for one in everything if one.is_displayed()]


@pytest.fixture
def mixed(browser, kept):
    browser.get("data:text/html,<h1>The shop is closed</h1>")
    picture = kept("screenshot.png", browser.get_screenshot_as_png(), "image/png")
    text = kept("console.txt", b"x" * 500)
    scenarios = (
        scenario("failed", 1, Attempt(1, "failed", "", 1, STEPS, (picture, text))),
        scenario("error", 2, Attempt(1, "error", "no browser")),
        scenario("flaky", 3, Attempt(1, "failed", "", 1, STEPS, (picture,) * 4), PASSED),
        *[scenario("passed", n, name="A rather long name " * 5) for n in range(10, 14)],
    )
    return FeaturesRun(
        *("shop: features", START, 31.4),
        scenarios=scenarios,
        revision="4f0d2c9e" * 5,
        command="slipway features --jobs 2 " * 4,
        base_url="http://127.0.0.1:41763/" + "path" * 30,
    )


@pytest.mark.slow
def test_the_page_works_from_a_disk(opened, mixed):
    page = opened(mixed)
    assert page.get_log("browser") == []
    assert shown(page) == ["failed", "error", "flaky"]
    assert page.execute_script("return document.querySelector('.shot img').naturalWidth") == 1280
    page.find_element(By.CSS_SELECTOR, "input[type=search]").send_keys("rather long")
    assert shown(page) == ["passed"] * 4
    assert "4 of 7 shown" in page.find_element(By.CSS_SELECTOR, ".filter").text


@pytest.mark.slow
def test_statuses_are_filtered_and_keys_walk_through_failures(opened, mixed):
    page = opened(mixed)

    def press(key):
        ActionChains(page).send_keys(key).perform()
        return page.switch_to.active_element.find_element(By.XPATH, "..").get_dom_attribute("id")

    ids = [f"features-checkout-feature-{line}" for line in (1, 2)]
    assert [press(key) for key in "jjjk"] == [ids[0], ids[1], ids[0], ids[1]]
    page.find_element(By.CSS_SELECTOR, "input[value=error]").click()
    assert shown(page) == ["failed", "flaky"]


@pytest.mark.slow
def test_a_picture_grows_and_shrinks(opened, mixed):
    page = opened(mixed)
    picture = page.find_element(By.CSS_SELECTOR, ".shot img")
    before = picture.size["width"]
    picture.click()
    assert picture.size["width"] > 1.5 * before
    ActionChains(page).send_keys(Keys.ESCAPE).perform()
    assert picture.size["width"] == before


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 800, 1280, 2560])
def test_nothing_is_wider_than_the_window(opened, mixed, width):
    page = opened(mixed)
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.execute_script("document.querySelectorAll('details:not(.shot)').forEach(d => d.open = 1)")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_without_javascript_everything_can_be_read(opened, browser, mixed):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    page = opened(mixed)
    assert page.find_element(By.TAG_NAME, "h1").text == "Failed: 2 of 7 scenarios"
    assert not page.find_element(By.CSS_SELECTOR, ".filter").is_displayed()
    assert "14:05 UTC" in page.find_element(By.TAG_NAME, "time").text
    page.find_element(By.CSS_SELECTOR, ".feature > summary").click()
    assert shown(page) == ["failed", "error", "flaky", *["passed"] * 4]


@pytest.fixture
def visitors():
    seen = []

    class Door(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", seen
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
def test_a_hostile_page_neither_runs_nor_reaches_out(opened, kept, visitors):
    door, seen = visitors
    trap = f"""<title>t</title><base href="{door}/">
        <meta http-equiv="refresh" content="0;url={door}/r">
        <link rel="stylesheet" href="{door}/c"><link rel="preload" as="image" href="{door}/l">
        <style>@import "{door}/i"; body {{ background: url({door}/b) }}
        @font-face {{ font-family: f; src: url({door}/f) }} p {{ font-family: f }}</style>
        <script>top.document.title = "HACKED"; fetch("{door}/s")</script>
        <img src="{door}/p" onerror="top.document.title = 'HACKED'"><p>HELLO</p>
        <iframe src="{door}/n"></iframe><video src="{door}/v"></video>
        <form action="{door}/o"><button id="send">Send</button></form>
        <a id="go" href="{door}/a" target="_top">Go</a><script src="{door}/x"></script>"""
    evidence = (kept("page.html", trap.encode(), "text/html"), kept("a.txt", HOSTILE.encode()))
    evidence = tuple(replace(one, name=one.name + HOSTILE) for one in evidence)
    step = StepResult(HOSTILE, HOSTILE, HOSTILE, 1, HOSTILE, HOSTILE)
    attempt = Attempt(1, "failed", HOSTILE, 1, (step,), evidence)
    case = ScenarioResult(HOSTILE, HOSTILE, HOSTILE, 1, "failed", 1, (attempt,), (HOSTILE,))
    texts = (HOSTILE,) * 4
    page = opened(FeaturesRun(HOSTILE, START, 9, *texts, 1, (case,), (HOSTILE,), HOSTILE))
    page.execute_script("document.querySelectorAll('details:not(.shot)').forEach(d => d.open = 1)")
    address = page.current_url
    frame = page.find_element(By.TAG_NAME, "iframe")
    page.execute_script("arguments[0].scrollIntoView()", frame)
    page.switch_to.frame(frame)
    assert "HELLO" in page.find_element(By.TAG_NAME, "p").text
    for way_out in ("send", "go"):
        page.find_element(By.ID, way_out).click()
    page.switch_to.default_content()
    assert page.current_url == address
    assert "HACKED" not in page.title.split("-", 1)[0]
    assert page.execute_script("return document.scripts.length") == 1
    # The browser answers for what it was made to fetch before it fetches this.
    page.get(f"{door}/control")
    assert [path for path in seen if path != "/favicon.ico"] == ["/control"]
