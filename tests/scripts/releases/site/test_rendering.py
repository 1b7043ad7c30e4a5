"""The site of a project's releases: pages, feeds and pointers that say the same."""

import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin

import pytest
from lxml import etree

from slipway.scripts.releases.manifest import Artefact, Manifest, Notes
from slipway.scripts.releases.site.contents import SiteContents, SiteRelease
from slipway.scripts.releases.site.feed import MOST_ENTRIES
from slipway.scripts.releases.site.notes import MOST_CHARACTERS, notes_html
from slipway.scripts.releases.site.pages import release_page
from slipway.scripts.releases.site.rendering import make_pointers, render_site
from tests.support.releases import AT, channel, release, site

ATOM = {"a": "http://www.w3.org/2005/Atom"}
GRAMMAR = etree.RelaxNG(etree.parse(Path(__file__).parents[3] / "data" / "atom.rng"))
ATTACKS = [
    "</script><script>alert(1)</script>",
    '" onload="alert(1)',
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](https://tracker.example/x.png)",
    "<javascript:alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "]]></content><evil/>",
    "&lt;script&gt;&#x3c;b>",
    "a\0b\x07\x1b[31mred\ufffe\uffff\ud800",
    "\u202egnp.exe\u2066\u2069",
]


class Reader(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.texts = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in {"href", "src"}]

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())


def feed(files, path="feed.xml"):
    tree = etree.fromstring(files[path])
    GRAMMAR.assertValid(tree)
    for node in tree.iterfind("a:entry", ATOM):
        # What the grammar leaves to the words of RFC 4287, 4.1.1 and 4.1.2.
        assert len(node.findall("a:link[@rel='alternate']", ATOM)) == 1
        assert node.find("a:author", ATOM) is not None
    ids = [one.text for one in tree.iter("{*}id")]
    assert len(ids) == len(set(ids))
    newest = [one.text for one in tree.iterfind("a:entry/a:updated", ATOM)]
    assert tree.findtext("a:updated", namespaces=ATOM) == max(
        newest, default="1970-01-01T00:00:00Z"
    )
    return tree


def titles(tree):
    return [one.text for one in tree.iterfind("a:entry/a:title", ATOM)]


def document(files, path):
    return json.loads(files[path])


def test_all_files_say_the_same():
    contents = site(7, 9, 8, channels=[channel("beta", 7, 8, 9), channel("stable", 7, 8)])
    files = render_site(contents)
    assert list(files) == [
        "index.html", "feed.xml", "channels/beta.xml", "channels/stable.xml", "releases.json",
        "channels/beta.json", "channels/stable.json", "latest.json",
    ]  # fmt: skip
    assert document(files, "latest.json") == {
        "schema_version": 1,
        "project": "almanac",
        "version": "1.4.0+9",
        "run": 9,
        "revision": "4f0d2c9e" * 5,
        "published_at": "2026-11-21T23:05:12+00:00",
        "manifest": {"path": "1.4.0+9/release.json", "sha256": f"{9:064x}"},
    }
    stable = document(files, "channels/stable.json")
    assert (stable["channel"], stable["version"]) == ("stable", "1.4.0+8")
    assert stable["moved_at"] == "2026-11-21T23:05:12+00:00"
    listed = document(files, "releases.json")
    assert listed["channels"] == {"beta": "1.4.0+9", "stable": "1.4.0+8"}
    assert [one["channels"] for one in listed["releases"]] == [["beta"], ["stable"], []]
    assert titles(feed(files)) == [f"almanac 1.4.0+{one}" for one in (9, 8, 7)]
    assert titles(feed(files, "channels/stable.xml")) == ["almanac 1.4.0+8", "almanac 1.4.0+7"]
    page = Reader(files["index.html"].decode()).text
    for part in ("1.4.0+9 latest beta", "1.4.0+8 stable", "3 releases"):
        assert part.replace(" ", "") in page.replace(" ", "")


