"""The report of a features run, as text."""

import base64
import hashlib
import os
import re
import struct
import time
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from html import unescape
from html.parser import HTMLParser

import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.stages.features.report.page import write_report
from slipway.scripts.stages.features.results import (
    STATUSES,
    Attempt,
    EvidenceFile,
    FeaturesRun,
    ScenarioResult,
    StepResult,
    counts,
    counts_text,
    slowest,
    verdict,
)

START = datetime(2026, 11, 21, 14, 5, 12, tzinfo=UTC)
WHY = '"Thank you!" is not on the page http://127.0.0.1/pay\nTraceback:\n  File "shop.py", line 5'
STEPS = (
    StepResult("Given", 'my cart holds 2 of "Almanac"', "passed", 0.1),
    StepResult("Then", 'I should see "Thank you!"', "failed", 0.2, WHY, "features/steps/shop.py:5"),
    StepResult("And", "a message is sent", "untested"),
)
PASSED = Attempt(1, "passed", "", 0.3, (StepResult("Given", "all is well", "passed", 0.3),))
HOSTILE = (
    "</script></style></textarea>'\"><script>document.title='HACKED'</script>"
    "<img src=x onerror=alert(1)>&amp;\x00\x1b[31m\u202e\ud800"
)


def png(width=4, height=3, padding=0):
    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    rows = zlib.compress(b"".join(b"\0" + b"\xc0\x40\x40" * width for _ in range(height)))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    filling = chunk(b"teXt", os.urandom(padding)) if padding else b""
    parts = chunk(b"IHDR", header) + filling + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def scenario(status="passed", line=5, *attempts, **more):
    given = {"feature": "Checkout", "feature_file": "features/checkout.feature", "seconds": 0.3}
    given |= {"name": f"Scenario at {line}", "tags": ("javascript",)} | more
    return ScenarioResult(line=line, status=status, attempts=attempts or (PASSED,), **given)


def run_of(*scenarios, **more):
    return FeaturesRun("shop: features", START, 31.4, scenarios=scenarios, **more)


@pytest.fixture
def kept(tmp_path):
    def keep(name, data, media_type="text/plain"):
        place = tmp_path / "evidence" / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(data)
        return EvidenceFile(name, media_type, place)

    return keep


@pytest.fixture
def written(tmp_path):
    def write(run, **more):
        target = write_report(run, tmp_path / "report.html", **more)
        assert [one.name for one in tmp_path.glob("*.part")] == []
        return target.read_text(encoding="utf-8")

    return write


def failed_with(*evidence, line=5):
    return scenario("failed", line, Attempt(1, "failed", "", 1, STEPS, evidence))


def plain(page):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("</style>")[2])))


# ---- what was found


def test_counts_keep_every_status_and_the_sentence_only_what_is_there():
    run = run_of(scenario(), scenario("failed", 6), scenario("flaky", 7), scenario("passed", 8))
    assert list(counts(run)) == list(STATUSES)
    assert counts_text(run) == "4 scenarios: 2 passed, 1 failed, 1 flaky"
    assert counts_text(run_of()) == "0 scenarios"
    assert counts_text(run_of(*[scenario("error", n) for n in (1, 2)])) == "2 scenarios: 2 errors"


@pytest.mark.parametrize(
    ("statuses", "expected", "headline"),
    [
        (["passed", "skipped"], "passed", "Passed: 1 scenario"),
        (["passed", "quarantined"], "passed", "Passed, with 1 in quarantine"),
        (["passed", "flaky"], "flaky", "Passed, but 1 of 2 only when repeated"),
        (["passed", "flaky", "error"], "failed", "Failed: 1 of 3 scenarios"),
        (["undefined", "passed"], "failed", "Failed: 1 of 2 scenarios"),
        (["failed"], "failed", "Failed: 1 of 1 scenario"),
        (["skipped", "skipped"], "nothing", "Failed: no scenario ran"),
        ([], "nothing", "Failed: no scenario ran"),
    ],
)
def test_the_verdict(written, statuses, expected, headline):
    run = run_of(*[scenario(status, line) for line, status in enumerate(statuses, 1)])
    assert verdict(run) == expected
    page = written(run)
    assert f"<h1>{headline}</h1>" in page
    assert f'class="verdict v-{expected}"' in page


