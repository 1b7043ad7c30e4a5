"""The pages that Slipway writes, in a real browser: what axe-core finds, contrast among it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from slipway.model.protocol.event import Document, Picture, TestResult
from slipway.model.protocol.job import Job, RunFacts
from slipway.scripts.releases.site.pages import index_page, release_page
from slipway.scripts.stages.features.report.page import write_report
from slipway.scripts.stages.features.results import (
    STATUSES,
    Attempt,
    EvidenceFile,
    FeaturesRun,
    ScenarioResult,
    StepResult,
)
from slipway.scripts.stages.freeze.contents.distributions import Distribution
from slipway.scripts.stages.freeze.contents.files import Held
from slipway.scripts.stages.freeze.contents.licences import Licences
from slipway.scripts.stages.freeze.contents.parts import Part
from slipway.scripts.stages.freeze.libraries.closure import Closure, Finding
from slipway.scripts.stages.freeze.page.page import Facts, Started, freeze_page
from slipway.steps.failure_html import Shown, failure, head, remark
from tests.support.browser import AXE, available, browser, view, violations
from tests.support.releases import channel, release, site

AT = datetime(2026, 11, 21, 14, 5, 12, tzinfo=UTC)
#: Buildbot's page, as far as a log in it goes.
FRAME = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Failures</title>"
    "<body style='background: #fff'><main><h1>Log</h1><h2>x</h2><h3>failures</h3>{}</main>"
)


@pytest.fixture(scope="module")
def driver():
    if not available() or not AXE.is_file():
        pytest.skip("needs chromedriver, and axe-core, which `make www` fetches")
    with browser() as found:
        yield found


def features(folder):
    text, page = folder / "console.txt", folder / "page.html"
    text.write_text("\x1b[31mERROR\x1b[0m it is closed")
    page.write_text("<title>x</title><h1>The shop is closed</h1>")
    evidence = (
        EvidenceFile("console.txt", "text/plain", text),
        EvidenceFile("page.html", "text/html", page),
        EvidenceFile("gone.png", "image/png", folder / "gone.png"),
    )
    steps = tuple(
        StepResult("Given", "all is well", status, 0.1, "it is not" if status == "failed" else "")
        for status in ("passed", "failed", "untested", "skipped", "undefined", "error")
    )
    attempts = tuple(Attempt(number, "failed", "no", 1, steps, evidence) for number in (1, 2))
    cases = tuple(
        ScenarioResult("Checkout", "a.feature", f"It {status}", line, status, 0.3, some, ("tag",))
        for line, status in enumerate(STATUSES)
        for some in (attempts if status == "flaky" else attempts[:1],)
    )
    return FeaturesRun(
        "shop: features", AT, 31.4, scenarios=cases, notices=("Stopped early.",),
        revision="4f0d", base_url="http://127.0.0.1:1/", application_log_tail="ready",
    )  # fmt: skip


def failures():
    parts = [head()]
    for status in ("failed", "error", "flaky", "quarantined", "passed"):
        test = TestResult(
            suite="behave", name="It pays", status=status, message="no", step="Then it is paid",
            file="a.feature", line=3,
        )  # fmt: skip
        parts.append(failure(test, [Shown(Document(path="a.txt"), b"text")]))
    parts += [failure(None, [Shown(Picture(path="a.png"), b"", "was not sent")]), remark("More.")]
    return FRAME.format("".join(parts))


def frozen():
    held = Held("lib/flask/__init__.pyc", 900_000, "ab" * 32)
    flask = Distribution("Flask", "3.1", Licences(["MIT"]), (), "")
    parts = [
        Part("application", "application", "shop", "1.4.0", (replace(held, size=400_000),)),
        Part("python", "python", "Python", "3.11.7", (held,)),
        Part("flask", "distribution", "Flask", "3.1", (held,), flask),
        Part("package:tzdata", "package", "tzdata", "2025b", (replace(held, size=300_000),)),
        Part("file:x", "file", "x", "", (replace(held, size=200_000),)),
    ]
    inspected = {
        "executables": ["shop"], "platform": "linux-x86_64", "files": 5, "size": 2_700_000,
        "python": "3.11.7", "cx_freeze": "8.7.3", "missing": {"simplejson": ["flask"]},
        "added": [{"key": "includes", "value": "flask.views", "reason": "used"}],
    }  # fmt: skip
    facts = Facts(
        "shop", inspected, parts, {one.key: ["it is needed"] for one in parts},
        [Started("shop --help", 0.1, 0.4)],
        Closure((Finding(is_error=False, text="libx.so.1 may be missing"),), (), ""),
        warnings=["The tests fail."], lines=['includes = ["flask.views"]'], bill="shop.cdx.json",
    )  # fmt: skip
    run = RunFacts(number=7, revision="4f0d" * 10, branch="main", committed_at=1, version="1.4.0")
    job = Job(
        project="shop", name="freeze", stage={"uses": "freeze"}, run=run,
        output="o", cache="c", state="s",
    )  # fmt: skip
    return freeze_page(job, facts)


@pytest.fixture
def written(tmp_path):
    def write(kind):
        target = tmp_path / f"{kind}.html"
        match kind:
            case "report":
                write_report(features(tmp_path), target)
            case "release":
                target.write_text(release_page(release(7)), encoding="utf-8")
            case "project":
                channels = (channel("beta", 7, 8), channel("stable", 7), channel("old"))
                contents = site(6, 7, 8, blocked={6}, channels=channels)
                page = index_page(contents)
                target.write_text(page, encoding="utf-8")
            case "frozen":
                target.write_text(frozen(), encoding="utf-8")
            case "failures":
                target.write_text(failures(), encoding="utf-8")
        return target.as_uri()

    return write


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", ["report", "release", "project", "frozen", "failures"])
def test_everybody_can_read_it(driver, written, kind, dark):
    view(driver, 1280, 900, dark=dark)
    driver.get(written(kind))
    driver.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert violations(driver, "html") == []
    is_dark = driver.execute_script("return matchMedia('(prefers-color-scheme: dark)').matches")
    assert is_dark is dark


@pytest.mark.slow
def test_what_cannot_be_read_is_found(driver, tmp_path):
    view(driver, 1280, 900)
    target = tmp_path / "pale.html"
    pale = release_page(release(7)).replace("--dim: #566070", "--dim: #b9c1ce")
    target.write_text(pale, encoding="utf-8")
    driver.get(target.as_uri())
    assert [one for one in violations(driver, "html") if one.startswith("color-contrast")]
