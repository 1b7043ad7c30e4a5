"""Run unittest inside the application's Python and write JUnit, with the standard library only.

Usage: python unittest_run.py RESULTS.xml [ARGUMENTS OF unittest...]

Works on Python 3.8 and newer. Without arguments it finds every folder with test*.py itself,
including folders that are not packages, which `python -m unittest` does not.
"""

# ruff: noqa: N802, D102, SLF001  unittest named these methods; it has no public attributes for this

from __future__ import annotations

import inspect
import os
import re
import sys
import time
import unittest
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

__all__ = [
    "BREAKS",
    "BUILT",
    "ILLEGAL",
    "ILLEGAL_ASCII",
    "JOURNAL",
    "SKIPPED",
    "SOURCES",
    "Given",
    "Result",
    "attributes_of",
    "chosen",
    "clean",
    "collect",
    "element",
    "forget",
    "main",
    "never_ran",
    "place",
    "reaches",
    "run",
    "source_of",
    "split",
    "starts",
    "write",
]

SKIPPED = {"__pycache__", "node_modules", "site-packages", "venv"}
# Folders of what is built, at the top alone.
BUILT = {"build", "dist"}
# Characters that are invalid in XML 1.0; a test may print any.
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ILLEGAL_ASCII = bytes(set(range(32)) - set(b"\t\n\r"))
# XML readers replace these in attributes by blanks.
BREAKS = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
# Whether a journal is to be kept; then its module is on the path.
JOURNAL = bool(os.environ.get("SLIPWAY_JOURNAL"))
# Cache: the source file by the file name of a code object.
SOURCES: dict[str, str | None] = {}


class Result(unittest.TextTestResult):
    """A test result that prints as unittest does, and collects the data for JUnit."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cases: list[str] = []
        self.began: dict[int, float] = {}
        # Without our plugins on the path nobody has asked for a journal.
        self.journal = import_module("slipway_journal").open_journal() if JOURNAL else None

    def startTest(self, test: Any) -> None:
        self.began[id(test)] = time.perf_counter()
        if self.journal is not None:
            self.journal.write(began=attributes_of(test))
        super().startTest(test)

    def stopTest(self, test: Any) -> None:
        super().stopTest(test)
        if self.journal is not None:
            self.journal.write(finished=str(test.id()))

    def addSuccess(self, test: Any) -> None:
        if never_ran(test):
            text = "an async test in a class that does not run it: derive from"
            error = TypeError(f"{text} unittest.IsolatedAsyncioTestCase")
            self.addError(test, (TypeError, error, None))
            return
        super().addSuccess(test)
        self.keep(test)

    def addFailure(self, test: Any, err: Any) -> None:
        super().addFailure(test, err)
        self.keep(test, "failure", self.failures[-1][1])

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)
        self.keep(test, "error", self.errors[-1][1])

    def addSkip(self, test: Any, reason: str) -> None:
        super().addSkip(test, reason)
        self.keep(test, "skipped", reason)

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        super().addExpectedFailure(test, err)
        self.keep(test, "skipped", "expected failure")

    def addUnexpectedSuccess(self, test: Any) -> None:
        super().addUnexpectedSuccess(test)
        self.keep(test, "failure", "unexpected success")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            kind = "failure" if issubclass(err[0], test.failureException) else "error"
            text = (self.failures if kind == "failure" else self.errors)[-1][1]
            self.keep(test, kind, f"{text}\n{subtest}")

    def keep(self, test: Any, kind: str | None = None, text: str = "") -> None:
        """Record one report on a case; the reader merges several on the same case."""
        seconds = time.perf_counter() - self.began.pop(id(test), time.perf_counter())
        attributes = {**attributes_of(test), "time": f"{seconds:.6f}"}
        if self.journal is not None:
            self.journal.ended(attributes, kind, text)
        del attributes["id"]
        inner = ""
        if kind is not None:
            message = "" if kind != "skipped" else text
            inner = element(kind, {"message": message}, escape(clean(text)))
        self.cases.append(element("testcase", attributes, inner))


def attributes_of(test: Any) -> dict[str, str]:
    """Return the attributes of a test's JUnit case."""
    module, name = split(test)
    attributes = {"classname": module, "name": name, "id": str(test.id())}
    file, line = place(test)
    if file is not None:
        attributes.update(path=file, line=str(line - 1))
    return attributes


def never_ran(test: Any) -> bool:
    """Return True if a test is a coroutine that nobody has awaited."""
    kind = getattr(unittest, "IsolatedAsyncioTestCase", ())
    method = getattr(test, getattr(test, "_testMethodName", ""), None)
    return inspect.iscoroutinefunction(method) and not isinstance(test, kind)


def split(test: Any) -> tuple[str, str]:
    """Return a test's class and name; a failure outside any test has no class."""
    kind = type(test)
    if kind.__name__ == "_FailedTest":
        return "", str(test._testMethodName)
    name: str = test.id()
    prefix = f"{kind.__module__}.{kind.__qualname__}."
    if isinstance(test, unittest.TestCase) and name.startswith(prefix):
        return prefix[:-1], name[len(prefix) :]
    return "", name