def test_what_is_blocked_is_named_and_offered_by_nothing():
    channels = [channel("beta", 7, 8, 9), channel("stable", 9)]
    files = render_site(site(7, 8, 9, blocked={9, 7}, channels=channels))
    assert document(files, "latest.json")["version"] == "1.4.0+8"
    assert document(files, "channels/beta.json")["version"] == "1.4.0+8"
    assert document(files, "channels/stable.json")["version"] is None
    assert titles(feed(files)) == ["almanac 1.4.0+8"]
    assert titles(feed(files, "channels/stable.xml")) == []
    listed = document(files, "releases.json")["releases"]
    assert [one["blocked"] for one in listed] == ["It loses data.", None, "It loses data."]
    page = Reader(files["index.html"].decode())
    assert page.text.count("Do not use it: It loses data.") == 2
    assert not [link for link in page.links if "1.4.0%2B9" in link]


def test_a_channel_falls_back_and_returns():
    moves = [channel("stable", 7, 8, 7, 9)]
    assert document(render_site(site(7, 8, 9, channels=moves)), "channels/stable.json")["run"] == 9
    fallen = render_site(site(7, 8, 9, blocked={9}, channels=moves))
    # To the one before, which was brought back, not to the highest number.
    assert document(fallen, "channels/stable.json")["run"] == 7
    assert titles(feed(fallen, "channels/stable.xml")) == ["almanac 1.4.0+7", "almanac 1.4.0+8"]


def test_where_all_are_blocked_the_pointers_say_so():
    files = render_site(site(7, blocked={7}, channels=[channel("stable", 7)]))
    assert document(files, "latest.json")["version"] is None
    assert titles(feed(files)) == []
    assert "Nothing is offered now" in files["index.html"].decode()


def test_a_site_without_releases_is_a_site():
    files = render_site(SiteContents("almanac", ()))
    assert document(files, "releases.json")["releases"] == []
    assert titles(feed(files)) == []


def test_a_release_of_a_working_tree_is_never_the_latest():
    local = release(30, local=True, version="1.4.0+local.30")
    contents = SiteContents(
        "almanac", (SiteRelease(local, "a" * 64), SiteRelease(release(2), "b" * 64))
    )
    assert document(render_site(contents), "latest.json")["run"] == 2


def test_every_link_leads_to_a_file_wherever_the_site_lies(tmp_path):
    contents = site(7, 8, channels=[channel("beta", 7, 8), channel("stable", 7)])
    files = render_site(contents)
    for one in contents.releases:
        made = one.manifest
        files[f"{made.version}/index.html"] = release_page(made).encode()
        for file in (*made.artefacts, *made.pages):
            files[f"{made.version}/{file.name}"] = b""
        for name in ("release.json", "SHA256SUMS"):
            files[f"{made.version}/{name}"] = b""
    base = "https://example.org/deep/folder/"
    for path, data in files.items():
        if path.endswith("/index.html") or path == "index.html":
            links = Reader(data.decode()).links
        elif path.endswith(".xml"):
            links = [one.get("href") for one in etree.fromstring(data).iter("{*}link")]
        else:
            continue
        assert links
        for link in links:
            whole = urljoin(base + path, link)
            if link == "https://example.org/":
                continue
            assert whole.startswith(base), (path, link)
            assert unquote(whole.removeprefix(base)) in files, (path, link)


def test_a_known_address_makes_whole_links_in_feeds():
    address = "https://example.org/almanac/"
    contents = site(7, channels=[channel("stable", 7)], address=address)
    for path in ("feed.xml", "channels/stable.xml"):
        tree = feed(render_site(contents), path)
        links = {one.get("rel"): one.get("href") for one in tree.iter("{*}link")}
        assert links["self"] == address + path
        assert all(link.startswith(address) for link in links.values())


def test_ids_stay_when_everything_else_changes():
    def ids(contents, path="feed.xml"):
        return [one.text for one in feed(render_site(contents), path).iter("{*}id")]

    channels = [channel("stable", 7)]
    before = ids(site(7, channels=channels))
    moved = site(7, 8, channels=channels, address="https://elsewhere.example/", title="The Almanac")
    after = ids(moved)
    assert before[0] == after[0]
    assert before[1] == after[2] != after[1]
    assert ids(moved, "channels/stable.xml")[1] == before[1]
    assert ids(moved, "channels/stable.xml")[0] != before[0]


def test_an_entry_of_a_channel_is_as_new_as_its_promotion():
    tree = feed(render_site(site(7, channels=[channel("stable", 7)])), "channels/stable.xml")
    entry = tree.find("a:entry", ATOM)
    assert entry.findtext("a:published", namespaces=ATOM) == "2026-11-21T21:05:12Z"
    assert entry.findtext("a:updated", namespaces=ATOM) == "2026-11-21T22:05:12Z"


