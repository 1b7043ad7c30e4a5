"""Leave a frozen tree's description, and say what was added by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slipway.model.protocol.job import Job
from slipway.scripts.humanize import count_text, size_text
from slipway.scripts.report import Report
from slipway.scripts.stages.freeze.learned import toml_lines
from slipway.scripts.stages.freeze.smoke_test import Smoke

__all__ = ["leave", "show_added", "warn_of_losses"]

#: Words that a warning names.
_MOST_WORDS = 6


def show_added(added: Sequence[tuple[str, str, str]], source: Path, report: Report) -> list[str]:
    """Print, and return, the lines of pipeline.toml that make permanent what was added.

    Args:
        added: Key, value and reason of each.
        source: The project; paths in it are written relative to it.
        report: Receives the lines.
    """
    if not added:
        return []
    inside = f"{source}/"
    shown = [(key, value.removeprefix(inside), why) for key, value, why in added]
    # A file of an installed package has another path on each machine: its package is named.
    shown = [
        ("packages", value.rpartition(":")[2].split("/")[1], why)
        if key == "include-files" and Path(value).is_absolute()
        else (key, value, why)
        for key, value, why in shown
    ]
    report.log("added by themselves; to make it permanent, write into the stage:\n")
    lines = toml_lines(dict.fromkeys(shown))
    for line in lines:
        report.log(f"    {line}\n")
    return lines


def leave(job: Job, facts: dict[str, Any], started: Sequence[Smoke], report: Report) -> None:
    """Leave the description, and report the summary."""
    smoked = [
        {
            "program": one.program,
            "arguments": list(one.arguments),
            "seconds": round(one.seconds, 3),
            "output": one.output,
        }
        for one in started
    ]
    described = Path(job.output) / "freeze.json"
    text = json.dumps(facts | {"smoke": smoked}, indent=1, ensure_ascii=False)
    described.write_text(text + "\n", "utf-8")
    report.artefact(described, role="report")
    fastest = min((one.seconds for one in started), default=None)
    starts = f", starts in {fastest:.2f}s" if fastest is not None else ", not started"
    name = Path(facts["executable"]).name
    size = f"{size_text(facts['size'])} in {count_text(facts['files'], 'file')}"
    keys = ("executable", "platform", "files", "size", "python", "cx_freeze", "packages", "room")
    report.summary(
        f"{name} frozen: {size}{starts}",
        **{key: facts[key] for key in keys},
        smoke_seconds=round(fastest, 3) if fastest is not None else None,
    )


def warn_of_losses(started: Sequence[Smoke], report: Report) -> None:
    """Warn of programs that say less than unfrozen: a part may be missing, and nothing failed."""
    for one in started:
        if one.lost:
            command = " ".join([one.program, *one.arguments])
            more = ", ..." if len(one.lost) > _MOST_WORDS else ""
            text = (
                f"`{command}` says less than unfrozen: {', '.join(one.lost[:_MOST_WORDS])}{more}; "
                "what it loads by name may be missing: name it in includes or packages, or have "
                "smoke start what uses it"
            )
            report.notice(text, level="warning")