def place(test: Any) -> tuple[str | None, int]:
    """Return the file and line of a test, if its source can be found."""
    if type(test).__name__ == "_FailedTest":
        return None, 0
    try:
        method = inspect.unwrap(getattr(test, test._testMethodName))
        # Not inspect.getsourcelines: it reads the file once for each test.
        return source_of(method), method.__code__.co_firstlineno
    except (AttributeError, OSError, TypeError):
        return None, 0


def source_of(method: Any) -> str | None:
    """Return the source file of a method, cached for all methods of one file."""
    name = method.__code__.co_filename
    if name not in SOURCES:
        SOURCES[name] = inspect.getsourcefile(method)
    return SOURCES[name]


def element(tag: str, given: dict[str, str], inner: str) -> str:
    """Format an XML element from its attributes and content."""
    attributes = "".join(f' {key}="{escape(clean(text), BREAKS)}"' for key, text in given.items())
    return f"<{tag}{attributes}>{inner}</{tag}>"


def clean(value: object) -> str:
    """Replace the characters that are invalid in XML."""
    text = str(value)
    # Most texts are valid ASCII, and this check is ten times as fast as the expression.
    if text.isascii() and len(text.encode().translate(None, ILLEGAL_ASCII)) == len(text):
        return text
    return ILLEGAL.sub("?", text)


def starts(folder: Path) -> list[tuple[Path, Path]]:
    """Return the (start folder, top folder) of every place with tests."""
    found: list[tuple[Path, Path]] = []
    for name, folders, files in os.walk(folder):
        here = Path(name)
        folders[:] = sorted(
            inner
            for inner in folders
            if inner not in SKIPPED
            and not (inner in BUILT and here == folder)
            and not inner.startswith(".")
            and not (here / inner / "pyvenv.cfg").exists()
        )
        if not any(re.fullmatch(r"test.*\.py", file) for file in files):
            continue
        top = here
        while (top / "__init__.py").exists() and top != folder:
            top = top.parent
        if not any(reaches(start, here) and top == its for start, its in found):
            found.append((here, top))
    return found


def reaches(start: Path, folder: Path) -> bool:
    """Return True if unittest descends from a start folder to a folder: packages all the way."""
    while folder != start:
        if not (folder / "__init__.py").exists() or folder == folder.parent:
            return False
        folder = folder.parent
    return True


def collect(folder: Path) -> unittest.TestSuite:
    """Return all tests below a folder."""
    suite = unittest.TestSuite()
    for start, top in starts(folder):
        forget(start, top)
        # One loader each: a loader keeps its first top folder.
        suite.addTest(unittest.TestLoader().discover(str(start), "test*.py", str(top)))
    return suite


def forget(start: Path, top: Path) -> None:
    """Forget the modules of an earlier folder that are named like test files of this one."""
    if start != top:
        return
    for file in start.glob("test*.py"):
        known = sys.modules.get(file.stem)
        place = getattr(known, "__file__", None)
        if place and Path(place).name == file.name and Path(place).parent != start:
            del sys.modules[file.stem]


class Given(unittest.TestProgram):
    """unittest's own command line, which neither runs the tests nor exits."""

    test: Any

    def runTests(self) -> None:
        pass


def chosen(arguments: list[str]) -> tuple[Any, dict[str, Any]]:
    """Return the tests that unittest's own arguments select, and the settings of its runner."""
    if not arguments:
        return collect(Path.cwd()), {}
    if len(arguments) == 1 and Path(arguments[0]).is_dir():
        return collect(Path(arguments[0]).resolve()), {}
    program = Given(module=None, argv=["python -m unittest", *arguments], exit=False)
    return program.test, {"failfast": program.failfast, "buffer": program.buffer}


def run(runner: Any, suite: Any, number: int) -> Any:
    """Run a suite and write its number of tests and its end into the journal."""
    journal = import_module("slipway_journal").open_journal() if JOURNAL else None
    if journal is not None:
        journal.write(found=number, collected=number)
    result = runner.run(suite)
    if journal is not None:
        if result.shouldStop:
            journal.write(stopped="the test result was told to stop")
        journal.write(code=0 if result.wasSuccessful() else 1)
    return result


def write(target: str, result: Any) -> None:
    """Write the cases of a result."""
    with Path(target).open("w", encoding="utf-8", newline="") as stream:
        stream.write('<?xml version="1.0" encoding="utf-8"?>\n<testsuite name="unittest">')
        stream.writelines(result.cases)
        stream.write("</testsuite>")


def main(target: str, arguments: list[str]) -> int:
    """Run the tests and write their results; return the exit code."""
    # Python puts this file's own folder first; the application's modules must take precedence.
    sys.path[0] = str(Path.cwd())
    suite, settings = chosen(arguments)
    if os.environ.get("SLIPWAY_PART"):
        # Only with sharding its folder is on the path.
        suite = import_module("slipway_shards").cut(suite)
    runner = unittest.TextTestRunner(verbosity=2, resultclass=Result, **settings)
    result: Any = run(runner, suite, suite.countTestCases())
    write(target, result)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
