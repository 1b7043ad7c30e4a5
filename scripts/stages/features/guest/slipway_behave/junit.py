"""Write a feature's JUnit XML, with flaky scenarios in the form of Maven's Surefire."""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree as ET

from .evidence import slug
from .verdicts import HookError, Verdict

__all__ = ["clean", "write"]

# Characters that are invalid in XML 1.0; a step may print any.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(
    folder: str, file: str, name: str, verdicts: list[Verdict], hooks: list[HookError]
) -> Path:
    """Write a feature's results.

    Args:
        folder: The target folder; created if missing.
        file: The feature's file.
        name: The feature's name.
        verdicts: The verdicts on its scenarios.
        hooks: Errors of the feature's own hooks, outside any scenario.

    Returns:
        The file.
    """
    suite = ET.Element("testsuite", name=clean(name or file), file=clean(file))
    stem = clean(re.sub(r"\.feature$", "", file).replace("/", "."))
    for verdict in verdicts:
        suite.append(_case(verdict, f"{stem}.{clean(name)}"))
    for hook in hooks:
        case = ET.SubElement(suite, "testcase", classname=stem, name=hook.hook, time="0")
        _problem(case, "error", hook.sentence, hook.details)
    for attribute, tag in (("errors", "error"), ("failures", "failure"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in suite)))
    suite.set("tests", str(len(suite)))
    suite.set("time", f"{sum(one.seconds for one in verdicts):.6f}")
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"TESTS-{slug(stem, 150)}.xml"
    fresh = path.with_suffix(f".{os.getpid()}")
    ET.ElementTree(suite).write(fresh, encoding="utf-8", xml_declaration=True)
    fresh.replace(path)
    return path


def _case(verdict: Verdict, classname: str) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=classname,
        name=clean(verdict.name),
        time=f"{verdict.seconds:.6f}",
        file=clean(verdict.file),
        line=str(verdict.line),
        status=verdict.status,
    )
    if len(verdict.attempts) > 1:
        properties = ET.SubElement(case, "properties")
        ET.SubElement(properties, "property", name="attempts", value=str(len(verdict.attempts)))
    last = verdict.last()
    details = last.details if last else ""
    if verdict.status in {"failed", "error"}:
        kind = "failure" if verdict.status == "failed" else "error"
        _problem(case, kind, verdict.message, details)
    elif verdict.status in {"skipped", "untested", "quarantined"}:
        reason = f"quarantined: {verdict.message}" if _quarantined(verdict) else verdict.message
        ET.SubElement(case, "skipped", message=clean(reason))
    _attempts(case, verdict)
    output = [one.output for one in verdict.attempts if one.output]
    kept = [f"[[ATTACHMENT|{it['path']}]]" for one in verdict.attempts for it in one.evidence]
    if output or kept:
        ET.SubElement(case, "system-out").text = clean("\n".join([*output, *kept]))
    return case


def _attempts(case: ET.Element, verdict: Verdict) -> None:
    """Add the attempts before the last in Surefire's form: flaky or rerun failures and errors."""
    prefix = "flaky" if verdict.status == "flaky" else "rerun"
    for attempt in verdict.attempts[:-1]:
        kind = "Failure" if attempt.status == "failed" else "Error"
        child = ET.SubElement(case, f"{prefix}{kind}", message=clean(attempt.message), type="")
        ET.SubElement(child, "stackTrace").text = clean(attempt.details)


def _quarantined(verdict: Verdict) -> bool:
    return verdict.status == "quarantined"


def _problem(case: ET.Element, kind: str, message: str, text: str) -> None:
    child = ET.SubElement(case, kind, message=clean(message))
    child.text = clean(text)


def clean(text: object) -> str:
    """Replace the characters that are invalid in XML."""
    return _ILLEGAL.sub("?", str(text))