def test_a_feed_has_the_newest_alone():
    tree = feed(render_site(site(*range(1, MOST_ENTRIES + 30))))
    assert len(titles(tree)) == MOST_ENTRIES
    assert titles(tree)[0] == f"almanac 1.4.0+{MOST_ENTRIES + 29}"


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_nothing_acts_that_committers_wrote(attack):
    plain = attack.encode("utf-8", "replace").decode()
    made = Manifest(
        project="almanac", version="1.0+7", revision="ab" * 20, run=7, committed_at=AT,
        published_at=AT, branch=attack, subject=attack, author=f"{attack} <a@example.org>",
        worker=attack, notes=Notes(since=plain, text=f"## {attack}\n\n- {attack}\n\n{attack}"),
        artefacts=(Artefact(name="a.zip", size=1, sha256="ab" * 32, media_type=plain),),
    )  # fmt: skip
    contents = SiteContents("almanac", (SiteRelease(made, "a" * 64, blocked=attack),), title=attack)
    shown = SiteContents("almanac", (SiteRelease(made, "a" * 64),), title=attack)
    for files in (render_site(contents), render_site(shown)):
        for page in (files["index.html"].decode(), release_page(made)):
            reader = Reader(page)
            assert not {"script", "img", "evil", "b"} & set(reader.tags)
            assert all(re.match(r"\./|\.\./|feed\.xml$|https:", link) for link in reader.links)
        tree = feed(files)
        assert not [one for one in tree.iter() if "evil" in str(one.tag)]
        for content in tree.iter("{*}content"):
            reader = Reader(content.text)
            assert not {"script", "img", "evil", "b"} & set(reader.tags)
            # A picture becomes a link: it is not fetched by whoever looks.
            assert all(link.startswith("https:") for link in reader.links)


def test_notes_are_markdown():
    made = str(notes_html("# A\n\n- **x:** `c` [y](https://example.org/)\n\n### B\n"))
    assert made == (
        '<h3>A</h3>\n<ul>\n<li><strong>x:</strong> <code>c</code> <a href="https://example.org/">y'
        "</a></li>\n</ul>\n<h4>B</h4>\n"
    )
    assert len(notes_html("x" * (MOST_CHARACTERS + 9))) < MOST_CHARACTERS + 20


@pytest.mark.parametrize(
    "text", ["[" * 50_000, "*_" * 25_000, "![" * 25_000, "[a](" * 12_500, "> " * 25_000]
)
def test_notes_that_are_slow_to_read_are_read(text):
    assert "<script" not in notes_html(text)


def test_the_page_of_a_release_says_how_to_verify_it():
    page = Reader(release_page(release(7), ("SHA256SUMS.asc", "almanac.zip.intoto.jsonl")))
    for part in (
        "What changed since 1.4.0+6",
        "sha256sum --check --ignore-missing SHA256SUMS",
        "gpg --verify SHA256SUMS.asc SHA256SUMS",
        "Get-FileHash -LiteralPath 'almanac.zip'",
        "bill of materials, CycloneDX",
        "freeze report",
        "provenance, signed",
        "110 passed",
    ):
        assert part in page.text
    assert "gpg" not in Reader(release_page(release(7))).text


def test_targets_get_the_files_by_hash(tmp_path):
    contents = site(7, 8, blocked={8}, channels=[channel("beta", 7, 8), channel("stable")])
    files = render_site(contents)
    pointers = make_pointers(contents, files, tmp_path / "aside")
    assert (pointers.latest, pointers.channels) == ("1.4.0+7", {"beta": "1.4.0+7"})
    assert [one.name for one in pointers.files] == list(files)
    for one in pointers.files:
        assert one.path.read_bytes() == files[one.name]
        assert one.size == len(files[one.name])
    kinds = {one.name: one.media_type for one in pointers.files}
    assert kinds["feed.xml"] == "application/atom+xml"
    assert kinds["latest.json"] == "application/json"


def test_releases_of_the_same_run_are_in_order_of_time():
    later = release(7, version="1.4.0+7.again", published_at=AT + timedelta(days=2))
    contents = SiteContents(
        "almanac", (SiteRelease(later, "a" * 64), SiteRelease(release(7), "b" * 64))
    )
    assert [one.version for one in contents.newest_first] == ["1.4.0+7.again", "1.4.0+7"]
