"""Find browsers and their drivers on this machine; nothing is ever downloaded."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from slipway.sessions.errors import DriverMissing

__all__ = [
    "BROWSER_VARIABLE",
    "DRIVER_VARIABLE",
    "KINDS",
    "Kind",
    "find_browser",
    "find_driver",
    "kind_of",
]

#: Environment variables with the browser and the driver: a program's path or name, or a browser's
#: name.
BROWSER_VARIABLE = "SLIPWAY_BROWSER"
DRIVER_VARIABLE = "SLIPWAY_DRIVER"


@dataclass(frozen=True)
class Kind:
    """A kind of browser, by its name in settings."""

    name: str
    programs: tuple[str, ...]
    """Names on PATH, preferred ones first."""
    driver: str
    debian: str
    """Its Debian packages."""
    windows: str
    """The way to install it on Windows."""
    places: tuple[str, ...] = ()
    """Its locations on Windows and macOS, where browsers are not on PATH."""

    @property
    def advice(self) -> str:
        """Instructions to install browser and driver, as the end of an error sentence."""
        return (
            f"install it (Debian: apt install {self.debian}; Windows: {self.windows}), "
            f"set {BROWSER_VARIABLE} and {DRIVER_VARIABLE}, or leave out @javascript"
        )


_CHROME_PLACES = (
    r"%ProgramFiles%\Google\Chrome\Application\chrome.exe",
    r"%ProgramFiles(x86)%\Google\Chrome\Application\chrome.exe",
    r"%LocalAppData%\Google\Chrome\Application\chrome.exe",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
_CHROME_PROGRAMS = ("google-chrome", "google-chrome-stable", "chrome")
_CHROME_WINDOWS = "winget install Google.Chrome, and pip install chromedriver-py of its version"

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "chromium",
            ("chromium-headless-shell", "chromium", "chromium-browser", *_CHROME_PROGRAMS),
            "chromedriver",
            "chromium-headless-shell chromium-driver",
            _CHROME_WINDOWS,
            (*_CHROME_PLACES, "/Applications/Chromium.app/Contents/MacOS/Chromium"),
        ),
        Kind(
            "chrome",
            _CHROME_PROGRAMS,
            "chromedriver",
            "./google-chrome-stable_current_amd64.deb chromium-driver",
            _CHROME_WINDOWS,
            _CHROME_PLACES,
        ),
        Kind(
            "edge",
            ("microsoft-edge", "microsoft-edge-stable", "msedge"),
            "msedgedriver",
            "microsoft-edge-stable, and msedgedriver from Microsoft",
            "Edge is there, and winget install Microsoft.EdgeDriver",
            (
                r"%ProgramFiles(x86)%\Microsoft\Edge\Application\msedge.exe",
                r"%ProgramFiles%\Microsoft\Edge\Application\msedge.exe",
                "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
            ),
        ),
        Kind(
            "firefox",
            ("firefox-esr", "firefox"),
            "geckodriver",
            "firefox-esr, and geckodriver from Mozilla, which Debian lacks",
            "winget install Mozilla.Firefox Mozilla.GeckoDriver",
            (
                r"%ProgramFiles%\Mozilla Firefox\firefox.exe",
                "/Applications/Firefox.app/Contents/MacOS/firefox",
            ),
        ),
    )
}

# Commands on PATH are often shell scripts that do not `exec`, cost 0.2 s and print noise.
_BEHIND_SCRIPTS = {
    "chromium-headless-shell": "/usr/lib/chromium/chromium-headless-shell",
    "chromium": "/usr/lib/chromium/chromium",
    "chromium-browser": "/usr/lib/chromium-browser/chromium-browser",
    "google-chrome": "/opt/google/chrome/chrome",
    "google-chrome-stable": "/opt/google/chrome/chrome",
    "microsoft-edge": "/opt/microsoft/msedge/msedge",
    "microsoft-edge-stable": "/opt/microsoft/msedge/msedge",
    "firefox-esr": "/usr/lib/firefox-esr/firefox-esr",
    "firefox": "/usr/lib/firefox/firefox",
}


def kind_of(name: str | None = None) -> Kind:
    """Return the kind of browser for a name, or without one for $SLIPWAY_BROWSER.

    Args:
        name: chromium, chrome, edge or firefox, or a program's name or path. None: chromium.

    Raises:
        DriverMissing: There is no such kind.
    """
    wanted = name or os.environ.get(BROWSER_VARIABLE) or "chromium"
    if wanted in KINDS:
        return KINDS[wanted]
    program = Path(wanted).name.lower()
    if Path(wanted).is_file() or shutil.which(wanted) or Path(wanted).name != wanted:
        return KINDS[next((kind for kind in ("firefox", "edge") if kind in program), "chromium")]
    close = get_close_matches(wanted, KINDS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(KINDS)}"
    msg = f'"{wanted}" is neither a browser nor a program on PATH; {hint}'
    raise DriverMissing(msg)


def find_browser(name: str | None = None, *, headless: bool = True) -> Path:
    """Return the browser's program.

    Args:
        name: chromium, chrome, edge or firefox, or a program's name or path. None: chromium.
            For a browser's name, $SLIPWAY_BROWSER may override the program.
        headless: Accept a browser that cannot show a window.

    Raises:
        DriverMissing: It is not installed on this machine.
    """
    kind = kind_of(name)
    wanted = _configured_program(kind, name) or name or kind.name
    programs = kind.programs if wanted in KINDS else (wanted,)
    if not headless:
        programs = tuple(one for one in programs if "headless" not in one)
    for program in programs:
        found = shutil.which(program)
        if found:
            return _behind(Path(found))
    if wanted in KINDS:
        for place in map(Path, map(os.path.expandvars, kind.places)):
            if place.is_file():
                return place
    msg = f"the browser {wanted} is not on this machine; {kind.advice}"
    raise DriverMissing(msg)


def _configured_program(kind: Kind, name: str | None) -> str | None:
    """Return the value of $SLIPWAY_BROWSER, unless the name asks for another browser."""
    configured = os.environ.get(BROWSER_VARIABLE)
    if not configured or name is None:
        return configured
    is_program = name in KINDS and configured not in KINDS
    return configured if is_program and kind_of(configured).driver == kind.driver else None


def _behind(program: Path) -> Path:
    """Return the program that a shell script starts."""
    with program.open("rb") as stream:
        script = stream.read(2) == b"#!"
    behind = Path(_BEHIND_SCRIPTS.get(program.name, ""))
    return behind if script and behind.is_file() else program


def find_driver(kind: Kind) -> Path:
    """Return the driver of a kind of browser; $SLIPWAY_DRIVER overrides it.

    Raises:
        DriverMissing: It is not installed on this machine.
    """
    wanted = os.environ.get(DRIVER_VARIABLE)
    found = shutil.which(wanted or kind.driver)
    if found:
        return Path(found)
    packed = _packed_driver() if not wanted and kind.driver == "chromedriver" else None
    if packed:
        return packed
    program = f"{wanted} (from ${DRIVER_VARIABLE})" if wanted else kind.driver
    msg = f"the driver {program} is not on this machine; {kind.advice}"
    raise DriverMissing(msg)


def _packed_driver() -> Path | None:
    """Return the driver from the package chromedriver-py for this system, or None."""
    package = importlib.util.find_spec("chromedriver_py")
    if package is None or package.origin is None:
        return None
    names = {"linux": "chromedriver_linux64", "win32": "chromedriver_win64.exe"}
    found = Path(package.origin).with_name(names.get(sys.platform, "chromedriver_mac-arm64"))
    return found if found.is_file() and os.access(found, os.X_OK) else None
