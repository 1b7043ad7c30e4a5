"""Stand-ins for Confluence and targets that publish to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slipway.scripts.report import Report
from slipway.scripts.stages.publish.targets.confluence.settings import ConfluenceTarget
from slipway.scripts.stages.publish.targets.confluence.target import ConfluencePages
from tests.scripts.stages.publish.test_run import job
from tests.support.confluence import Page, Standin
from tests.support.release_targets import Place

KINDS = ("cloud", "data-center")


def settings(wiki: Standin, **changes: Any) -> ConfluenceTarget:
    """Return the settings of a target at a stand-in."""
    kind = type(wiki.edition).__name__
    given = {"kind": "confluence", "url": wiki.url, "space": "REL"}
    if kind == "Cloud":
        given |= {"edition": "cloud", "account": wiki.site.account}
    else:
        given |= {"edition": "data-center"}
    return ConfluenceTarget(**(given | changes))


def target(wiki: Standin, folder: Path, version: str, token: str = "", **changes: Any):
    """Return a target, as a run of the stage makes it."""
    stage = {
        "uses": "publish",
        "needs": ["archive"],
        "env": {"CONFLUENCE_TOKEN": token or wiki.edition.token},
    }
    made = job(folder / "job", version=version, stage=stage)
    return ConfluencePages(settings(wiki, **changes), made, Report())


def place(wiki: Standin, folder: Path, **changes: Any) -> Place:
    """Return a stand-in as the checks of the contract want it."""

    def connect(release, _report):
        return target(wiki, folder, release.version, **changes)

    def readers_see(version: str) -> dict[str, bytes]:
        found = shown(wiki, f"almanac {version}")
        return {one.name: one.data for one in found.files.values()} if found else {}

    def alter(_version: str, name: str) -> None:
        (page,) = [one for one in wiki.site.pages.values() if not one.is_seen]
        file = page.files[name]
        file.versions[-1] = b"altered" + file.data[7:]

    return Place(connect, readers_see, folder / "releases", alter)


def shown(wiki: Standin, title: str) -> Page | None:
    """Return a page that readers see."""
    found = [one for one in wiki.site.seen() if one.title == title]
    return found[0] if found else None


def never_half(wiki: Standin, names: set[str]) -> None:
    """Fail at once when readers see a part of a release."""

    def watch(site) -> None:
        for page in site.seen():
            if page.files:
                assert set(page.files) == names, page.title
                assert "(being published" not in page.title
                assert "not whole yet" not in page.body

    wiki.watch = watch
