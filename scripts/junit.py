"""Test results in one form, whoever wrote them: pytest, nose2, or our unittest guest.

Cases are counted one by one: the totals in a JUnit file's attributes are wrong in several dialects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from slipway.model.errors import StageFailed
from slipway.model.event import Status, TestResult

_WORST: dict[Status, int] = {"passed": 0, "skipped": 1, "failed": 2, "error": 3}
_STATUS: dict[str, Status] = {"failure": "failed", "error": "error", "skipped": "skipped"}
#: A traceback's last words: "AssertionError: 1 != 2", "app.errors.NoSuchDay: 30 February".
_RAISED = re.compile(r"^(?:E\s+)?((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?::.*)?)$", re.MULTILINE)
_EMPTY = ("test failure", "test error", "collection failure", "", "failed on setup")
_SHORT = 300


def read(path: Path, suite: str, source: Path) -> list[TestResult]:
    """Read a JUnit file.

    Args:
        path: The file.
        suite: What the results' suite is called.
        source: The project, to find test files by their modules' names.

    Raises:
        StageFailed: It is no XML.
    """
    try:
        tree = ET.parse(path)  # noqa: S314  our own guest wrote it; expat stops entity bombs
    except ET.ParseError as error:
        msg = f"{suite}: its results in {path.name} cannot be read: {error}"
        raise StageFailed(msg) from None
    found: dict[str, TestResult] = {}
    for case in tree.iter("testcase"):
        result = _result(case, suite, source)
        earlier = found.get(result.name)
        found[result.name] = merge(earlier, result) if earlier else result
    return list(found.values())


def merge(one: TestResult, other: TestResult) -> TestResult:
    """Join two reports on one case, such as a failure and an error while tidying up after it."""
    worse, better = (other, one) if _WORST[other.status] > _WORST[one.status] else (one, other)
    said = dict.fromkeys(text for text in (worse.message, better.message) if text)
    return worse.model_copy(
        update={"message": "\n".join(said), "seconds": one.seconds + other.seconds}
    )


def short(message: str, limit: int = _SHORT) -> str:
    """Return a message's first line, which says what went wrong."""
    line = message.strip().split("\n", 1)[0].strip()
    return line if len(line) <= limit else line[: limit - 3] + "..."


def _result(case: ET.Element, suite: str, source: Path) -> TestResult:
    module, name = case.get("classname", ""), case.get("name", "")
    # nose2 has such a class for a module that could not be imported.
    module = re.sub(r"^nose2\.loader\.\w+\.?", "", module)
    file = case.get("file") or _inside(case.get("path"), source) or _file_of(module or name, source)
    status, message = _outcome(case)
    return TestResult(
        suite=suite,
        name=_name(module, name, case.get("file")),
        status=status,
        seconds=_number(case.get("time")),
        file=file,
        line=_line(case, file, message),
        message=message,
    )


def _outcome(case: ET.Element) -> tuple[Status, str]:
    """Return the worst thing a case says of itself; a case may say several."""
    status: Status = "passed"
    said: list[str] = []
    for child in case:
        told = _STATUS.get(child.tag)
        if told is None:
            continue
        text = _message(child)
        if told == "skipped" and "unexpected" in (child.get("message") or ""):
            # nose2 writes an unexpected success as skipped, though its own exit code is 1.
            told = "failed"
        if _WORST[told] >= _WORST[status]:
            status = told
        said.append(text)
    return status, "\n".join(said)


def _message(child: ET.Element) -> str:
    """Return what happened, first in one line and then at length."""
    told, text = (child.get("message") or "").strip(), (child.text or "").strip()
    if child.get("type") == "pytest.xfail" and not told:
        told = "expected failure"
    if told.lower() in _EMPTY or told.startswith("failed on "):
        raised = _RAISED.findall(text)
        first = raised[-1] if raised else told or text.rsplit("\n", 1)[-1]
    else:
        first = told
    if not text or text == first:
        return first
    # pytest's skips say the place and the reason again.
    return first if child.tag == "skipped" else f"{first}\n{text}"


def _name(module: str, name: str, file: str | None) -> str:
    """Return a case's name as its runner's own command line takes it."""
    if file is None:
        return ".".join(part for part in (module, name) if part)
    stem = Path(file).with_suffix("").as_posix().replace("/", ".")
    if name == stem:
        return file
    inner = module.removeprefix(stem).strip(".") if module.startswith(stem) else ""
    return "::".join(part for part in (file, *inner.split("."), name) if part)


def _inside(path: str | None, source: Path) -> str | None:
    if path is None or not Path(path).is_relative_to(source.resolve()):
        return None
    return Path(path).relative_to(source.resolve()).as_posix()


def _file_of(module: str, source: Path) -> str | None:
    for place in _places(module):
        if (source / place).is_file():
            return place
    return None


def _places(module: str) -> Iterator[str]:
    # "setUpClass (tests.test_x.Case" is what nose2 calls the class of a failed fixture.
    parts = re.findall(r"[A-Za-z_]\w*", module.rpartition("(")[2])
    for root in ("", "src/", "tests/"):
        for end in range(len(parts), 0, -1):
            yield f"{root}{'/'.join(parts[:end])}.py"


def _line(case: ET.Element, file: str | None, message: str) -> int | None:
    """Return the line of the test, or else the one its traceback names."""
    told = case.get("line")
    if told is not None and told.isdigit():
        # pytest counts from 0, as the attribute's only writer besides us.
        return int(told) + 1
    if file is None:
        return None
    frames = re.findall(rf"{re.escape(Path(file).name)}\"?(?:, line |:)(\d+)", message)
    return int(frames[-1]) if frames else None


def _number(text: str | None) -> float:
    try:
        return max(0.0, float((text or "0").replace(",", "")))
    except ValueError:
        return 0.0
