"""The log of failures: what is shown, what is told instead, and what can never happen there."""

import asyncio
import base64
import hashlib
import io
from html.parser import HTMLParser

import pytest

from slipway.artefacts.store import Store
from slipway.model.protocol.event import MOST_SHOWN, Document, Picture, Piece, TestResult, part_line
from slipway.scripts.report import LARGEST, SequenceReport
from slipway.steps import failure_log
from slipway.steps.failure_html import Shown, failure
from slipway.steps.failure_log import Failures

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
PLACE = "features/a.feature:3"
#: A Buildbot log splits longer lines, even amid a tag.
LONGEST = 4096


class Log:
    """An HTML log that keeps in memory what it is given."""

    def __init__(self):
        self.text, self.ended = "", False

    async def addContent(self, text):  # noqa: N802  Buildbot's name
        assert text.endswith("\n")
        assert max(map(len, text.split("\n"))) < LONGEST
        self.text += text

    async def finish(self):
        self.ended = True


class Page:
    """The log of one stage, its store a real one."""

    def __init__(self, folder, incoming=None):
        self.log, self.kept = Log(), []
        self.store = Store(folder / "store")
        self.failures = Failures(self._open, incoming or self.store.open_incoming, self._keep)

    async def _open(self):
        return self.log

    async def _keep(self, artefacts):
        self.kept += [one.name for one in artefacts]

    def end(self):
        asyncio.run(self.failures.close())
        return self.log.text

    def show(self, *events):
        for event in events:
            self.failures.take(event)
        return self.end()


@pytest.fixture
def page(tmp_path, monkeypatch):
    async def here(work, *arguments):
        return work(*arguments)

    monkeypatch.setattr(failure_log.threads, "deferToThread", here)
    return Page(tmp_path)


def failed(number=3, **keys):
    given = {"suite": "behave", "name": f"scenario {number}", "status": "failed", "message": "no"}
    return TestResult(**{**given, "file": "features/a.feature", "line": number, **keys})


def sent(data, kind=Picture, title="screenshot.png", test=PLACE, pieces=None, **keys):
    digest = hashlib.sha256(data).hexdigest()
    yield kind(path="/w/e.png", title=title, test=test, sha256=digest, size=len(data), **keys)
    for piece in [data[at : at + 2800] for at in range(0, len(data), 2800)][:pieces]:
        yield Piece(sha256=digest, data=base64.b64encode(piece).decode())


def parsed(text):
    """Return the tags of a piece of HTML with their attributes, and its text."""
    tags, texts = [], []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append((tag, dict(attributes)))
    parser.handle_data = texts.append
    parser.feed(text)
    return tags, "".join(texts)


def test_what_a_script_sends_is_what_is_shown_and_kept(page, tmp_path):
    picture, text = tmp_path / "shot.png", tmp_path / "page.html"
    picture.write_bytes(PNG)
    text.write_text("<script>alert(1)</script> é")
    stream = io.StringIO()
    report = SequenceReport(stream)
    report.picture(picture, "screenshot.png", PLACE)
    report.document(text, "page.html", PLACE, "text/html")
    report.test(failed(step="When I press Save"))
    lines = stream.getvalue().removesuffix("\n").split("\n")
    events = [part_line(line)[1] for line in lines]
    assert all(events)
    tags, told = parsed(page.show(*events))
    (image,) = [attributes for tag, attributes in tags if tag == "img"]
    kind, _, data = image["src"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == PNG
    assert "script" not in {tag for tag, _ in tags}
    for words in ("scenario 3", PLACE, "When I press Save", "<script>alert(1)</script> é"):
        assert words in told
    assert page.kept == ["evidence/shot.png", "evidence/page.html"]
    assert page.store.path(hashlib.sha256(PNG).hexdigest()).read_bytes() == PNG
    assert page.log.ended


def test_passed_tests_make_no_log(page):
    assert page.show(failed(status="passed"), failed(status="skipped")) == ""
    assert not page.log.ended


@pytest.mark.parametrize("status", ["failed", "error", "flaky", "quarantined"])
def test_all_that_did_not_just_pass_is_shown(page, status):
    assert f">{status}</b>" in page.show(failed(status=status))


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([Picture(path="/w/e.png", test=PLACE, missing="cannot be read: gone")], "e.png cannot be"),
        ([Picture(path="C:\\w\\e.png", test=PLACE, size=5)], "e.png was not sent"),
        ([Picture(path="/w/e.png", test=PLACE)], "e.png is empty"),
        (list(sent(PNG, pieces=2)), "screenshot.png did not arrive whole"),
        (list(sent(b"GIF89a" + PNG)), "is no PNG or JPEG picture"),
        ([next(sent(PNG)), Piece(sha256=hashlib.sha256(PNG).hexdigest(), data="%")], "not arrive"),
    ],
)
def test_what_cannot_be_shown_is_told(page, events, told):
    text = page.show(*events, failed())
    assert told in text
    assert "scenario 3" in text
    assert "<img" not in text


