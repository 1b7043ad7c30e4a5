"""Read the journal that our plugins keep inside a test runner."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from slipway.model.protocol.event import TestResult
from slipway.scripts.stages.tests.junit import collect

__all__ = ["Journal", "read_journal"]

#: Bytes read of a journal, and of one line: the tested program may have written into it.
_LARGEST = 400_000_000
_LONGEST_LINE = 1_000_000
_KINDS = ("failure", "error", "skipped")
_TEXT = 2_000


@dataclass
class Journal:
    """What a runner has told while it ran."""

    found: int = 0
    """Tests found."""
    collected: int = 0
    """Tests that were to run: without those that something took out."""
    finished: int = 0
    """Tests that are over."""
    stopped: str = ""
    """What stopped the run before its end."""
    code: int | None = None
    """The exit code that the runner had in mind. None: it never came to its end."""
    running: list[str] = field(default_factory=list)
    """Names of the tests that began and did not end."""
    results: list[TestResult] = field(default_factory=list)
    """Results of the tests that ended, and an error for each that was running."""


def read_journal(
    path: Path, suite: str, source: Path, mask: Callable[[str], str], ending: str
) -> Journal:
    """Read a journal; lines that no plugin of ours can have written are passed over.

    Args:
        path: The file. Without one the journal is empty.
        suite: The name of the results' suite.
        source: The project.
        mask: Masks secrets in messages.
        ending: How the runner ended, for the result of a test that was running.
    """
    journal = Journal()
    open_: dict[str, ET.Element] = {}
    cases: list[ET.Element] = []
    over: set[str] = set()
    for line in _lines(path):
        if isinstance(began := line.get("began"), dict):
            case = _case(began)
            open_[case.get("id", "")] = case
        elif isinstance(ended := line.get("ended"), dict):
            cases.append(_reported(_case(ended), line))
        elif isinstance(line.get("finished"), str):
            open_.pop(line["finished"], None)
            over.add(line["finished"])
        elif _is_number(line.get("collected")):
            # Each of several processes tells of the same tests.
            journal.collected = max(journal.collected, line["collected"])
            journal.found = max(journal.found, _number(line.get("found")))
        elif isinstance(line.get("stopped"), str):
            journal.stopped = journal.stopped or mask(line["stopped"][:_TEXT])
        elif _is_number(line.get("code")):
            journal.code = line["code"]
    for case in open_.values():
        ET.SubElement(case, "error", message=f"{suite} {ending} while this test ran")
    last = list(open_.values())
    journal.finished = len(over)
    journal.results = collect([*cases, *last], suite, source, mask)
    journal.running = [one.name for one in collect(last, suite, source, mask)]
    return journal


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    read = 0
    with path.open("rb") as stream:
        while read < _LARGEST and (text := stream.readline(_LONGEST_LINE)):
            read += len(text)
            try:
                line = json.loads(text)
            except (ValueError, RecursionError):
                # Cut off by the end of the process, or written by another.
                continue
            if isinstance(line, dict):
                yield line


def _case(given: dict[str, Any]) -> ET.Element:
    return ET.Element("testcase", {str(key): str(value) for key, value in given.items()})


def _reported(case: ET.Element, line: dict[str, Any]) -> ET.Element:
    kind, text = line.get("kind"), str(line.get("text", ""))
    if kind in _KINDS:
        ET.SubElement(case, kind, message=text if kind == "skipped" else "").text = text
    elif kind is not None:
        ET.SubElement(case, "error", message="a report of no known kind").text = text
    return case


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31


def _number(value: object) -> int:
    return value if isinstance(value, int) and _is_number(value) else 0
