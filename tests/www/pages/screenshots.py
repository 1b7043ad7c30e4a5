"""Makes the pictures of every page for README and docs: `make screenshots`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from selenium.webdriver import Chrome

from tests.support.browser import browser, complaints, overflow, sign_in, view, violations, visit
from tests.www.pages.demo import Demo, furnish, harden

ROOT = Path(__file__).resolve().parents[3]
IMAGES = ROOT / "docs" / "images"
OTHERS = ROOT / ".slipway" / "screenshots"
#: Name, path; RUN and GATE are put in.
PAGES = (
    ("pipelines", "pipelines"),
    ("run", "pipelines/almanac/3"),
    ("run-failed", "pipelines/almanac/2"),
    ("run-live", "pipelines/almanac/6"),
    ("gate", "pipelines/almanac/5?gate=GATE"),
    ("approve", "pipelines/almanac/3?gate=ASKED"),
    ("environments", "environments"),
    ("releases", "releases"),
    ("tests", "tests"),
    ("history", "tests?project=almanac&stage=tests&name=TEST"),
    ("lanes", "lanes"),
    ("notices", "notices"),
    ("audit", "audit"),
    ("unknown", "pipelines/almanac/4711"),
    ("hard", "pipelines/almanac/7?gate=HARD"),
    ("hard-list", "pipelines"),
)
#: Name, width, height, dark.
SCREENS = (
    ("", 1280, 900, False),
    ("dark", 1280, 900, True),
    ("narrow", 360, 780, False),
    ("wide", 2560, 1300, True),
)
#: What README and docs show; all others lie in OTHERS, to be looked at.
SHOWN = ("pipelines", "run", "gate", "environments", "releases", "tests", "lanes", "audit")
SHOWN += ("run-dark", "gate-narrow")
#: Buildbot's own plugins ask for styles that they do not have.
THEIRS = "/plugins/grid_view/"


def shown(name: str) -> bool:
    """Tell whether a picture was made before the hard run came."""
    return name in SHOWN or name.startswith("hard")


def addresses(demo: Demo) -> list[tuple[str, str]]:
    """Return each page's name and address."""
    with demo.person("bob") as bob:
        gates = bob.get("plugins/slipway/api/gates").json()["items"]
        tests = bob.get("plugins/slipway/api/tests?project=almanac").json()
    asked = next((one["id"] for one in gates if one["state"] == "asked"), 0)
    waiting = {one["run"]: one["id"] for one in gates if one["stage"] == "staging"}
    rows = [*tests["failing"], *tests["flaky"], *tests["slowest"]]
    name = next((one["name"] for one in rows if "full_moon" in one["name"]), "")
    values = {"GATE": str(waiting.get(5, 0)), "HARD": str(waiting.get(7, 0))}
    values |= {"ASKED": str(asked), "TEST": name}
    found = []
    for page, path in PAGES:
        for key, value in values.items():
            path = path.replace(key, value)  # noqa: PLW2901
        found.append((page, f"{demo.url}#/{path}"))
    return found


def shoot(driver: Chrome, demo: Demo, wanted: Callable[[str], bool], into: Path) -> list[str]:
    """Make the pictures that are wanted by name; return what is wrong with their pages."""
    into.mkdir(parents=True, exist_ok=True)
    wrong = []
    pages = addresses(demo)
    for screen, width, height, dark in SCREENS:
        view(driver, width, height, dark=dark)
        for page, url in pages:
            name = f"{page}-{screen}" if screen else page
            if wanted(name):
                # Who asked may not approve: bob sees that dialog.
                with demo.person("bob" if page == "approve" else "ann") as client:
                    sign_in(driver, demo.url, dict(client.cookies))
                visit(driver, url)
                driver.save_screenshot(str(into / f"{name}.png"))
                wrong += [f"{name}: {one}" for one in problems(driver)]
                print(name, flush=True)
    return wrong


def problems(driver: Chrome) -> list[str]:
    """Return what is wrong with the page that is open."""
    wide = overflow(driver)
    said = (one for one in complaints(driver) if "/4711" not in one and THEIRS not in one)
    return [*violations(driver), *([f"{wide} pixels too wide"] if wide else []), *said]


def main() -> int:
    """Make a demo and its pictures; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="almanac-") as folder:
        demo = Demo(Path(folder))
        demo.title = "Almanac releases"
        try:
            furnish(demo)
            with browser() as driver:
                wrong = shoot(driver, demo, lambda name: name in SHOWN, IMAGES)
                wrong += shoot(driver, demo, lambda name: not shown(name), OTHERS)
                harden(demo)
                wrong += shoot(driver, demo, lambda name: name.startswith("hard"), OTHERS)
        finally:
            demo.end_processes()
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