def test_the_slowest_come_first_and_what_took_no_time_not_at_all():
    some = [scenario(line=n, seconds=seconds) for n, seconds in enumerate([1, 0, 9, 4, 9])]
    assert [one.line for one in slowest(run_of(*some), 3)] == [2, 4, 3]


def test_a_status_nobody_knows_is_refused():
    with pytest.raises(ValueError, match=r"checkout\.feature:5: .* 'broken'; use one of failed, "):
        scenario("broken")


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="has no time zone"):
        FeaturesRun("t", datetime(2026, 1, 1), 1)


# ---- the page


def test_the_head_says_what_was_tested(written):
    east = START.astimezone(timezone(timedelta(hours=9)))
    run = run_of(scenario(), base_url="http://127.0.0.1:4", revision="4f0d", version="2.4", jobs=2)
    page = plain(written(replace(run, started_at=east, command="slipway features --jobs 2")))
    for text in (
        *("http://127.0.0.1:4", "4f0d", "2.4", "21 November 2026, 14:05 UTC"),
        *("31s, 2 processes", "slipway features --jobs 2", "1 scenario: 1 passed"),
    ):
        assert text in page


def test_failed_scenarios_come_first_with_steps_message_and_place(written):
    page = written(run_of(scenario(), scenario("flaky", 9), failed_with(line=7)))
    order = [page.index(f'<h2 id="{part}"') for part in ("failed", "flaky", "passed", "slowest")]
    assert order == sorted(order)
    card = page[order[0] : order[1]]
    assert card.count('<li class="failed">') == 1
    assert '<li class="untested">' in card
    assert "features/checkout.feature:7" in card
    assert "features/steps/shop.py:5" in card
    assert "@javascript" in card
    assert '"Thank you!" is not on the page http://127.0.0.1/pay\nTraceback:' in unescape(card)
    assert "slipway features features/checkout.feature:7" in card


def test_attempts_stand_side_by_side(written, kept):
    film = [kept(f"{n}.png", png(), "image/png") for n in (1, 2, 3)]
    attempts = (
        Attempt(1, "failed", "", 1, STEPS, (film[0],)),
        Attempt(2, "passed", "", 1, PASSED.steps, tuple(film[1:])),
    )
    page = written(run_of(scenario("flaky", 5, *attempts)))
    assert page.count("<article>") == 2
    assert page.count('src="data:image/png;base64,') == 3
    assert 'width="4" height="3"' in page


def test_skipped_scenarios_say_why(written):
    why = Attempt(1, "skipped", "needs a browser")
    page = plain(written(run_of(scenario(), scenario("skipped", 6, why), scenario("skipped", 7))))
    assert re.search(r"needs a browser\s+1 scenario", page)
    assert re.search(r"No reason is given\s+1 scenario", page)


def test_many_failures_of_one_reason_are_told(written):
    page = plain(written(run_of(*[failed_with(line=n) for n in range(4)])))
    assert '4 of 4 fail with the same message: "Thank you!"' in page


def test_notices_and_the_log_are_shown(written):
    log = "\x1b[32mINFO\x1b[0m ready\n\tERROR <502>\n"
    page = written(run_of(failed_with(), notices=("Stopped early.",), application_log_tail=log))
    assert "<li>Stopped early.</li>" in page
    assert "INFO ready\n    ERROR &lt;502&gt;</pre>" in page


def test_strange_numbers_are_no_crash(written):
    odd = [scenario(line=n, seconds=s) for n, s in enumerate([float("nan"), float("inf"), -1.0])]
    assert "?, 1 process" in plain(written(replace(run_of(*odd), seconds=float("nan"))))


