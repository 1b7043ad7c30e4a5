"""Finding, starting and ending a browser and its driver, whatever happens to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest

from slipway.sessions import DriverMissing
from slipway.sessions.browser.launch import start_browser
from slipway.sessions.browser.programs import find_browser, kind_of

pytestmark = pytest.mark.slow


OLD_DRIVER = Path(__file__).parents[2] / "data" / "sessions" / "old_driver.py"

#: A program that starts a browser, says where its files are, and waits to be killed.
HOLDER = """
import sys, time
from slipway.sessions.browser.launch import start_browser
running = start_browser()
running.get("data:text/html,<p>here")
{then}
print(running.keeper.folder, running.keeper._process.pid, flush=True)
time.sleep(60)
"""


def script(path: Path, text: str) -> str:
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return str(path)


def wait_until(look, seconds=60):
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


@pytest.fixture
def holder():
    """Starts the holder; returns it, the browser's folder and all its processes."""
    started = []

    def start(then=""):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER.format(then=then)], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        folder, keeper = process.stdout.readline().split()
        tree = psutil.Process(int(keeper))
        return process, Path(folder), [tree, *tree.children(recursive=True)]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def alive(processes):
    return [one for one in processes if state_of(one) not in {"", psutil.STATUS_ZOMBIE}]


def state_of(process):
    """Return a process's state; nothing where it has ended, also while it is asked."""
    try:
        return process.status() if process.is_running() else ""
    except psutil.NoSuchProcess:
        return ""


def name_of(process):
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def test_a_browser_starts_shows_a_page_and_ends_without_a_trace():
    running = start_browser(window_size=(700, 600))
    keeper = psutil.Process(running.keeper._process.pid)
    tree = [keeper, *keeper.children(recursive=True)]
    running.get("data:text/html,<title>Here</title>")
    assert running.title == "Here"
    assert running.get_window_size() == {"width": 700, "height": 600}
    assert len(tree) > 3
    running.quit()
    running.quit()
    assert not alive(tree)
    assert not running.keeper.folder.exists()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_nothing_outlives_a_killed_process(holder, how):
    process, folder, tree = holder()
    assert any("chrom" in name_of(one) for one in tree)
    os.kill(process.pid, getattr(signal, how))
    process.wait()
    wait_until(lambda: not alive(tree) and not folder.exists())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_nothing_outlives_a_killed_process_whose_child_holds_the_pipe(holder):
    """A forked child keeps the keeper's pipe open; the parent's end is seen all the same."""
    then = "import os\nif not os.fork(): time.sleep(20); os._exit(0)"
    process, folder, tree = holder(then)
    process.kill()
    process.wait()
    wait_until(lambda: not alive(tree) and not folder.exists(), 15)


def test_a_browser_lives_on_when_the_thread_that_started_it_ends():
    found = []
    thread = threading.Thread(target=lambda: found.append(start_browser()))
    thread.start()
    number = thread.native_id
    thread.join()
    try:
        # The system's thread ends a little later; what is to end with it is told by then.
        wait_until(lambda: number not in [one.id for one in psutil.Process().threads()])
        found[0].get("data:text/html,<title>Here</title>")
        assert found[0].title == "Here"
    finally:
        found[0].quit()


def test_browsers_started_at_once_do_not_disturb_each_other():
    found = []
    threads = [threading.Thread(target=lambda: found.append(start_browser())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len({one.keeper.port for one in found}) == 3
        for number, one in enumerate(found):
            one.get(f"data:text/html,<title>{number}</title>")
        assert [one.title for one in found] == ["0", "1", "2"]
    finally:
        for one in found:
            one.quit()


def test_nothing_is_downloaded_and_no_proxy_asked(monkeypatch, tmp_path):
    manager = script(tmp_path / "manager", f"open({str(tmp_path / 'called')!r}, 'w')")
    monkeypatch.setenv("SE_MANAGER_PATH", manager)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    start_browser().quit()
    assert not (tmp_path / "called").exists()


def test_the_program_behind_debians_script_is_taken():
    found = find_browser()
    assert found.is_file()
    if Path("/usr/lib/chromium/chromium-headless-shell").is_file():
        assert found == Path("/usr/lib/chromium/chromium-headless-shell")
    assert find_browser(str(found)) == found


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("chromum", '"chromum" is neither .* did you mean chromium'),
        ("netscape", "known are chromium, chrome, edge, firefox"),
        ("/none/such/chrome", "/none/such/chrome is not on this machine"),
    ],
)
def test_a_browser_that_is_not_there_is_told(wanted, sentence):
    with pytest.raises(DriverMissing, match=sentence):
        find_browser(wanted)


