"""Leave the results of a features run, and judge it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.model.errors import StageFailed
from slipway.scripts.archives.zip_writer import pack_zip
from slipway.scripts.atomic_files import write_text
from slipway.scripts.report import Report
from slipway.scripts.stages.features.collector import as_test
from slipway.scripts.stages.features.report.page import write_report
from slipway.scripts.stages.features.results import BAD, FeaturesRun, counts, counts_text, verdict

if TYPE_CHECKING:
    from slipway.scripts.stages.features.coordinator import RunOutcome

__all__ = ["judge", "leave"]

#: Number of failed scenarios that the final sentence names.
_NAMED = 5


def leave(found: FeaturesRun, output: Path, report: Report, *, epoch: int, part: str = "") -> Path:
    """Leave the results: the HTML report, JUnit, all results in the common form, the logs.

    Returns:
        The HTML report's file.
    """
    page = write_report(found, output / "features.html")
    report.artefact(page, role="report")
    results = output / "tests.json"
    rows = [as_test(one, one.message).model_dump(exclude={"event"}) for one in found.scenarios]
    write_text(results, json.dumps(rows, indent=1) + "\n")
    report.artefact(results, role="report")
    if (output / "junit").is_dir():
        pack_zip(output / "junit", output / "junit.zip", epoch=epoch)
        report.artefact(output / "junit.zip", role="report")
    for log in sorted(output.glob("application-*.log")):
        report.artefact(log, role="report")
    text = f"{part}{counts_text(found)} in {found.seconds:.1f}s"
    report.summary(text, **counts(found), seconds=round(found.seconds, 2), jobs=found.jobs)
    return page


def judge(outcome: RunOutcome) -> None:
    """Raise an error if the run failed.

    Raises:
        StageFailed: A scenario failed, a hook or a process broke off, or nothing ran.
    """
    found = outcome.run
    bad = [one for one in found.scenarios if one.status in BAD]
    if bad:
        named = "; ".join(f"{one.place} {one.name}" for one in bad[:_NAMED])
        more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        # A dead application is the cause; the scenarios' messages are only its effects.
        parts = (f"{counts_text(found)}: {named}{more}", outcome.disturbed, *outcome.broken)
        raise StageFailed("; ".join(filter(None, parts)))
    if outcome.broken:
        raise StageFailed("; ".join(outcome.broken))
    if verdict(found) == "nothing" and not outcome.has_nothing_to_do:
        msg = f"no scenario ran ({counts_text(found)}); change the tags or the paths"
        raise StageFailed(msg)
