"""What a browser's errors mean to a step, in the words of chromedriver on a busy machine."""

import pytest
from selenium.common.exceptions import TimeoutException, WebDriverException

from slipway.sessions.browser.errors import LeftPage, Slow, translated
from slipway.sessions.errors import SessionLost, Transient

INFO = "\n  (Session info: chrome-headless-shell=156.0.8078.108)"


@pytest.mark.parametrize(
    ("kind", "told", "meant"),
    [
        # Told after 0.3 of 5 seconds, while the page went on to another one.
        (
            TimeoutException,
            "timeout\nfrom aborted by navigation: loader has changed while resolving nodes",
            Transient,
        ),
        (TimeoutException, "timeout\nfrom no such execution context: frame detached", Transient),
        (TimeoutException, "timeout\nfrom stale element reference: it is gone", LeftPage),
        (TimeoutException, "timeout\nfrom tab crashed", SessionLost),
        (TimeoutException, "timeout: Timed out receiving message from renderer: 4.000", Slow),
        (TimeoutException, "timeout\nfrom timeout: Timed out receiving message", Slow),
        (WebDriverException, "aborted by navigation: loader has changed", Transient),
    ],
)
def test_what_an_error_comes_from_tells_what_it_means(kind, told, meant):
    assert type(translated(kind(told + INFO), "the page")) is meant
