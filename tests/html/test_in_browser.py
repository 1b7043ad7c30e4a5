"""The pages that Slipway writes, in a real browser: what axe-core finds, contrast among it."""

from datetime import UTC, datetime

import pytest

from slipway.model.protocol.event import Document, Picture, TestResult
from slipway.scripts.releases.manifest import Artefact, Manifest, StageResult
from slipway.scripts.stages.features.report.page import write_report
from slipway.scripts.stages.features.results import (
    STATUSES,
    Attempt,
    EvidenceFile,
    FeaturesRun,
    ScenarioResult,
    StepResult,
)
from slipway.scripts.stages.publish.page import project_page, release_page
from slipway.steps.failure_html import Shown, failure, head, remark
from tests.support.browser import AXE, available, browser, view, violations

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


def release(number):
    facts = {"passed": 110, "failed": 2, "errors": 1, "skipped": 5, "suites": {"a": [1, "b"]}}
    states = ("passed", "failed", "skipped")
    return Manifest(
        project="almanac",
        version=f"1.4.0+{number}",
        revision="4f0d2c9e" * 5,
        branch="main",
        subject="Say when the moon is full",
        author="Ann <ann@example.org>",
        run=number,
        committed_at=AT,
        published_at=AT,
        worker="local",
        artefacts=(Artefact(name="almanac.zip", size=15_234_567, sha256="ab" * 32),),
        stages=tuple(
            StageResult(stage=one, state=one, seconds=75, worker="w", summary=one, facts=facts)
            for one in states
        ),
    )


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
                page = project_page([release(8), release(7)], "1.4.0+8")
                target.write_text(page, encoding="utf-8")
            case "failures":
                target.write_text(failures(), encoding="utf-8")
        return target.as_uri()

    return write


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", ["report", "release", "project", "failures"])
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
