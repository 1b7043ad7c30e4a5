"""Start a browser and its driver, so that neither outlives the process that started them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.options import ArgOptions
from selenium.webdriver.common.proxy import Proxy, ProxyType
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.file_detector import UselessFileDetector
from selenium.webdriver.remote.webdriver import WebDriver
from urllib3 import Retry
from urllib3.exceptions import HTTPError

from slipway.sessions.browser.options import PAGE_LOAD, browser_options
from slipway.sessions.browser.programs import Kind, find_browser, find_driver, kind_of
from slipway.sessions.errors import DriverMissing

__all__ = ["DriverProcess", "LocalBrowser", "client", "find_browser", "start_browser"]

_SUPERVISOR = Path(__file__).parents[1] / "supervisor.py"
#: Timeouts in seconds: for a driver to listen, and for a browser to start.
_LISTEN = 20.0
_START = 60.0
# Number of starts of a driver that ends at once.
_TRIES = 3
_PAUSE = 0.005
# Docker limits /dev/shm to 64 MB; a browser that fills it crashes on larger pages.
_SHARED_MEMORY = 256 * 1024 * 1024
_LISTENING = re.compile(rb"started successfully on port (\d+)|Listening on [\d.]+:(\d+)")
_MISMATCH = re.compile(r"only supports .*?version (\d+)\s+Current browser version is (\d+)")


class LocalBrowser(WebDriver):
    """A browser on this machine. It ends with `quit`, or with the process that started it."""

    def __init__(self, url: str, options: ArgOptions, keeper: DriverProcess) -> None:
        """Start the browser.

        Args:
            url: The driver's address.
            options: The browser's options.
            keeper: The driver's process.
        """
        self.keeper = keeper
        # Other detectors upload a file if typed text happens to be the path of one.
        detector = UselessFileDetector()
        super().__init__(
            url,
            options=options,
            file_detector=detector,
            client_config=client(url, _START, direct=True),
        )

    def quit(self) -> None:
        """End browser and driver at once. Idempotent."""
        self.keeper.end()


class _Ended(DriverMissing):
    """A driver ended during its start."""


def _not_started(program: Path) -> str:
    return f"the driver {program} does not start; run `{program} --version` to see why"


class DriverProcess:
    """A driver that listens on a port of its own choice, under a supervisor."""

    def __init__(self, program: Path) -> None:
        """Start the driver and wait until it listens.

        Args:
            program: chromedriver or geckodriver.

        Raises:
            DriverMissing: The driver cannot be started, or does not listen in time.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="slipway-browser-"))
        self.log = self.folder / "output.log"
        (self.folder / "downloads").mkdir()
        # The driver chooses the port: one chosen here could be taken by another program before its
        # start.
        port = ["--port=0"]
        if "gecko" in program.name:
            port.append("--websocket-port=0")
        keeper = [
            sys.executable,
            "-I",
            "-S",
            str(_SUPERVISOR),
            str(self.folder),
            str(program),
            *port,
        ]
        self._process = subprocess.Popen(
            keeper,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder.anchor,
            # A new session: a signal to our process group must not end the supervisor first.
            start_new_session=True,
            # Windows: no console window. The supervisor ends the process tree there, as there are
            # no groups.
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        try:
            self.port = self._wait_for_port(program)
        except BaseException:
            self.end()
            raise

    def _wait_for_port(self, program: Path) -> int:
        deadline = time.monotonic() + _LISTEN
        while time.monotonic() < deadline:
            output = self.log.read_bytes() if self.log.is_file() else b""
            found = _LISTENING.search(output)
            if found:
                return int(found[1] or found[2])
            if (self.folder / "ended").exists() or self._process.poll() is not None:
                raise _Ended(_not_started(program))
            time.sleep(_PAUSE)
        raise DriverMissing(_not_started(program))

    def end(self) -> None:
        """End the driver, the browser and their files. Idempotent."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # A supervisor that could not start has not removed the folder.
        shutil.rmtree(self.folder, ignore_errors=True)


def client(url: str, timeout: float, *, direct: bool = False) -> ClientConfig:
    """Return the client settings for a remote end.

    Args:
        url: The address of the remote end.
        timeout: Timeout of each answer in seconds.
        direct: Ignore the proxy of the environment.
    """
    # No retries: they would click twice, and print warnings between the steps.
    once = {"retries": Retry(total=None, connect=0, read=0, redirect=3, other=0)}
    kind = ProxyType.DIRECT if direct else ProxyType.SYSTEM
    return ClientConfig(
        remote_server_addr=url,
        proxy=Proxy({"proxyType": kind}),
        timeout=int(timeout),
        init_args_for_pool_manager={"init_args_for_pool_manager": once},
    )


def start_browser(
    browser: str | None = None,
    *,
    headless: bool = True,
    window_size: tuple[int, int] = (1280, 900),
    arguments: Sequence[str] = (),
    page_load: float = PAGE_LOAD,
    trust_any_certificate: bool = False,
) -> LocalBrowser:
    """Start a browser that is installed on this machine; nothing is ever downloaded.

    Args:
        browser: chromium, chrome, edge or firefox, or a program's name or path. None: chromium.
            $SLIPWAY_BROWSER overrides the program, or the browser for None;
            $SLIPWAY_DRIVER the driver.
        headless: Run without a window.
        window_size: Width and height in pixels.
        arguments: Additional arguments for the browser's command line.
        page_load: Timeout in seconds of a page's loading, and of a script.
        trust_any_certificate: Accept untrusted certificates.

    Raises:
        DriverMissing: Browser or driver is missing, of the wrong version, or ends at once.
    """
    kind = kind_of(browser)
    program = find_browser(browser, headless=headless)
    driver = find_driver(kind)
    if not headless:
        _check_screen()
    keeper = _start_driver(driver)
    options = browser_options(
        kind.name,
        headless=headless,
        window_size=window_size,
        arguments=[*_needed(kind), *arguments],
        program=program,
        page_load=page_load,
    )
    if trust_any_certificate:
        options.set_capability("acceptInsecureCerts", value=True)
    if kind.name != "firefox":
        downloads = {"download.default_directory": str(keeper.folder / "downloads")}
        options.add_experimental_option("prefs", downloads)  # type: ignore[attr-defined]
    try:
        return LocalBrowser(f"http://127.0.0.1:{keeper.port}", options, keeper)
    except (WebDriverException, HTTPError, OSError) as error:
        keeper.end()
        raise DriverMissing(_why(error, kind, program, driver)) from None
    except BaseException:
        keeper.end()
        raise


def _start_driver(program: Path) -> DriverProcess:
    """Start a driver.

    It is started again if it ends at once, as chromedriver does if its port is in use for IPv6.
    """
    for _ in range(_TRIES - 1):
        with contextlib.suppress(_Ended):
            return DriverProcess(program)
    return DriverProcess(program)


def _needed(kind: Kind) -> list[str]:
    """Return the browser arguments that this machine requires."""
    if kind.name == "firefox" or sys.platform != "linux":
        return []
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with contextlib.suppress(OSError):
        if shutil.disk_usage("/dev/shm").free < _SHARED_MEMORY:  # noqa: S108  the browser's choice
            arguments.append("--disable-dev-shm-usage")
    return arguments


def _check_screen() -> None:
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in screens):
        msg = "a browser that is not headless needs a screen, and neither $DISPLAY nor "
        msg += "$WAYLAND_DISPLAY is set; leave it headless, or run it under xvfb-run"
        raise DriverMissing(msg)


def _why(error: Exception, kind: Kind, program: Path, driver: Path) -> str:
    """Return the error sentence for a browser that did not start."""
    message = (getattr(error, "msg", None) or str(error)).strip()
    mismatch = _MISMATCH.search(message)
    if mismatch:
        return (
            f"the driver {driver} is for version {mismatch[1]} and the browser {program} is "
            f"version {mismatch[2]}: both must be of one version (Debian: apt install "
            f"{kind.debian}; Windows: pip install chromedriver-py=={mismatch[2]}.*), "
            "or leave out @javascript"
        )
    if re.search(r"exited|crashed|DevToolsActivePort|unexpectedly closed|not reachable", message):
        return (
            f"the browser {program} ended as it started; run it by hand to see why (in a container "
            "it may need the argument --no-sandbox), or leave out @javascript"
        )
    first = message.splitlines()[0] if message else type(error).__name__
    return f"the browser {program} does not start with the driver {driver}: {first}; {kind.advice}"
