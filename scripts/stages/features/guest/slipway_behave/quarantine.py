"""Quarantine: scenarios whose failure is told, and does not fail the run, until a date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from .errors import WrongInput


class Quarantine:
    """The rules of one run: `@quarantine` always, `@quarantine.until:2026-12-31` to that day."""

    def __init__(self, rules: Mapping[str, str]) -> None:
        """Take rules: `tag` (instead of "quarantine") and `today` (instead of the clock's day)."""
        self.tag = rules.get("tag") or "quarantine"
        today = rules.get("today")
        self.today = _day(today) if today else dt.datetime.now().astimezone().date()

    def judge(self, tags: Iterable[str], file: str, line: int) -> tuple[bool, str]:
        """Return whether a scenario is in quarantine, and a notice where its date has passed.

        Raises:
            WrongInput: A tag's date is none.
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
