"""Format entries of the audit trail as CSV, for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from slipway.model.records.audit import AuditEntry

__all__ = ["as_csv"]

_NAMES = tuple(AuditEntry.model_fields)
#: Characters at the start of a cell that a spreadsheet takes for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(entries: Iterable[AuditEntry]) -> str:
    """Return entries as CSV, with a heading; cells that look like formulas begin with "'"."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_NAMES)
    for one in entries:
        writer.writerow(_cell(getattr(one, name)) for name in _NAMES)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
