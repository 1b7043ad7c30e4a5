"""Collect evidence of a browser's page when a step has failed."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from slipway.sessions.browser.errors import first_line, translated_errors
from slipway.sessions.browser.limits import stuck
from slipway.sessions.browser.visitor import BrowserVisitor
from slipway.sessions.errors import SessionLost
from slipway.sessions.session import Evidence

__all__ = ["collect", "failed_requests", "frame", "why_not_shown"]

_TEXT = "text/plain; charset=utf-8"
_BAD_STATUS = 400
#: Pictures for films are small: half the window's width and height shows enough.
_FRAME = {"format": "jpeg", "quality": 60, "optimizeForSpeed": True}
_FRAME_SCALE = 0.5
_VIEW = "return [scrollX, scrollY, innerWidth, innerHeight]"


def collect(session: BrowserVisitor) -> list[Evidence]:
    """Return picture, page, console and failed requests, as far as available.

    Args:
        session: It may have an open alert, or a browser that is gone.
    """
    kept: list[Evidence] = []
    problems: list[str] = []
    why = stuck(session.browser)
    if why:
        return [Evidence("browser.txt", _TEXT, f"{why}\n".encode())]
    parts: list[tuple[str, str, Callable[[], bytes]]] = [
        ("alert.txt", _TEXT, lambda: _alert(session)),
        ("screenshot.png", "image/png", session.browser.get_screenshot_as_png),
        ("page.html", "text/html; charset=utf-8", lambda: _page(session)),
        ("console.txt", _TEXT, lambda: _console(session)),
        ("network.txt", _TEXT, lambda: _network(session)),
    ]
    for name, media_type, take in parts:
        try:
            with translated_errors():
                data = take()
        except SessionLost as lost:
            problems.append(str(lost))
            break
        except Exception as error:  # noqa: BLE001  evidence must never hide the failure itself
            problems.append(f"{name}: {first_line(error)}")
            continue
        if data:
            kept.append(Evidence(name, media_type, data))
    if problems:
        kept.append(Evidence("browser.txt", _TEXT, ("\n".join(problems) + "\n").encode()))
    return kept


def frame(session: BrowserVisitor, title: str) -> Evidence | None:
    """Return a small picture of the window; None if it is not available."""
    browser = session.browser
    with contextlib.suppress(Exception):
        if not hasattr(browser, "execute_cdp_cmd"):  # Firefox
            data = browser.get_screenshot_as_png()
            return Evidence("film.png", "image/png", data, title)
        x, y, width, height = browser.execute_script(_VIEW)
        clip = {"x": x, "y": y, "width": width, "height": height, "scale": _FRAME_SCALE}
        taken = browser.execute_cdp_cmd("Page.captureScreenshot", {**_FRAME, "clip": clip})
        return Evidence("film.jpg", "image/jpeg", base64.b64decode(taken["data"]), title)
    return None


def _alert(session: BrowserVisitor) -> bytes:
    """Return the open alert's text and dismiss it: no picture can be taken while it is open."""
    with contextlib.suppress(AssertionError):
        text = session.alert_now()
        session.browser.switch_to.alert.dismiss()
        return f"{text}\n".encode()
    return b""


def _page(session: BrowserVisitor) -> bytes:
    return f"<!-- {session.url.replace('--', '- -')} -->\n{session.html}".encode(errors="replace")


def _console(session: BrowserVisitor) -> bytes:
    lines = [
        f"{_time(entry['timestamp'] / 1000)} {entry['level']} {entry['message']}"
        for entry in session.log("browser")
    ]
    return _lines(lines)


def _network(session: BrowserVisitor) -> bytes:
    return _lines(failed_requests(entry["message"] for entry in session.log("performance")))


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode(errors="replace")


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%H:%M:%S.%f")[:-3]


def failed_requests(messages: Iterable[str]) -> Iterator[str]:
    """Yield a line for each request that failed or got a status from 400.

    Args:
        messages: Chromium's performance log: DevTools events as JSON.
    """
    asked: dict[str, str] = {}
    for message in messages:
        event: dict[str, Any] = json.loads(message)["message"]
        about = event.get("params", {})
        request = about.get("requestId", "")
        if event["method"] == "Network.requestWillBeSent":
            asked[request] = f"{about['request']['method']} {about['request']['url']}"
        elif event["method"] == "Network.responseReceived":
            answer = about["response"]
            if answer["status"] >= _BAD_STATUS:
                line = f"{answer['status']} {asked.get(request, answer['url'])}"
                yield f"{line} {answer.get('statusText', '')}".rstrip()
        elif event["method"] == "Network.loadingFailed" and not about.get("canceled"):
            yield f"{about.get('errorText', 'failed')} {asked.get(request, 'a request')}"


def why_not_shown(messages: Iterable[str]) -> str:
    """Return the error of the last page that failed to load, such as ERR_TOO_MANY_REDIRECTS."""
    failed = [line.split()[0] for line in failed_requests(messages)]
    return next((line for line in reversed(failed) if "ERR_" in line), "it failed to load")
