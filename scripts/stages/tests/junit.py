"""Parse JUnit files of pytest, nose2 and our unittest guest into common results.

Cases are counted one by one, because the totals in a JUnit file's attributes are wrong in several
dialects.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from slipway.model.errors import StageFailed
from slipway.model.protocol.bounded_text import Messages
from slipway.model.protocol.event import Status, TestResult

__all__ = ["collect", "merge", "read", "short"]

_WORST: dict[Status, int] = {"passed": 0, "skipped": 1, "failed": 2, "error": 3}
_STATUS: dict[str, Status] = {"failure": "failed", "error": "error", "skipped": "skipped"}
#: The last line of a traceback: "AssertionError: 1 != 2", "app.errors.NoSuchDay: 30 February".
_RAISED = re.compile(r"(?:E\s+)?((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?::.*)?)")
_EMPTY = ("test failure", "test error", "collection failure", "", "failed on setup")
_SHORT = 300
#: A line number within the limits of an event; the tested program may have written the file.
_LINE = re.compile(r"[0-9]{1,9}")
_LONGEST = 1e9
#: Largest number of components of a module's name tried as folders and a file.
_DEEPEST = 30
#: Characters kept of one message, and of all together; the file itself holds them all.
_EACH = 100_000
_TOGETHER = 30_000_000


def read(
    path: Path, suite: str, source: Path, mask: Callable[[str], str] = str
) -> list[TestResult]:
    """Read a JUnit file.

    Args:
        path: The file.
        suite: The name of the results' suite.
        source: The project, to find test files by their modules' names.
        mask: Masks secrets in a message, before it is truncated.

    Raises:
        StageFailed: It is not valid XML, or no test runner can have written it.
    """
    try:
        return collect(_cases(path), suite, source, mask)
    # The tested program may have written the file, in any encoding, with any names.
    except (ET.ParseError, ValueError, LookupError, OSError) as error:
        msg = f"{suite}: its results in {path.name} cannot be read: {error}"
        raise StageFailed(msg) from None


def collect(
    cases: Iterable[ET.Element], suite: str, source: Path, mask: Callable[[str], str] = str
) -> list[TestResult]:
    """Return the results of cases; several reports on one test are merged.

    Two files may hold tests of one name: the later ones get their file's name before their own.

    Args:
        cases: Elements `testcase`.
        suite: The name of the results' suite.
        source: The project, to find test files by their modules' names.
        mask: Masks secrets in a message, before it is truncated.
    """
    found: dict[str, TestResult] = {}
    messages, files = Messages(_EACH, _TOGETHER), _Files(source)
    for case in cases:
        if not (case.get("name") or case.get("classname") or len(case)):
            # pytest-xdist writes one where a test is tried again after a crash.
            continue
        result = messages.bound(_result(case, suite, files, mask))
        earlier = found.get(result.name)
        if earlier and result.file and earlier.file and result.file != earlier.file:
            result = result.model_copy(update={"name": f"{result.file}: {result.name}"})
            earlier = found.get(result.name)
        found[result.name] = merge(earlier, result) if earlier else result
    return list(found.values())


def _cases(path: Path) -> Iterator[ET.Element]:
    """Yield a file's cases, and free each before the next: there may be 100,000."""
    # Our own guest wrote it; expat limits entity expansion.
    events = ET.iterparse(path, events=("start", "end"))  # noqa: S314
    _, root = next(events)
    open_: list[ET.Element] = []
    for event, element in events:
        if event == "start":
            open_.append(element)
        else:
            if open_:
                open_.pop()
            if element.tag == "testcase":
                yield element
                (open_[-1] if open_ else root).remove(element)


def merge(one: TestResult, other: TestResult) -> TestResult:
    """Merge two reports on one case, such as a failure and an error in its teardown."""
    worse, better = (other, one) if _WORST[other.status] > _WORST[one.status] else (one, other)
    messages = dict.fromkeys(text for text in (worse.message, better.message) if text)
    return worse.model_copy(
        update={"message": "\n".join(messages), "seconds": one.seconds + other.seconds}
    )


