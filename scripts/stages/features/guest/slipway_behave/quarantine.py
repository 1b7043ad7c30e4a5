"""Quarantine scenarios: until a date their failures are reported but do not fail the run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from .errors import WrongInput

__all__ = ["Quarantine"]


class Quarantine:
    """The rules of one run: `@quarantine` always, `@quarantine.until:2026-12-31` until that day."""

    def __init__(self, rules: Mapping[str, str]) -> None:
        """Read the rules: `tag` (default "quarantine") and `today` (default: the current date)."""
        self.tag = rules.get("tag") or "quarantine"
        today = rules.get("today")
        self.today = _day(today) if today else dt.datetime.now().astimezone().date()

    def judge(self, tags: Iterable[str], file: str, line: int) -> tuple[bool, str]:
        """Return True if a scenario is in quarantine, and a notice if its date has passed.

        Raises:
            WrongInput: A tag's date is invalid.
        """
        notice = ""
        for tag in sorted(str(one) for one in tags):
            if tag == self.tag:
                return True, ""
            if not tag.startswith(f"{self.tag}.until:"):
                continue
            until = _day(tag.partition(":")[2])
            if until is None:
                text = f"{file}:{line}: @{tag} has no date; write @{self.tag}.until:2026-12-31"
                raise WrongInput(text, "quarantine", file, line)
            if self.today is None or self.today <= until:
                return True, ""
            notice = f"{file}:{line}: the quarantine ended on {until}; the scenario counts again"
        return False, notice


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
