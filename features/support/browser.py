"""People with a headless Chromium, by the sessions that projects' own features use."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import quote, urlsplit

from slipway.sessions import Session

#: The browser's programs themselves: Debian's commands are scripts, and ending a script would
#: leave the browser running.
PROGRAMS = ("/usr/lib/chromium/chromium-headless-shell", "/usr/lib/chromium/chromium")
COMMANDS = ("chromium-headless-shell", "google-chrome", "chromium", "chrome")
#: Seconds to look again: a busy machine takes its time.
PATIENCE = 60.0


def find_browser() -> str | None:
    """Return the browser's program."""
    there = (program for program in PROGRAMS if Path(program).is_file())
    return next(there, None) or next(filter(None, map(shutil.which, COMMANDS)), None)


def missing() -> str:
    """Say what is missing for @javascript; nothing if it can run."""
    lacking = [] if shutil.which("chromedriver") else ["chromedriver"]
    lacking += [] if find_browser() else ["a Chromium"]
    install = "apt install chromium-headless-shell chromium-driver"
    told = f"no {' and no '.join(lacking)} here; for the @javascript features: {install}"
    return told if lacking else ""


def sign_in(session: Session, name: str, password: str) -> None:
    """Sign in as a browser does: with the name and the password in the address."""
    place = urlsplit(session.base_url).netloc
    session.visit(f"http://{name}:{quote(password, safe='')}@{place}/auth/login")
    session.see(name)