def test_pieces_that_nobody_announced_are_nothing(page):
    assert page.show(Piece(sha256="0" * 64, data="AAAA")) == ""


def test_a_picture_of_no_test_is_shown_by_itself(page):
    tags, told = parsed(page.show(*sent(PNG, test="", title="The window")))
    assert "img" in {tag for tag, _ in tags}
    assert "The window" in told


def test_the_first_are_shown_and_the_rest_counted(page):
    text = page.show(*(failed(number) for number in range(MOST_SHOWN + 5)))
    assert text.count('class="slw-why"') == MOST_SHOWN
    assert f"5 more failures are not shown here: this page shows the first {MOST_SHOWN}." in text


def test_a_stage_that_brings_too_much(page, monkeypatch):
    monkeypatch.setattr(failure_log, "_MOST", len(PNG) + 10)
    text = page.show(*sent(PNG), *sent(PNG + b"2", title="second.png"), failed())
    assert text.count("<img") == 1
    assert "second.png is left out: this stage has brought too much to show" in text


def test_a_store_that_cannot_take_it(page):
    class Full:
        def write(self, data):
            raise OSError("the disk is full")

        def abort(self):
            pass

    page.failures._incoming = Full
    text = page.show(*sent(PNG), failed())
    assert "<img" in text
    assert "screenshot.png is not kept: the disk is full" in text
    assert page.kept == []


def test_two_files_of_one_name_are_kept_under_two(page):
    page.show(*sent(PNG), failed(), *sent(PNG + b"2"), failed())
    assert page.kept == ["evidence/e.png", "evidence/2-e.png"]


def test_large_files_are_told_and_not_sent(tmp_path):
    large = tmp_path / "page.html"
    large.write_bytes(b"x" * (LARGEST + 1))
    stream = io.StringIO()
    SequenceReport(stream).document(large, "page.html", PLACE)
    assert stream.getvalue().count("\x1e") == 1
    assert "is too large to be shown: 2,000,001 bytes" in stream.getvalue()


NASTY = (
    "</pre><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;\0\x1b[31m" + "<&" * 5000
)


def test_nothing_that_is_told_acts():
    test = failed(name=NASTY, message=NASTY, step=NASTY, file=NASTY[:90], suite=NASTY)
    shown = [
        Shown(Picture(path=NASTY, title=NASTY, media_type=NASTY), PNG),
        Shown(Picture(path=NASTY, title=NASTY, media_type=NASTY), b"no picture"),
        Shown(Document(path=NASTY, title=NASTY, media_type="text/html"), NASTY.encode() * 10),
        Shown(Document(path=NASTY, title=""), b"\xff\xfe" + NASTY.encode(), NASTY),
    ]
    text = failure(test, shown)
    tags, _ = parsed(text)
    known = {"div", "h4", "b", "p", "pre", "details", "summary", "img"}
    assert {tag for tag, _ in tags} <= known
    allowed = {"class", "style", "title", "alt", "src"}
    assert {name for _, attributes in tags for name in attributes} <= allowed
    assert max(map(len, text.split("\n"))) < LONGEST
