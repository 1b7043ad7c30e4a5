"""Failures as HTML inside Buildbot's page.

Buildbot puts an HTML log into its own page as it is, where a script would act for whoever is signed
in. So every text is escaped, pictures are data and must be what they say, and there is no script.
A log splits lines at 4,096 characters: each line here is shorter.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from html import escape

from slipway.model.protocol.event import MOST_SHOWN, Evidence, Picture, TestResult

_MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")
#: Characters of a text that are shown; of a longer one the end, of a page the beginning.
_LONGEST = 60_000
#: Escaped, a character becomes six at most.
_LINE = 600
_BASE64_LINE = 3_000
_KINDS = {
    "failed": "#c1272d",
    "error": "#c1272d",
    "flaky": "#a04f00",
    "quarantined": "#7a3fb0",
}

HEAD = """<style>
.slw { border: 1px solid #dfe3e8; border-left: 4px solid #5b6570; border-radius: 8px;
  margin: 0 0 1rem; padding: .75rem 1rem; background: #fff; color: #1b2027; }
.slw * { box-sizing: border-box; }
.slw h4 { margin: 0; font-size: 1.05rem; font-weight: 600; overflow-wrap: anywhere; }
.slw b.slw-kind { font-size: .8rem; border: 1px solid; border-radius: 99px; padding: 0 .5rem;
  margin-right: .5rem; vertical-align: .1em; }
.slw p { margin: .2rem 0 .5rem; color: #56606c; font-size: .9rem; overflow-wrap: anywhere; }
.slw p.slw-step { color: #1b2027; font-weight: 600; margin-top: .5rem; }
.slw pre { margin: .35rem 0 .6rem; padding: .6rem .8rem; background: #f0f2f5; color: #1b2027;
  border-radius: 6px; white-space: pre-wrap; overflow: auto; overflow-wrap: anywhere;
  max-height: 30rem; font-size: .85rem; }
.slw pre.slw-why { border-left: 3px solid #c1272d; }
.slw summary { cursor: pointer; color: #0b62c4; overflow-wrap: anywhere; }
.slw-film { display: flex; gap: .6rem; overflow-x: auto; padding: 2px 2px .5rem; }
.slw-shot { flex: none; width: min(32rem, 100%); }
.slw-film:has(.slw-shot + .slw-shot) .slw-shot { width: 13rem; }
.slw-shot summary { list-style: none; cursor: zoom-in; color: #56606c; font-size: .8rem; }
.slw-shot summary::-webkit-details-marker { display: none; }
.slw-shot img { display: block; width: 100%; height: auto; border: 1px solid #dfe3e8;
  border-radius: 6px; background: #fff; }
.slw-shot[open] summary { position: fixed; inset: 0; z-index: 2000; overflow: auto; padding: 1rem;
  background: #000c; color: #fff; cursor: zoom-out; text-align: center; }
.slw-shot[open] img { width: auto; max-width: 100%; margin: auto; }
</style>
"""


@dataclass(frozen=True)
class Shown:
    """A piece of evidence with its bytes, or why there are none."""

    told: Evidence
    data: bytes = b""
    problem: str = ""


def failure(test: TestResult | None, evidence: list[Shown]) -> str:
    """Return a failure with its evidence; whole lines.

    Args:
        test: What failed; None: the evidence belongs to no test.
        evidence: What there is to see of it.
    """
    pictures = "".join(_picture(one) for one in evidence if isinstance(one.told, Picture))
    texts = "".join(_text(one) for one in evidence if not isinstance(one.told, Picture))
    film = f'<div class="slw-film">\n{pictures}</div>\n' if pictures else ""
    head = "" if test is None else _head(test)
    colour = "#5b6570" if test is None else _KINDS.get(test.status, "#5b6570")
    style = f' style="border-left-color: {colour}"'
    return f'<div class="slw"{style}>\n{head}{film}{texts}</div>\n'


def remark(sentence: str) -> str:
    """Return a sentence that stands by itself."""
    return f'<div class="slw"><p>\n{_lines(sentence)}\n</p></div>\n'


def more(number: int) -> str:
    """Return the sentence that says how many failures are not shown."""
    what = "failure is" if number == 1 else "failures are"
    return (
        f"{number} more {what} not shown here: this page shows the first {MOST_SHOWN}. "
        "The stage's report has all of them."
    )


def _head(test: TestResult) -> str:
    colour = _KINDS.get(test.status, "#5b6570")
    place = f"{test.place}, " if test.file else ""
    tries = f", attempt {test.attempt}" if test.attempt > 1 else ""
    step = f'<p class="slw-step">\n{_lines(test.step)}\n</p>\n' if test.step else ""
    why = f'<pre class="slw-why">\n{_lines(test.message)}\n</pre>\n' if test.message else ""
    return (
        f'<h4><b class="slw-kind" style="color: {colour}">{e(test.status)}</b>\n'
        f"{_lines(test.name)}\n</h4>\n"
        f"<p>\n{_lines(f'{test.suite}, {place}{test.seconds:.2f} s{tries}')}\n</p>\n{step}{why}"
    )


def _picture(one: Shown) -> str:
    title = one.told.title or _file(one.told)
    kind = next((kind for magic, kind in _MAGIC.items() if one.data.startswith(magic)), None)
    if one.problem or kind is None:
        return f"<p>\n{_lines(f'{title} {one.problem or _no_picture(one.told)}')}\n</p>\n"
    text = base64.b64encode(one.data).decode("ascii")
    data = "\n".join(text[at : at + _BASE64_LINE] for at in range(0, len(text), _BASE64_LINE))
    return (
        f'<details class="slw-shot"><summary title="enlarge or shrink">\n'
        f'<img alt="{e(title[:_LINE])}" src="data:{kind};base64,\n{data}">\n'
        f"{_lines(title)}\n</summary></details>\n"
    )


def _no_picture(told: Evidence) -> str:
    return f"({told.media_type}) is no PNG or JPEG picture and cannot be shown"


def _text(one: Shown) -> str:
    title = one.told.title or _file(one.told)
    if one.problem:
        return f"<p>\n{_lines(f'{title} {one.problem}')}\n</p>\n"
    text = one.data.decode("utf-8-sig", errors="replace")
    return (
        f"<details><summary>\n{_lines(f'{title} ({len(one.data):,} bytes)')}\n</summary>"
        f"<pre>\n{_lines(_cut(text, page='html' in one.told.media_type))}\n</pre></details>\n"
    )


def _cut(text: str, *, page: bool) -> str:
    if len(text) <= _LONGEST:
        return text
    if page:
        return f"{text[:_LONGEST]}\n[the rest is left out]"
    return f"[the beginning is left out]\n{text[-_LONGEST:]}"


def _file(told: Evidence) -> str:
    return re.split(r"[\\/]", told.path)[-1]


def _lines(text: str) -> str:
    """Return a text escaped, in lines that Buildbot does not split."""
    plain = _ANSI.sub("", text).expandtabs(4)
    return "\n".join(
        e(line[at : at + _LINE])
        for line in plain.splitlines() or [""]
        for at in range(0, max(1, len(line)), _LINE)
    )


def e(text: str) -> str:
    """Return a text as it may stand in HTML, also inside an attribute."""
    return escape("".join(sign if sign.isprintable() else " " for sign in text))
