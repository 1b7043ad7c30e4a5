"""The report of a features run: one HTML file that needs no network, no server and no JavaScript.

It travels: people open it from a mail, a chat or a disk. So nothing from outside may act in it.
All text is escaped, saved pages are shown in a frame without any rights, and the page's policy
allows no script but its own.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from datetime import UTC
from pathlib import Path

from slipway.html import markup
from slipway.html.markup import e
from slipway.model.errors import StageFailed
from slipway.scripts import atomic_files
from slipway.scripts.humanize import count_text
from slipway.scripts.stages.features.report.cases import CaseWriter, took
from slipway.scripts.stages.features.report.evidence import EvidenceShelf, lines
from slipway.scripts.stages.features.report.style import SCRIPT, STYLE
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

_MEGA = 1_000_000
_OPEN = 20
_COLOURS: dict[Verdict, str] = {
    "passed": "1a7f37",
    "flaky": "b35900",
    "failed": "c1272d",
    "nothing": "c1272d",
}
_SIGNS: dict[Verdict, str] = {"passed": "✓", "flaky": "!", "failed": "✗", "nothing": "✗"}


def write_report(run: FeaturesRun, target: Path, limit_bytes: int = 30 * _MEGA) -> Path:
    """Write the report of a run as one file.

    Evidence that is missing, empty or not what it claims to be is told in its place.

    Args:
        run: What was found.
        target: The file to make; its folder is made too, and a file that is there is replaced.
        limit_bytes: How much of the file evidence may take; what comes later is left out, told.

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
    body = _body(run, shelf)
    # Only now it is known what had to be left out.
    notices = [*run.notices, *filter(None, [shelf.told()])]
    told = "".join(f"<li>{e(one)}</li>\n" for one in notices)
    notice_list = f'<ul class="notices" aria-label="Notices">\n{told}</ul>\n' if told else ""
    return _frame(run, _header(run) + notice_list, body)


def _frame(run: FeaturesRun, header: str, body: str) -> str:
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    icon = (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E"
        f"%3Ccircle cx='4' cy='4' r='4' fill='%23{_COLOURS[verdict(run)]}'/%3E%3C/svg%3E"
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{e(_headline(run))} - {e(run.title)}</title>
<link rel="icon" href="{icon}">
<style>{STYLE}</style>
</head>
<body>
<header>
{header}</header>
<main>
{body}</main>
<footer><p>Made by Slipway. This file needs nothing else: keep it, send it, print it.</p></footer>
<script>{SCRIPT}</script>
</body>
</html>
"""


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


def _header(run: FeaturesRun) -> str:
    found, kind = counts(run), verdict(run)
    bar = "".join(
        f'<span class="{status}" style="flex:{found[status]}"></span>'
        for status in reversed(STATUSES)
        if found[status]
    )
    commit = f'<span class="hash">{e(run.revision)}</span>' if run.revision else ""
    together = f"{took(run.seconds)}, {count_text(run.jobs, 'process', 'processes')}"
    at = run.started_at.astimezone(UTC)
    started = f'<time datetime="{at.isoformat()}">{at:%d %B %Y, %H:%M} UTC</time>'
    command = f'<code class="hash">{e(run.command)}</code>' if run.command else ""
    pairs = [
        ("Tested", e(run.base_url)),
        ("Version", e(run.version)),
        ("Started", started),
        ("Took", together),
        ("Commit", commit),
        ("Command", command),
    ]
    return (
        f'<p class="over">{e(run.title)}</p>\n'
        f'<div class="verdict v-{kind}"><span class="sign" aria-hidden="true">{_SIGNS[kind]}</span>'
        f"<div><h1>{e(_headline(run))}</h1>\n<p>{e(counts_text(run))}</p></div></div>\n"
        f'<div class="bar" aria-hidden="true">{bar}</div>\n'
        f"{markup.facts([(label, value) for label, value in pairs if value])}"
    )


def _body(run: FeaturesRun, shelf: EvidenceShelf) -> str:
    writer = CaseWriter(shelf)
    failed = [one for status in STATUSES if status in BAD for one in _of(run, status)]
    flaky, quarantined = _of(run, "flaky"), _of(run, "quarantined")
    parts = [
        _filter(run) if run.scenarios else "",
        _cases("Failed", _alike(failed), writer.cases(failed, opened=_OPEN)),
        _cases(
            "Flaky",
            "These failed first and passed when they were repeated in a fresh session.",
            writer.cases(flaky, opened=0 if failed else _OPEN),
        ),
        _cases(
            "Quarantined",
            "These failed; by their tag that does not fail the run until their quarantine ends.",
            writer.cases(quarantined, opened=0),
        ),
        _log(run),
        _cases("Passed", "", writer.features(_of(run, "passed"))),
        _cases("Skipped", "", writer.skipped(_of(run, "skipped"))),
        _slowest(run),
    ]
    return "".join(parts)


def _of(run: FeaturesRun, status: str) -> list[ScenarioResult]:
    return [one for one in run.scenarios if one.status == status]


def _filter(run: FeaturesRun) -> str:
    """Return what narrows the page; hidden until the script that does it runs."""
    boxes = "".join(
        f'<label class="{status}"><input type="checkbox" value="{status}" checked> '
        f"{status} <b>{number}</b></label>\n"
        for status, number in counts(run).items()
        if number
    )
    return (
        '<form class="filter" hidden role="search">'
        '<input type="search" placeholder="Filter by any text" aria-label="Filter by any text">\n'
        f'{boxes}<output aria-live="polite"></output>'
        "<small><kbd>j</kbd> <kbd>k</kbd> next, previous failure <kbd>/</kbd> filter</small>"
        "</form>\n"
    )


def _cases(title: str, remark: str, cases: str) -> str:
    if not cases:
        return ""
    text = f'<p class="remark">{e(remark)}</p>\n' if remark else ""
    return markup.section(title, text + cases)


def _alike(failed: list[ScenarioResult]) -> str:
    """Return a sentence where many scenarios fail for one reason: often it is the only one."""
    first_lines = [one.message.partition("\n")[0].strip() for one in failed]
    (most, number), *_ = Counter(filter(None, first_lines)).most_common(1) or [("", 0)]
    if number < max(3, len(failed) // 2):
        return ""
    return f"{number} of {len(failed)} fail with the same message: {most[:300]}"


def _log(run: FeaturesRun) -> str:
    if not run.application_log_tail.strip():
        return ""
    opened = " open" if verdict(run) in {"failed", "nothing"} else ""
    return markup.section(
        "Application log",
        f'<details class="text"{opened}><summary>The end of the log</summary>'
        f'<pre class="log">{lines(run.application_log_tail)}</pre></details>\n',
    )


def _slowest(run: FeaturesRun) -> str:
    found = slowest(run)
    if len(found) < 2:  # noqa: PLR2004  one is no comparison
        return ""
    longest = found[0].seconds
    rows = "".join(_slow_row(one, one.seconds / longest) for one in found)
    return markup.section("Slowest", f'<ol class="slow">\n{rows}</ol>\n')


def _slow_row(one: ScenarioResult, share: float) -> str:
    return (
        f'<li style="--share:{share:.3f}"><a href="#{e(one.anchor)}">{e(one.name)}</a> '
        f"<small>{e(one.place)}</small><b>{took(one.seconds)}</b></li>\n"
    )
