"""Run Django's own test command inside the application's Python and write JUnit.

Usage: python django_run.py RESULTS.xml MANAGE.PY SETTINGS [ARGUMENTS OF manage.py test...]

MANAGE.PY or SETTINGS may be empty. Works on Python 3.8 and newer, with the project's Django.
"""

from __future__ import annotations

import os
import runpy
import sys
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import unittest_run

__all__ = ["hook", "main"]


def hook(target: str) -> None:
    """Have Django's test runner keep a journal and write JUnit."""
    runner = import_module("django.test.runner").DiscoverRunner
    result_class, run_suite = runner.get_resultclass, runner.run_suite

    @wraps(result_class)
    def get_resultclass(self: Any) -> Any:
        # Another one is asked for by --debug-sql and --pdb.
        return result_class(self) or unittest_run.Result

    @wraps(run_suite)
    def run_and_write(self: Any, suite: Any, **kwargs: Any) -> Any:
        if os.environ.get("SLIPWAY_PART"):
            suite = import_module("slipway_shards").cut(suite)

        class Runner:
            def run(self, _suite: Any) -> Any:
                return run_suite(outer, _suite, **kwargs)

        outer = self
        result = unittest_run.run(Runner(), suite, suite.countTestCases())
        unittest_run.write(target, result)
        return result

    runner.get_resultclass = get_resultclass
    runner.run_suite = run_and_write


def main(target: str, manage: str, settings: str, arguments: list[str]) -> None:
    """Run the tests; the process ends with Django's exit code."""
    folder = Path(manage).resolve().parent if manage else Path.cwd()
    # Python puts this file's own folder first.
    sys.path[0] = str(folder)
    if manage and folder != Path.cwd():
        os.chdir(folder)
    words = ["test", "--noinput", "--verbosity", "2", *arguments]
    if settings:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings)
    hook(target)
    if manage:
        sys.argv = [Path(manage).name, *words]
        runpy.run_path(str(folder / Path(manage).name), run_name="__main__")
        return
    for inner in ("src", "tests"):
        if Path(inner).is_dir() and str(Path(inner).resolve()) not in sys.path:
            sys.path.append(str(Path(inner).resolve()))
    import_module("django.core.management").execute_from_command_line(["django-admin", *words])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
