"""A release goes through channels, is blocked and unblocked; its site follows, and targets do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.scripts.releases import manifest
from slipway.scripts.releases.verify import verify
from tests.live.conftest import LiveSite
from tests.support.http import open_client
from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = [pytest.mark.live, pytest.mark.slow]

WRITE = "import pathlib; pathlib.Path('app.txt').write_text(pathlib.Path('notes.txt').read_text())"
PUBLISH = """[project.demo.stages.publish]
uses = "publish"
needs = ["make"]
channels = ["beta", "stable"]
targets = [{ kind = "folder", path = "www" }]

[project.demo.stages.stable]
uses = "promote"
needs = ["publish"]
channel = "stable"
targets = [{ kind = "folder", path = "www" }]
manual = true
"""


def pointer(folder: Path, path: str) -> str | None:
    found: dict[str, Any] = json.loads((folder / path).read_text())
    return found["version"]


def ran(site: LiveSite, *words: str) -> str:
    done = site.run_slipway(*words)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def test_channels_follow_what_is_published_promoted_and_blocked(site: LiveSite) -> None:
    site.write(command("make", WRITE, artefacts='["app.txt"]') + PUBLISH)
    site.up()
    site.wait_for_stage(1, "stable", "gate")
    home, target = site.state / "releases" / "demo", site.state / "www" / "demo"
    first = pointer(home, "latest.json")
    assert first is not None
    site.commit("fix: the tides")
    ran(site, "trigger")
    site.wait_for_stage(2, "stable", "gate")
    second = pointer(home, "latest.json")
    assert second not in {None, first}
    for folder in (home, target):
        assert pointer(folder, "channels/beta.json") == second
        assert pointer(folder, "channels/stable.json") is None
        assert (folder / "latest").resolve() == folder / str(second)
        assert "the tides" in (folder / "feed.xml").read_text()
        made = manifest.read(folder / str(second) / "release.json")
        assert made.notes is not None
        assert (made.notes.since, made.notes.channel) == (first, "beta")
        assert "## Fixed\n\n- The tides (" in made.notes.text
        assert "The tides" in (folder / str(second) / "index.html").read_text()
        assert verify(folder / str(second)) == []

    # Made by the master, its keys are known to be this user's own.
    assert "known from" in ran(site, "verify", str(home / str(second)))
    served(site, str(second))
    refused = site.run_slipway("release", "promote", str(first), "--channel", "lts")
    assert (refused.returncode, "it has beta, stable" in refused.stderr) == (2, True), refused
    # By its gate: the targets get it at once.
    opened = ran(site, "gate", "open", "1", "--comment", "as agreed")
    assert f"stable of demo is {first}, and at 1 target" in opened, opened
    for folder in (home, target):
        assert pointer(folder, "channels/stable.json") == first
        assert pointer(folder, "channels/beta.json") == second
    ran(site, "release", "promote", str(second), "--channel", "stable", "--reason", "the fair")
    assert pointer(home, "channels/stable.json") == second
    assert "is in stable already" in ran(
        site, "release", "promote", str(second), "--channel", "stable"
    )

    blocked(site, str(first), str(second))


def blocked(site: LiveSite, first: str, second: str) -> None:
    """Block the newer release, which both channels point at, and end that."""
    home, target = site.state / "releases" / "demo", site.state / "www" / "demo"
    said = ran(site, "release", "block", second, "--reason", "It loses data.")
    assert "gone from: beta, stable" in said
    for path in ("latest.json", "channels/beta.json", "channels/stable.json"):
        assert pointer(home, path) == first
    assert (home / "latest").resolve() == home / first
    assert second not in (home / "feed.xml").read_text()
    assert "It loses data." in (home / "index.html").read_text()
    refused = site.run_slipway("gate", "open", "2")
    assert (refused.returncode, "is blocked by admin" in refused.stderr) == (2, True), refused
    withheld(site, first, second)
    listed = json.loads((home / "releases.json").read_text())["releases"]
    assert [one["blocked"] for one in listed] == ["It loses data.", None]
    # Published again, its stage brings no channel back; the target gets what the site shows.
    ran(site, "rerun", "2", "publish")
    wait_for(lambda: pointer(target, "latest.json") == first, lambda: "the target's pages")
    site.wait_for_stage(2, "publish", "passed")
    assert pointer(target, "channels/beta.json") == first
    assert verify(target / second) == []

    ran(site, "release", "unblock", second)
    with open_client(timeout=30) as client:
        url = f"{site.url}plugins/slipway/releases/demo/{second}/app.txt"
        assert client.get(url).content == (home / second / "app.txt").read_bytes()
    assert pointer(home, "channels/stable.json") == second
    told = ran(site, "audit", "--limit", "200")
    acts = [told.count(f"{name} of demo: ") for name in ("beta", "stable")]
    assert acts == [2, 2], told


def withheld(site: LiveSite, first: str, second: str) -> None:
    """See that nothing of a blocked release is given, however it is asked for, but the reason."""
    base = f"{site.url}plugins/slipway/releases/demo/"
    home = site.state / "releases" / "demo"
    told = f"the release {second} is blocked: It loses data.\n"
    with open_client(timeout=30) as client:
        good = client.get(f"{base}{second}/app.txt").headers.get("etag", '"x"')
        names = [path.name for path in (home / second).iterdir()]
        assert {"app.txt", "release.json", "SHA256SUMS", "index.html"} <= set(names)
        quoted = "".join(f"%{ord(letter):02x}" for letter in second)
        for path in (
            *(f"{second}/{name}" for name in names),
            *(f"{second}/", f"{second}/no-such-file", f"{quoted}/app.txt"),
            *(f"{second.upper()}/app.txt", f"\N{FULLWIDTH DIGIT ZERO}{second[1:]}/app.txt"),
        ):
            for headers in ({}, {"Range": "bytes=0-0"}, {"If-None-Match": good}):
                answer = client.get(base + path, headers=headers)
                assert (answer.status_code, answer.text) == (410, told), path
                assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        answer = client.head(f"{base}{second}/app.txt")
        assert (answer.status_code, answer.content) == (410, b"")
        page = client.get(f"{base}{second}/", headers={"Accept": "text/html"})
        assert page.status_code == 410
        assert "<p>It loses data.</p>" in page.text
        assert "sandbox" in page.headers["content-security-policy"]
        # What was not blocked is given, and the index says why the other is not.
        assert client.get(f"{base}{first}/app.txt").status_code == 200
        assert "It loses data." in client.get(base).text
    refused = site.run_slipway("verify", f"{base}{second}")
    assert (refused.returncode, "is blocked: It loses data." in refused.stderr) == (1, True)
    # Whoever looks into it has the files on the machine.
    assert verify(home / second) == []
    assert str(home / second) in ran(site, "release", "show", second)
    assert "blocked by admin" in ran(site, "release", "list")


def served(site: LiveSite, version: str) -> None:
    """See that the master serves the site of releases, and nothing else of its machine."""
    base = f"{site.url}plugins/slipway/releases/"
    home = site.state / "releases" / "demo"
    with open_client(timeout=30) as client:
        page = client.get(f"{base}demo/")
        assert (page.status_code, page.content) == (200, (home / "index.html").read_bytes())
        assert client.get(f"{base}demo", follow_redirects=True).content == page.content
        for path, kind in (
            ("demo/feed.xml", "application/atom+xml"),
            ("demo/channels/beta.json", "application/json"),
            (f"demo/{version}/index.html", "text/html; charset=utf-8"),
            (f"demo/{version}/app.txt", "application/octet-stream"),
        ):
            answer = client.get(base + path)
            assert answer.content == (home / path.partition("/")[2]).read_bytes(), path
            assert answer.headers["content-type"] == kind
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in answer.headers["content-security-policy"]
            saved = answer.headers["content-disposition"].startswith("attachment")
            assert saved is path.endswith(".txt")
        assert client.head(f"{base}demo/{version}/app.txt").headers["content-length"]
        ranges(client, f"{base}demo/{version}/app.txt", (home / version / "app.txt").read_bytes())
        for path in (
            "", "demo/..%2f..%2fstate.sqlite", "demo/%2e%2e/%2e%2e/admin-password", "demo/.lock",
            "other/", "demo/latest/release.json", "demo/no", "demo/channels", f"demo/{version}",
            "demo/a/b/c", "demo/%00", "demo/a%5cb",
        ):  # fmt: skip
            assert client.get(base + path).status_code == 404, path
        assert client.post(f"{base}demo/index.html").status_code in {405, 415}


def ranges(client: httpx.Client, url: str, data: bytes) -> None:
    """See that a download can be gone on with, and that no range makes more work than the file."""
    size = len(data)
    whole = client.get(url)
    tag = whole.headers["etag"]
    assert whole.headers["accept-ranges"] == "bytes"
    again = client.get(url, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    for asked, begin, end in (
        ("bytes=0-0", 0, 1), ("bytes=1-", 1, size), ("bytes=-2", size - 2, size),
        (f"bytes=0-{10**17}", 0, size), (f"bytes=-{10**17}", 0, size),
    ):  # fmt: skip
        for more in ({}, {"If-Range": tag}):
            answer = client.get(url, headers={"Range": asked, **more})
            assert (answer.status_code, answer.content) == (206, data[begin:end]), asked
            assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{size}"
        assert client.get(url, headers={"Range": asked, "If-Range": '"x"'}).status_code == 200
        assert client.head(url, headers={"Range": asked}).headers["content-length"] == str(size)
    for asked in (f"bytes={size}-", f"bytes={10**17}-", "bytes=-0", "bytes=2-1"):
        answer = client.get(url, headers={"Range": asked})
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size}")
    for asked in (
        "bytes=-", "bytes=0-1,0-1", "bytes=" + ",".join(["0-"] * 1000), "lines=0-1", "bytes=a-b",
        "bytes=--1", f"bytes=0-{'9' * 4000}", "bytes=0x1-2", "", "bytes",
    ):  # fmt: skip
        answer = client.get(url, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (200, data), asked[:50]
