"""Render failures as HTML inside Buildbot's page.

Buildbot puts an HTML log into its own page unescaped, where a script would act with the rights of
the signed-in user. So every text is escaped, pictures are embedded after their type was verified,
and there is no script. A log splits lines at 4,096 characters: each line here is shorter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup

from slipway.html import pictures, terminal
from slipway.html.templates import Macros, macros
from slipway.model.protocol.event import MOST_SHOWN, Evidence, Picture, TestResult

__all__ = ["Shown", "failure", "head", "more", "remark"]

#: Maximum characters of a text: of a longer text the end is shown, of a page the beginning.
_LONGEST = 60_000
#: Maximum length of an escaped character.
_LINE = 600


@dataclass(frozen=True)
class Shown:
    """A piece of evidence with its bytes, or the reason why there are none."""

    evidence: Evidence
    data: bytes = b""
    problem: str = ""


def head() -> str:
    """Return the lines before the first failure of a log; whole lines."""
    return str(_macros().head())


def failure(test: TestResult | None, evidence: list[Shown]) -> str:
    """Return a failure with its evidence; whole lines.

    Args:
        test: The failed test; None: the evidence belongs to no test.
        evidence: The evidence of the failure.
    """
    shown = [_picture(one) for one in evidence if isinstance(one.evidence, Picture)]
    texts = [_text(one) for one in evidence if not isinstance(one.evidence, Picture)]
    about = ("", "", "", "") if test is None else _about(test)
    return str(_macros().failure(test, *about, shown, texts))


def remark(sentence: str) -> str:
    """Return a sentence as a paragraph of its own."""
    return str(_macros().remark(_lines(sentence)))


def more(number: int) -> str:
    """Return the sentence that says how many failures are not shown."""
    what = "failure is" if number == 1 else "failures are"
    return (
        f"{number} more {what} not shown here: this page shows the first {MOST_SHOWN}. "
        "The stage's report has all of them."
    )


def _macros() -> Macros:
    return macros("slipway.steps/failures.html.j2")


def _about(test: TestResult) -> tuple[Markup, Markup, Markup, Markup]:
    """Return a test's name, its location and duration, its step, and its failure."""
    place = f"{test.place}, " if test.file else ""
    tries = f", attempt {test.attempt}" if test.attempt > 1 else ""
    meta = f"{test.suite}, {place}{test.seconds:.2f} s{tries}"
    return _lines(test.name), _lines(meta), _lines(test.step), _lines(test.message)


def _picture(one: Shown) -> tuple[Markup, str, Markup | None, Markup]:
    """Return a picture's title, its alternative text, its data, and a problem."""
    title = one.evidence.title or _file(one.evidence)
    source = None if one.problem else pictures.source(one.data, in_lines=True)
    problem = "" if source else f"{title} {one.problem or _no_picture(one.evidence)}"
    return _lines(title), title[:_LINE], source, _lines(problem)


def _no_picture(evidence: Evidence) -> str:
    return f"({evidence.media_type}) is no PNG or JPEG picture and cannot be shown"


def _text(one: Shown) -> tuple[Markup, Markup, Markup]:
    """Return a text's title with its size, the text, and a problem."""
    title = one.evidence.title or _file(one.evidence)
    if one.problem:
        return Markup(), Markup(), _lines(f"{title} {one.problem}")
    text = one.data.decode("utf-8-sig", errors="replace")
    shown = _cut(text, page="html" in one.evidence.media_type)
    return _lines(f"{title} ({len(one.data):,} bytes)"), _lines(shown), Markup()


def _cut(text: str, *, page: bool) -> str:
    if len(text) <= _LONGEST:
        return text
    if page:
        return f"{text[:_LONGEST]}\n[the rest is left out]"
    return f"[the beginning is left out]\n{text[-_LONGEST:]}"


def _file(evidence: Evidence) -> str:
    return re.split(r"[\\/]", evidence.path)[-1]


def _lines(text: str) -> Markup:
    """Return a text escaped, in lines that Buildbot does not split."""
    return terminal.lines(text, width=_LINE)