def test_a_machine_without_browsers_is_told_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    for browser, package in (("chromium", "chromium-headless-shell"), ("firefox", "geckodriver")):
        with pytest.raises(DriverMissing, match=f"apt install .*{package}.*leave out @javascript"):
            start_browser(browser)
    monkeypatch.setenv("SLIPWAY_BROWSER", script(tmp_path / "chrome", ""))
    with pytest.raises(DriverMissing, match=r"driver chromedriver is not on this machine"):
        start_browser()


def test_variables_name_browser_and_driver(monkeypatch, tmp_path):
    behind = find_browser()
    mark = tmp_path / "used"
    text = f"import os, sys\nopen({str(mark)!r}, 'w')\nos.execv({str(behind)!r}, sys.argv)"
    monkeypatch.setenv("SLIPWAY_BROWSER", script(tmp_path / "mine", text))
    for asked in (None, "chromium"):
        start_browser(asked).quit()
        assert mark.exists()
        mark.unlink()
    monkeypatch.setenv("SLIPWAY_DRIVER", str(tmp_path / "none"))
    with pytest.raises(DriverMissing, match=r"none \(from \$SLIPWAY_DRIVER\) is not on"):
        start_browser()


def test_what_is_asked_for_wins_over_the_variable(monkeypatch, tmp_path):
    mine, other = script(tmp_path / "mine", ""), script(tmp_path / "other", "")
    firefox = script(tmp_path / "firefox", "")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLIPWAY_BROWSER", mine)
    assert find_browser() == find_browser("chromium") == Path(mine)
    assert find_browser(other) == Path(other)
    assert find_browser("firefox") == Path(firefox)
    assert (kind_of().name, kind_of("firefox").name) == ("chromium", "firefox")
    monkeypatch.setenv("SLIPWAY_BROWSER", "firefox")
    assert kind_of().name == "firefox"
    assert kind_of("chromium").name == "chromium"
    assert "chrom" in find_browser("chromium").name


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        ("SLIPWAY_BROWSER", "raise SystemExit(1)", "ended as it started; run it by hand"),
        ("SLIPWAY_DRIVER", "raise SystemExit(1)", "does not start; run"),
    ],
)
def test_programs_that_end_at_once_are_told(monkeypatch, tmp_path, variable, text, sentence):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv(variable, script(tmp_path / "program", text))
    with pytest.raises(DriverMissing, match=sentence) as told:
        start_browser()
    assert "\n" not in str(told.value)
    assert not list((tmp_path / "temporary").iterdir())


def test_a_driver_of_the_wrong_version_is_told_with_both_versions(monkeypatch, tmp_path):
    monkeypatch.setenv("SLIPWAY_DRIVER", script(tmp_path / "chromedriver", OLD_DRIVER.read_text()))
    with pytest.raises(DriverMissing, match=r"for version 114 and .* version 156: both") as told:
        start_browser()
    assert "chromedriver-py==156.*" in str(told.value)


def test_a_seen_browser_needs_a_screen(monkeypatch, tmp_path):
    monkeypatch.setenv("SLIPWAY_BROWSER", script(tmp_path / "chrome", ""))
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if sys.platform == "linux":
        with pytest.raises(DriverMissing, match=r"\$DISPLAY .* xvfb-run"):
            start_browser(headless=False)