def test_it_replaces_a_report_and_makes_its_folder(tmp_path):
    target = tmp_path / "new" / "r.html"
    write_report(run_of(), target)
    assert write_report(run_of(scenario()), target) == target
    assert "Passed: 1 scenario" in target.read_text()


def test_a_target_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    for target in (tmp_path, tmp_path / "file" / "r.html"):
        with pytest.raises(StageFailed, match=r"cannot be written: .*; name another file"):
            write_report(run_of(), target)


# ---- evidence


def test_evidence_that_is_not_there_or_no_picture_is_told(written, kept, tmp_path):
    files = [
        EvidenceFile("gone.png", "image/png", tmp_path / "gone.png"),
        EvidenceFile("folder.txt", "text/plain", tmp_path),
        EvidenceFile("odd.txt", "text/plain", tmp_path / "a\0b"),
        kept("empty.png", b"", "image/png"),
        kept("empty.txt", b""),
        kept("text.jpg", b"<script>", "image/jpeg"),
        kept("archive.zip", b"PK", "application/zip"),
        kept("drawing.svg", b"<svg/>", "image/svg+xml"),
    ]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        files.append(EvidenceFile("pipe.txt", "text/plain", tmp_path / "pipe"))
    page = plain(written(run_of(failed_with(*files))))
    for name, said in {
        "gone.png": "is missing",
        "folder.txt": "is missing",
        "odd.txt": "(is missing|cannot be read)",
        "empty.png": r"is empty \(0 bytes\)",
        "empty.txt": r"is empty \(0 bytes\)",
        "text.jpg": "is no PNG or JPEG picture",
        "archive.zip": r"\(application/zip\) is of a kind that is not shown",
        "drawing.svg": r"\(image/svg\+xml\) is of a kind",
    }.items():
        assert re.search(f"{re.escape(name)} {said}", page), name


@pytest.mark.parametrize(
    ("data", "media_type", "shown", "read_as"),
    [
        ("Grüße".encode(), "text/plain", "Grüße", ""),
        (b"\xef\xbb\xbfA", "text/plain", "<pre>A", ""),
        ("Grüße".encode("latin-1"), "text/plain", "Grüße", "read as windows-1252"),
        ("Grüße".encode("utf-16"), "text/plain", "Grüße", "read as UTF-16"),
        (b"<meta charset=koi8-r>\xd0", "text/html", "п", "read as koi8-r"),
        (b"<meta charset=punycode>\xe9", "text/html", "é", "read as windows-1252"),
        (b"<meta charset=iso-8859-99>\xe9", "text/html", "é", "read as windows-1252"),
        (bytes(range(256)), "text/plain", "ABC", "read as windows-1252"),
    ],
)
def test_texts_that_are_not_utf8_are_read_all_the_same(
    written, kept, data, media_type, shown, read_as
):
    page = written(run_of(failed_with(kept("evidence", data, media_type))))
    assert shown in page
    assert read_as in page
    assert ("not UTF-8" in page) == bool(read_as)


def test_of_a_long_text_the_end_is_shown(written, kept):
    long = "".join(f"line {n} ü\n" for n in range(200_000)).encode()
    page = written(run_of(failed_with(kept("console.txt", long))))
    assert "[the beginning is left out]\nline " in page
    assert "line 199999 ü</pre>" in page
    assert "not UTF-8" not in page
    assert len(page) < 200_000


def test_a_huge_page_is_left_out(written, kept):
    page = written(run_of(failed_with(kept("page.html", b"<p>" * 5_000_000, "text/html"))))
    assert "page.html (15 MB) is left out: one file may take 5.0 MB here." in page
    assert len(page) < 100_000


