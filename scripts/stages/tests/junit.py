"""Test results in one form, whoever wrote them: pytest, nose2, or our unittest guest.

Cases are counted one by one: the totals in a JUnit file's attributes are wrong in several dialects.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from slipway.model.errors import StageFailed
from slipway.model.protocol.bounded_text import Messages
from slipway.model.protocol.event import Status, TestResult

_WORST: dict[Status, int] = {"passed": 0, "skipped": 1, "failed": 2, "error": 3}
_STATUS: dict[str, Status] = {"failure": "failed", "error": "error", "skipped": "skipped"}
#: A traceback's last words: "AssertionError: 1 != 2", "app.errors.NoSuchDay: 30 February".
_RAISED = re.compile(r"(?:E\s+)?((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?::.*)?)")
_EMPTY = ("test failure", "test error", "collection failure", "", "failed on setup")
_SHORT = 300
#: A line's number as an event may hold it; the file may come from the program itself.
_LINE = re.compile(r"[0-9]{1,9}")
_LONGEST = 1e9
#: Parts of a module's name that may be folders and a file.
_DEEPEST = 30
#: Characters of one message that are kept, and of all together; the file itself has them all.
_EACH = 100_000
_TOGETHER = 30_000_000


def read(
    path: Path, suite: str, source: Path, mask: Callable[[str], str] = str
) -> list[TestResult]:
    """Read a JUnit file.

    Args:
        path: The file.
        suite: What the results' suite is called.
        source: The project, to find test files by their modules' names.
        mask: Takes secrets out of a message, before it is cut.

    Raises:
        StageFailed: It is no XML, or no test could have left it.
    """
    found: dict[str, TestResult] = {}
    messages, files = Messages(_EACH, _TOGETHER), _Files(source)
    try:
        for case in _cases(path):
            result = messages.bound(_result(case, suite, files, mask))
            earlier = found.get(result.name)
            found[result.name] = merge(earlier, result) if earlier else result
    # The program itself may have written it, in any encoding, with any name.
    except (ET.ParseError, ValueError, LookupError, OSError) as error:
        msg = f"{suite}: its results in {path.name} cannot be read: {error}"
        raise StageFailed(msg) from None
    return list(found.values())


def _cases(path: Path) -> Iterator[ET.Element]:
    """Return a file's cases one by one, each forgotten before the next: there may be 100,000."""
    # Our own guest wrote it; expat stops entity bombs.
    walk = ET.iterparse(path, events=("start", "end"))  # noqa: S314
    _, root = next(walk)
    open_: list[ET.Element] = []
    for event, element in walk:
        if event == "start":
            open_.append(element)
        else:
            if open_:
                open_.pop()
            if element.tag == "testcase":
                yield element
                (open_[-1] if open_ else root).remove(element)


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


def _result(case: ET.Element, suite: str, files: _Files, mask: Callable[[str], str]) -> TestResult:
    module, name = case.get("classname", ""), case.get("name", "")
    # nose2 has such a class for a module that could not be imported.
    module = re.sub(r"^nose2\.loader\.\w+\.?", "", module)
    file = case.get("file") or files.inside(case.get("path")) or files.of(module or name)
    status, message = _outcome(case)
    message = mask(message)
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
        first = _raised(text) or told or text.rsplit("\n", 1)[-1]
    else:
        first = told
    if not text or text == first:
        return first
    # pytest's skips say the place and the reason again.
    return first if child.tag == "skipped" else f"{first}\n{text}"


def _raised(text: str) -> str:
    """Return what a traceback says was raised last."""
    for line in reversed(text.split("\n")):
        if not line.islower() and (found := _RAISED.fullmatch(line)):
            return found[1]
    return ""


def _name(module: str, name: str, file: str | None) -> str:
    """Return a case's name as its runner's own command line takes it."""
    if file is None:
        return ".".join(part for part in (module, name) if part)
    stem = Path(file).with_suffix("").as_posix().replace("/", ".")
    if name == stem:
        return file
    inner = module.removeprefix(stem).strip(".") if module.startswith(stem) else ""
    return "::".join(part for part in (file, *inner.split("."), name) if part)


class _Files:
    """The project's test files; each is looked for once, however many tests it has."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._root = source.resolve()
        self.inside = functools.cache(self._inside)
        self.of = functools.cache(self._of)

    def _inside(self, path: str | None) -> str | None:
        if path is None or not Path(path).is_relative_to(self._root):
            return None
        return Path(path).relative_to(self._root).as_posix()

    def _of(self, module: str) -> str | None:
        for place in _places(module):
            if (self._source / place).is_file():
                return place
        return None


def _places(module: str) -> Iterator[str]:
    # "setUpClass (tests.test_x.Case" is what nose2 calls the class of a failed fixture.
    parts = re.findall(r"[A-Za-z_]\w*", module.rpartition("(")[2])[:_DEEPEST]
    for root in ("", "src/", "tests/"):
        for end in range(len(parts), 0, -1):
            yield f"{root}{'/'.join(parts[:end])}.py"


def _line(case: ET.Element, file: str | None, message: str) -> int | None:
    """Return the line of the test, or else the one its traceback names."""
    told = case.get("line")
    if told is not None and _LINE.fullmatch(told):
        # pytest counts from 0, as the attribute's only writer besides us.
        return int(told) + 1
    if file is None:
        return None
    frames = re.findall(rf"{re.escape(Path(file).name)}\"?(?:, line |:)([0-9]{{1,9}})\b", message)
    return int(frames[-1]) if frames else None


def _number(text: str | None) -> float:
    try:
        seconds = float((text or "0").replace(",", ""))
    except ValueError:
        return 0.0
    return min(max(0.0, seconds), _LONGEST) if math.isfinite(seconds) else 0.0
