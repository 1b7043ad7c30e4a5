"""Write the report of a features run: one HTML file that needs no server or JavaScript.

People open it from a mail, a chat or a disk, so no untrusted content may act in it: all text is
escaped, saved pages are shown in a sandboxed frame, and the page's content security policy allows
no script but its own.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from datetime import UTC
from pathlib import Path

from slipway.html import templates
from slipway.html.theme import PALETTE
from slipway.model.errors import StageFailed
from slipway.scripts import atomic_files
from slipway.scripts.humanize import count_text
from slipway.scripts.stages.features.report.cases import CaseWriter, took
from slipway.scripts.stages.features.report.evidence import EvidenceShelf, end_of
from slipway.scripts.stages.features.results import (
    BAD,
    STATUSES,
    FeaturesRun,
    ScenarioResult,
    Verdict,
    counts,
    counts_text,
    slowest,
    verdict,
)

__all__ = ["load_templates", "write_report"]

_ROOM = "slipway.scripts.stages.features.report"
_MEGA = 1_000_000
_OPEN = 20
#: Background colour of each verdict.
_GROUNDS: dict[Verdict, str] = {
    "passed": "passed",
    "flaky": "flaky",
    "failed": "failed",
    "nothing": "failed",
}
_SIGNS: dict[Verdict, str] = {"passed": "✓", "flaky": "!", "failed": "✗", "nothing": "✗"}


def load_templates() -> None:
    """Compile the report's templates, which `write_report` needs; a matter of time alone."""
    CaseWriter(EvidenceShelf(0))
    templates.load(f"{_ROOM}/report.html.j2", "slipway.html/page.html.j2")


def write_report(run: FeaturesRun, target: Path, limit_bytes: int = 30 * _MEGA) -> Path:
    """Write the report of a run as one file.

    Evidence that is missing, empty or not of its stated type is reported in its place.

    Args:
        run: The results.
        target: The file to write, atomically; its folder is created, an existing file replaced.
        limit_bytes: Limit of the evidence in the file; later evidence is omitted, with a notice.

    Returns:
        The target.

    Raises:
        StageFailed: The file cannot be written.
    """
    text = _page(run, limit_bytes)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic_files.write_text(target, text)
    except OSError as error:
        msg = f"the report {target} cannot be written: {error.strerror or error}; name another file"
        raise StageFailed(msg) from error
    return target


def _page(run: FeaturesRun, limit_bytes: int) -> str:
    shelf = EvidenceShelf(limit_bytes)
    kind = verdict(run)
    cases = _cases(run, CaseWriter(shelf))
    return templates.render(
        f"{_ROOM}/report.html.j2",
        run=run,
        headline=_headline(run),
        verdict=kind,
        sign=_SIGNS[kind],
        colour=PALETTE[f"{_GROUNDS[kind]}-strong"][0].removeprefix("#"),
        counts=counts(run),
        counts_text=counts_text(run),
        started=run.started_at.astimezone(UTC),
        together=f"{took(run.seconds)}, {count_text(run.jobs, 'process', 'processes')}",
        # Must follow the cases: only now it is known what was omitted.
        notices=[*run.notices, *filter(None, [shelf.omission_sentence()])],
        log=end_of(run.application_log_tail) if run.application_log_tail.strip() else "",
        is_log_open=kind in {"failed", "nothing"},
        slowest=_slowest(run),
        digest=_digest(),
        took=took,
        **cases,
    )


def _digest() -> str:
    """Return the hash by which the content security policy allows the page's own script."""
    script = templates.asset(f"{_ROOM}/report.js")
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _headline(run: FeaturesRun) -> str:
    total, found = len(run.scenarios), counts(run)
    bad = sum(found[status] for status in BAD)
    match verdict(run):
        case "failed":
            return f"Failed: {bad} of {count_text(total, 'scenario')}"
        case "nothing":
            return "Failed: no scenario ran"
        case "flaky":
            return f"Passed, but {found['flaky']} of {total} only when repeated"
        case _ if found["quarantined"]:
            return f"Passed, with {found['quarantined']} in quarantine"
        case _:
            return f"Passed: {count_text(found['passed'], 'scenario')}"


def _cases(run: FeaturesRun, writer: CaseWriter) -> dict[str, str]:
    """Render the lists of scenarios, the worst first, because evidence is limited."""
    failed = [one for status in STATUSES if status in BAD for one in _of(run, status)]
    return {
        "alike": _alike(failed),
        "failed": writer.cases(failed, opened=_OPEN),
        "flaky": writer.cases(_of(run, "flaky"), opened=0 if failed else _OPEN),
        "quarantined": writer.cases(_of(run, "quarantined"), opened=0),
        "passed": writer.features(_of(run, "passed")),
        "skipped": writer.skipped(_of(run, "skipped")),
    }


def _of(run: FeaturesRun, status: str) -> list[ScenarioResult]:
    return [one for one in run.scenarios if one.status == status]


def _alike(failed: list[ScenarioResult]) -> str:
    """Return a sentence if many scenarios fail with the same message, else an empty text."""
    first_lines = [one.message.partition("\n")[0].strip() for one in failed]
    (most, number), *_ = Counter(filter(None, first_lines)).most_common(1) or [("", 0)]
    if number < max(3, len(failed) // 2):
        return ""
    return f"{number} of {len(failed)} fail with the same message: {most[:300]}"


def _slowest(run: FeaturesRun) -> list[tuple[ScenarioResult, str, str]]:
    """Return the slowest scenarios, each with its share of the longest duration and its link."""
    found = slowest(run)
    # A single scenario has nothing to be compared with.
    found = found if len(found) > 1 else []
    return [(one, f"{one.seconds / found[0].seconds:.3f}", f"#{one.anchor}") for one in found]