def test_pictures_of_later_failures_are_left_out_when_there_are_too_many(written, kept):
    cases = [
        failed_with(kept(f"shot-{n}.png", png(padding=90_000), "image/png"), line=n)
        for n in range(5)
    ]
    page = written(run_of(*cases), limit_bytes=300_000)
    assert re.findall(r'alt="(shot-\d)', page) == ["shot-0", "shot-1"]
    assert "shot-2.png (90 kB) is left out: the evidence in one report may take 300 kB" in page
    notice = page[page.index('class="notices"') :].partition("</ul>")[0]
    assert "3 pieces of evidence of later scenarios are left out" in notice
    assert len(page) < 350_000


@pytest.mark.slow
def test_two_thousand_scenarios_are_quick_and_small(written):
    step = StepResult("When", "I fill in the field with a text of a usual length", "passed", 0.01)
    attempt = Attempt(1, "passed", "", 0.1, (step,) * 12)
    cases = [
        scenario("passed", n, attempt, feature_file=f"features/part{n // 20}.feature")
        for n in range(1700)
    ]
    cases += [failed_with(line=5000 + n) for n in range(300)]
    began = time.process_time()
    page = written(run_of(*cases))
    assert time.process_time() - began < 2
    assert len(page.encode()) < 3_000_000
    assert page.count('data-s="passed"') == 1700
    assert page.count('data-s="failed"') == 300


@pytest.mark.slow
def test_when_everything_fails_the_later_ones_are_told_in_short(written):
    long = StepResult("Then", "I see it", "failed", 1, f"{WHY}\n" + "and so on " * 100)
    attempt = Attempt(1, "failed", long.message, 1, (*STEPS[:1], long, *STEPS[2:]))
    page = written(run_of(*[scenario("failed", n, attempt) for n in range(2000)]))
    assert len(page.encode()) < 3_000_000
    assert page.count('<li class="failed">') == 2000
    assert 0 < page.count('<li class="untested">') < 2000
    assert "Shortened: too many scenarios failed." in page


# ---- what comes from outside


class Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def hostile_run(kept, page):
    evidence = (
        replace(kept("a", b"x"), name=HOSTILE),
        replace(kept("b", b"x"), name=HOSTILE, media_type=HOSTILE),
        replace(kept("c", png(), "image/png"), name=HOSTILE),
        kept("console.txt", HOSTILE.encode("utf-8", "replace")),
        kept("page.html", page, "text/html"),
    )
    step = StepResult(HOSTILE, HOSTILE, HOSTILE, 1, HOSTILE, HOSTILE)
    attempts = tuple(Attempt(n, HOSTILE, HOSTILE, 1, (step,), evidence) for n in (1, 2))
    cases = [
        ScenarioResult(HOSTILE, HOSTILE, HOSTILE, n, status, 2, some, (HOSTILE,), 1)
        for n, status in enumerate(STATUSES)
        for some in (attempts, attempts[:1], ())
    ]
    return FeaturesRun(
        *(HOSTILE, START, 9, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 2),
        *(tuple(cases), (HOSTILE,), HOSTILE),
    )


def test_hostile_text_stays_text_in_every_field(written, kept):
    page = written(hostile_run(kept, HOSTILE.encode("utf-8", "replace")))
    reader = Elements()
    reader.feed(page)
    scripts = [attributes for tag, attributes in reader.found if tag == "script"]
    assert scripts == [{}]
    assert page.count("<script>document.title") == 0
    for tag, attributes in reader.found:
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("href", "#").startswith(("#", "data:image/svg+xml,")), tag
        assert attributes.get("src", "data:image/png;").startswith("data:image/png;"), tag
        if tag == "iframe":
            assert attributes["sandbox"] == ""
    assert sum(tag == "iframe" for tag, _ in reader.found) > 5
    # A saved page may turn its own text around; around the frame nothing may.
    assert not re.search("[\0\x1b\u202e]", re.sub('srcdoc="[^"]*"', "", page))


def test_the_policy_allows_no_script_but_the_reports_own(written):
    page = written(run_of(scenario()))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert page.index("Content-Security-Policy") < page.index("<title>")
