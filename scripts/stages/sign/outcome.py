"""Leave what was signed, and say by whom, with what and when."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from slipway.model.protocol.job import Job
from slipway.scripts.authenticode.credentials import Credentials
from slipway.scripts.humanize import count_text
from slipway.scripts.report import Report

__all__ = ["REPORT", "Signed", "leave"]

REPORT = "sign.json"
#: Events are limited in size; the report names all.
_NAMED = 20


@dataclass(frozen=True)
class Signed:
    """One file that was signed."""

    artefact: str
    name: str
    """Its path in the frozen tree, or the artefact's own name."""
    timestamp: datetime | None


def leave(
    job: Job,
    files: Sequence[Path],
    signed: Sequence[Signed],
    kept: Mapping[str, str],
    credentials: Credentials,
    report: Report,
) -> None:
    """Leave all artefacts, the report, and the summary.

    Args:
        job: The stage.
        files: What to leave, in the stage's working folder.
        signed: The files that were signed.
        kept: Who had signed the files that were left as they were, by name.
        credentials: What they were signed with.
        report: Receives it.
    """
    output = Path(job.output)
    for file in files:
        report.artefact(file.replace(output / file.name))
    stamps = [one.timestamp for one in signed if one.timestamp]
    facts = {
        "subject": credentials.subject,
        "issuer": credentials.issuer,
        "not_after": credentials.not_after.isoformat(),
        "thumbprint": credentials.thumbprint,
        "timestamp": max(stamps).isoformat() if stamps else None,
    }
    described = [
        {
            "artefact": one.artefact,
            "file": one.name,
            "timestamp": one.timestamp.isoformat() if one.timestamp else None,
        }
        for one in signed
    ]
    made = output / REPORT
    whole = {**facts, "signed": described, "kept": dict(kept)}
    made.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", "utf-8")
    report.artefact(made, role="report")
    names = [one.name for one in signed]
    others = f", {count_text(len(kept), 'file')} signed by others" if kept else ""
    report.summary(
        f"{count_text(len(signed), 'file')} signed by {credentials.subject}{others}",
        **facts,
        files=len(signed),
        kept=len(kept),
        names=names[:_NAMED],
    )
