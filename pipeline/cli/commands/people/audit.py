"""`slipway audit`."""

from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from slipway.cli.lib.ledger_listing import ledger_of, moment, show
from slipway.cli.lib.terminal import terminal
from slipway.cli.remote import lists as remote
from slipway.ledger.audit.chain import GENESIS
from slipway.ledger.audit.queries import list_audit, verify
from slipway.model.errors import PASSED, StageFailed, WrongInput
from slipway.model.records.audit import AuditEntry, Verdict
from slipway.model.records.audit_csv import as_csv
from slipway.scripts.releases import manifest
from slipway.scripts.releases.verify import find_release
from slipway.scripts.terminal_text import escape

__all__ = ["run"]

_HASH = re.compile(r"[0-9a-f]{64}")
_NOTHING = "the audit trail is empty; start the site: slipway up"

#: Maximum length of changes in the table; JSON and CSV have them whole.
_LONGEST = 80


def run(options: argparse.Namespace) -> int:
    """List the audit trail, newest first, or verify that it is complete."""
    since = _since(options.since)
    anchors = dict(_anchor(one) for one in options.anchor)
    if options.verify or anchors:
        verdict = _verdict(options, anchors)
        return _print_verdict(verdict, as_json=options.json) if verdict else _empty()
    elsewhere = remote.elsewhere(options)
    found = remote.list_audit(options, since) if elsewhere else _here(options, since)
    if options.csv:
        sys.stdout.write(as_csv(found))
        return PASSED
    return show(found, _table(found), as_json=options.json, nothing=_nothing(options))


def _here(options: argparse.Namespace, since: float | None) -> list[AuditEntry]:
    _, ledger = ledger_of(options)
    if ledger is None:
        return []
    asked = {"project": options.project, "actor": options.actor, "limit": options.limit}
    return list_audit(ledger, since=since, **asked)


def _empty() -> int:
    terminal().print(_NOTHING)
    return PASSED


def _nothing(options: argparse.Namespace) -> str:
    narrowed = options.project or options.actor or options.since
    return "nothing in the audit trail is like that" if narrowed else _NOTHING


def _table(found: list[AuditEntry]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("row", "when", "who", "project", "what", "of"):
        table.add_column(title, no_wrap=True)
    table.add_column("values", no_wrap=True, overflow="ignore")
    for one in found:
        cells = (one.actor, one.project, one.action, one.summary, _values(one))
        table.add_row(str(one.id), moment(one.at), *(escape(cell) for cell in cells))
    return table


def _values(row: AuditEntry) -> str:
    """Format the changes of a row; for a new or deleted row its summary is enough."""
    if row.action != "update":
        return "" if row.action in {"insert", "delete"} else _pairs(row.new or {})
    old = row.old or {}
    return _pairs({name: f"{old.get(name)} → {new}" for name, new in (row.new or {}).items()})


def _pairs(values: dict[str, Any]) -> str:
    text = ", ".join(f"{name}: {value}" for name, value in values.items())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _since(text: str | None) -> float | None:
    """Parse a date, or a date and time, in this machine's time zone."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        msg = f'--since "{text}" is no date; write 2026-11-20, or 2026-11-20T14:30'
        raise WrongInput(msg) from None


def _anchor(text: str) -> tuple[str, str]:
    """Return an anchor's hash and the name of its source.

    Raises:
        WrongInput: It is neither a hash nor a release with an anchor.
    """
    if _HASH.fullmatch(text.lower()):
        return text.lower(), "--anchor"
    folder = find_release(Path(text))
    if folder is None:
        msg = f'--anchor "{text}" is neither a hash of 64 hexadecimal digits nor a release'
        raise WrongInput(f"{msg}; give a release's folder or its release.json")
    found = manifest.read(folder / manifest.MANIFEST)
    if not found.audit_head:
        msg = f"{folder / manifest.MANIFEST} has no audit_head: it was made without a master"
        raise WrongInput(f"{msg}, or by an older Slipway; give another release")
    return found.audit_head, f"release {found.project} {found.version}"


def _verdict(options: argparse.Namespace, anchors: dict[str, str]) -> Verdict | None:
    """Verify the audit trail; None if there is none."""
    if remote.elsewhere(options):
        return remote.verify_audit(options, anchors)
    _, ledger = ledger_of(options)
    if ledger is None:
        return _no_ledger(anchors) if anchors else None
    return verify(ledger, anchors)


def _print_verdict(verdict: Verdict, *, as_json: bool) -> int:
    console = terminal(soft_wrap=True)
    if as_json:
        console.print(json.dumps(verdict.model_dump(), indent=2), markup=False)
    elif verdict.problem:
        console.print(f"[bold red]✗[/] {escape(verdict.problem)}", highlight=False)
    else:
        many = "" if verdict.anchors == 1 else "s"
        anchors = (
            f"{verdict.anchors} anchor{many} found" if verdict.anchors else "no anchor to find"
        )
        rows = f"{verdict.rows:,} row{'' if verdict.rows == 1 else 's'}"
        sentence = f"the audit trail is whole: {rows}, {anchors}, head {verdict.head}"
        console.print(f"[bold green]✓[/] {sentence}", highlight=False)
    return StageFailed.exit_code if verdict.problem else PASSED


def _no_ledger(anchors: dict[str, str]) -> Verdict:
    anchor, holder = next(iter(anchors.items()))
    problem = f"there is no ledger, but {holder} saw one: {anchor}"
    return Verdict(rows=0, head=GENESIS, anchors=0, problem=problem)
