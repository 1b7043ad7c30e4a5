"""What a worker made is shown in a frame in which it can do nothing; a real browser says so."""

import pytest

from slipway.scripts.releases.site.framed import framed_page
from tests.support.browser import available, browser
from tests.support.machine import wait_for

EVIL = b"""<!doctype html><p id=said>SHOWN</p>
<script>parent.ran = 1; said.textContent = "RAN"</script>
<img src=x onerror="said.textContent = 'RAN'">
<meta http-equiv="refresh" content="0;url=data:text/html,MOVED">
<form action="data:text/html,SENT"><button id=go>go</button></form>
<a id=out target="_top" href="about:blank">out</a>"""


@pytest.mark.slow
@pytest.mark.skipif(not available(), reason="needs Chromium")
def test_nothing_of_a_framed_page_runs(tmp_path):
    page = tmp_path / "a-freeze.html"
    page.write_text(framed_page("a <b>'\"", EVIL))
    with browser() as driver:
        driver.get(page.as_uri())
        driver.switch_to.frame(0)

        def shown():
            found = driver.find_elements("id", "said")
            return found and found[0].text == "SHOWN"

        wait_for(shown, lambda: "the page")
        for name in ("go", "out"):
            driver.find_element("id", name).click()
            assert shown()
        driver.switch_to.default_content()
        assert driver.current_url == page.as_uri()
        assert driver.title == "a <b>'\""
        assert driver.execute_script("return window.ran") is None


def test_any_bytes_make_a_page():
    page = framed_page("a", bytes(range(256)))
    assert "\0" not in page
    assert page == framed_page("a", bytes(range(256)))
    assert page.count("<iframe") == page.count("</iframe>") == 1