def short(message: str, limit: int = _SHORT) -> str:
    """Return a message's first line, shortened."""
    line = message.strip().split("\n", 1)[0].strip()
    return line if len(line) <= limit else line[: limit - 3] + "..."


def _result(case: ET.Element, suite: str, files: _Files, mask: Callable[[str], str]) -> TestResult:
    module, name = case.get("classname", ""), case.get("name", "")
    # nose2 uses this class for a module that could not be imported.
    module = re.sub(r"^nose2\.loader\.\w+\.?", "", module)
    # pytest on Windows writes backslashes; a test has one name on all machines.
    written = Path(case.get("file", "")).as_posix() if case.get("file") else None
    if written is not None and not _is_of(module, written):
        # A method that a class inherits: pytest writes where it is written, not where it runs.
        written = files.of(module) or written
    file = written or files.inside(case.get("path")) or files.of(module or name)
    status, message = _outcome(case)
    message = mask(message)
    return TestResult(
        suite=suite,
        name=_name(module, name, written),
        status=status,
        seconds=_number(case.get("time")),
        file=file,
        line=_line(case, file, message),
        message=message,
    )


def _outcome(case: ET.Element) -> tuple[Status, str]:
    """Return the worst outcome of a case, which may have several, and its messages."""
    status: Status = "passed"
    messages: list[str] = []
    for child in case:
        outcome = _STATUS.get(child.tag)
        if outcome is None:
            continue
        text = _message(child)
        if outcome == "skipped" and child.get("message") == "test passes unexpectedly":
            # nose2 writes an unexpected success as skipped, though its own exit code is 1.
            outcome = "failed"
        if _WORST[outcome] >= _WORST[status]:
            status = outcome
        messages.append(text)
    return status, "\n".join(messages)


def _message(child: ET.Element) -> str:
    """Return a message whose first line is a summary, followed by the details."""
    summary, text = (child.get("message") or "").strip(), (child.text or "").strip()
    if child.get("type") == "pytest.xfail" and not summary:
        summary = "expected failure"
    if summary.lower() in _EMPTY or summary.startswith("failed on "):
        first = _raised(text) or summary or text.rsplit("\n", 1)[-1]
    else:
        first = summary
    if not text or text == first:
        return first
    # pytest's skips repeat the place and the reason.
    return first if child.tag == "skipped" else f"{first}\n{text}"


def _raised(text: str) -> str:
    """Return the last exception of a traceback, or an empty text."""
    for line in reversed(text.split("\n")):
        if not line.islower() and (found := _RAISED.fullmatch(line)):
            return found[1]
    return ""


def _name(module: str, name: str, file: str | None) -> str:
    """Return a case's name in the form of its runner's own command line."""
    if file is None:
        return ".".join(part for part in (module, name) if part)
    stem = _stem(file)
    if name == stem and not module:
        return file
    inner = module.removeprefix(stem).strip(".") if module.startswith(stem) else ""
    return "::".join(part for part in (file, *inner.split("."), name) if part)


def _stem(file: str) -> str:
    """Return a file's name as a module."""
    return Path(file).with_suffix("").as_posix().replace("/", ".")


def _is_of(module: str, file: str) -> bool:
    """Return True if a class or module is in a file, as far as their names tell."""
    return not module or f"{module}.".startswith(f"{_stem(file)}.")


class _Files:
    """The project's test files; each is searched once, not once for each test."""

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
    # nose2 names the class of a failed fixture "setUpClass (tests.test_x.Case".
    parts = re.findall(r"[A-Za-z_]\w*", module.rpartition("(")[2])[:_DEEPEST]
    for root in ("", "src/", "tests/"):
        for end in range(len(parts), 0, -1):
            yield f"{root}{'/'.join(parts[:end])}.py"


def _line(case: ET.Element, file: str | None, message: str) -> int | None:
    """Return the line of the test, or else the one that its traceback names."""
    written = case.get("line")
    if written is not None and _LINE.fullmatch(written):
        # pytest counts lines from 0; our guest, the only other writer, does the same.
        return int(written) + 1
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
